"""Strings in the graph against the same in Python."""

import random
import unicodedata

import pytest
import tensorflow as tf

from kerazoo.text.graph import join_tokens, lookup_ids, split_text
from kerazoo.text.vocabulary import Vocabulary, join, tokenize
from kerazoo.utils.errors import ConfigError

TEXTS = [
    "A man's T-shirt costs $3.50, (more) or less.",
    'He said: "Wait (3-4 hours)!"  And\tleft',
    "Zwei junge weiße Männer sind IM FREIEN in der Nähe vieler Büsche.",
    "Příliš žluťoučký kůň, 1,000.5 - vor- und nachher; 3-year-old boys' «toys»…",
    "\u3042\u3044 \u4e2d\u6587\uff0c!",
    "...",
]


def fuzz(num):
    rng = random.Random(0)
    letters = "aZé9.,-'\"()[]{}$#%!?/:; \u2019\u2014\u00a0ßΩ0"
    for _ in range(num):
        yield unicodedata.normalize("NFC", "".join(rng.choices(letters, k=rng.randint(1, 24))))


@pytest.mark.parametrize("level", ["word", "character", "token"])
def test_texts_are_cut_as_in_python(level):
    texts = [text for text in [*TEXTS, *fuzz(2000)] if text.strip()]
    found = split_text(tf.constant(texts), level).to_list()
    for text, tokens in zip(texts, found, strict=True):
        assert [token.decode() for token in tokens] == tokenize(text, level)


@pytest.mark.parametrize("level", ["word", "character", "token"])
def test_tokens_are_joined_as_in_python(level):
    tokens = [found for text in [*TEXTS, *fuzz(2000)] if (found := tokenize(text, level))]
    padded = tf.ragged.constant(tokens).to_tensor()
    for words, text in zip(tokens, join_tokens(padded, level).numpy(), strict=True):
        assert text.decode() == join(words, level)


def test_special_tokens_between_spaces_are_unknown_in_both():
    vocabulary = Vocabulary.of_words(["N million </s> N"], min_count=1, level="token")
    text = "N <unk> </s> <pad> million"
    assert vocabulary.encode(text).tolist() == [4, 1, 1, 1, 5]
    tokens = split_text(tf.constant([text]), "token").flat_values
    assert lookup_ids(tokens, vocabulary).numpy().tolist() == [4, 1, 1, 1, 5]
    assert vocabulary.decode([4, 5, 3]) == "N million"


def test_ids_are_those_of_the_vocabulary():
    words = Vocabulary.of_words(TEXTS, min_count=1)
    tokens = tokenize(" ".join(TEXTS) + " unheard-of", "word")
    assert lookup_ids(tf.constant(tokens), words).numpy().tolist() == words.encode(" ".join(tokens)).tolist()
    letters = Vocabulary(["a", "b"], level="character")
    assert lookup_ids(tf.constant(["b", "x", "a"]), letters).numpy().tolist() == [1, -1, 0]


def test_two_tokens_with_one_fingerprint_are_an_error(monkeypatch):
    monkeypatch.setattr("kerazoo.text.graph._fingerprints", lambda tokens: tf.zeros(tf.shape(tokens), tf.int64))
    with pytest.raises(ConfigError, match="one fingerprint"):
        lookup_ids(tf.constant(["a"]), Vocabulary(["a", "b"], level="character"))
