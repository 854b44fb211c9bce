"""Tokens and ids: what is kept, what is joined, and agreement with BLEU's tokenisation and TensorFlow's RE2."""

import numpy as np
import pytest
import tensorflow as tf

from kerazoo.data import open_source
from kerazoo.text.vocabulary import SPACE_PATTERN, SPECIALS, WORD_PATTERN, Vocabulary, detokenize, tokenize
from kerazoo.utils.errors import ConfigError, DataError

SENTENCES = [
    "A man's T-shirt costs $3.50, (more) or less.",
    "Der 20-jährige Vor- und Nachname: Jürgen Müßig; 1.000 Stück!",
    'He said: "Wait 3 - 4 hours", and/or "go", at 50% of #1?',
    "The boys' dogs don\u2019t bark \u2026 \u201eoder doch\u201c \u2013 nein",
    "e.g. at 10:30, 2x4-inch, a..b, 7.. and [x] {y} @home & away_now *",
    "naïve\u00a0café \u0939\u093f\u0928\u094d\u0926\u0940 \u4f60\u597d\uff0c \u0420\u0443\u0441",
]


def test_words_numbers_and_marks():
    assert tokenize(SENTENCES[0], "word") == [
        *("a", "man's", "t-shirt", "costs", "$", "3.50", ",", "(", "more", ")", "or", "less", ".")
    ]
    assert tokenize(SENTENCES[1], "word") == [
        *("der", "20", "-", "jährige", "vor-", "und", "nachname", ":", "jürgen", "müßig", ";", "1.000", "stück", "!")
    ]
    assert tokenize("e\u0301 \u00c9", "word") == ["\u00e9", "\u00e9"]  # NFC, then lower case
    assert tokenize("Ab c", "character") == ["A", "b", " ", "c"]
    with pytest.raises(ConfigError, match="level='letter': expected one of 'character', 'word', 'token'"):
        tokenize("a", "letter")


@pytest.mark.parametrize("sentence", SENTENCES)
def test_the_pattern_is_the_same_in_a_tensorflow_graph(sentence):
    @tf.function
    def split(text):
        text = tf.strings.regex_replace(tf.strings.lower(text, "utf-8"), SPACE_PATTERN, " ")
        return tf.strings.split(tf.strings.regex_replace(text, f"({WORD_PATTERN})", r" \1 "))

    assert [token.decode() for token in split(sentence).numpy()] == tokenize(sentence, "word")


def test_bleu_sees_the_tokens_in_the_joined_text():
    assert detokenize(tokenize(SENTENCES[0], "word")) == SENTENCES[0].lower()
    assert detokenize(tokenize(SENTENCES[2], "word")) == SENTENCES[2].lower().replace("3 - 4", "3-4")
    tokenizer = pytest.importorskip("sacrebleu.tokenizers.tokenizer_13a").Tokenizer13a
    bleu_tokens, random = tokenizer(), np.random.default_rng(0)
    pieces = [*"abz019äß.,!?;:()[]{}\"'-/&%$#@<>*=+_~^|`\u2019\u201e\u201c\u2013", *[" "] * 12]
    pieces += ["1.5", "3,000", "&quot;", "<skipped>", "t-shirt", "20-year", "..."]
    noise = ["".join(random.choice(pieces, length)) for length in random.integers(1, 15, 5000)]
    for text in [*SENTENCES, *noise]:
        tokens = tokenize(text, "word")
        assert bleu_tokens(detokenize(tokens)).split() == tokens


def test_characters_come_back_exactly():
    vocabulary = Vocabulary.of_characters(["hello\n", "Äh"])
    assert vocabulary.tokens == ["\n", "e", "h", "l", "o", "Ä"]
    assert (vocabulary.pad, vocabulary.unknown, vocabulary.start, vocabulary.end) == (None,) * 4
    ids = vocabulary.encode("Ähh\nole")
    assert ids.dtype == np.int32
    assert vocabulary.decode(ids) == "Ähh\nole"
    assert [vocabulary.tokens[i] for i in ids] == list("Ähh\nole")
    text = open_source("verse").arrays["text"][0]
    assert Vocabulary.of_characters(text).decode(Vocabulary.of_characters(text).encode(text)) == text
    assert vocabulary.encode("").shape == (0,)


def test_unknown_characters_are_named():
    vocabulary = Vocabulary.of_characters("abc")
    with pytest.raises(DataError) as caught:
        vocabulary.encode("abxaéx\n123456")
    assert str(caught.value) == (
        "unknown characters: 'x' at 2, 'é' at 4, '\\n' at 6, '1' at 7, '2' at 8 and 4 more; the vocabulary holds 3: "
        "'abc'; remove or replace them"
    )
    letters = Vocabulary.of_letters("abc")
    assert letters.encode("abx").tolist() == [4, 5, letters.unknown]
    with pytest.raises(DataError, match="ids from 0 to 3 where the vocabulary has 0 to 2"):
        vocabulary.decode([0, 3])
    with pytest.raises(DataError, match="ids from -1"):
        vocabulary.decode([-1])


def test_words_are_ordered_by_frequency_and_then_by_name():
    texts = ["the cat sat.", "The dog sat.", "a bird"]
    vocabulary = Vocabulary.of_words(texts, min_count=1)
    assert vocabulary.tokens == [*SPECIALS, ".", "sat", "the", "a", "bird", "cat", "dog"]
    assert (vocabulary.pad, vocabulary.unknown, vocabulary.start, vocabulary.end) == (0, 1, 2, 3)
    assert Vocabulary.of_words(texts).tokens[4:] == [".", "sat", "the"]
    assert len(Vocabulary.of_words(texts, max_size=6, min_count=1)) == 6
    assert vocabulary.encode("The bird flew.").tolist() == [6, 8, 1, 4]
    assert vocabulary.decode([2, 6, 8, 1, 4, 3, 0, 0]) == "the bird <unk>."
    assert vocabulary.encode("<pad>").tolist() == [1, 1, 1]  # what a user types never becomes a special token
    with pytest.raises(DataError, match="4 different words, none kept by min_count=2 and max_size=8000"):
        Vocabulary.of_words("one two three.")
    with pytest.raises(DataError, match="the texts are empty"):
        Vocabulary.of_letters(["", ""])


def test_a_vocabulary_is_built_again_from_its_tokens():
    first = Vocabulary.of_letters(["cab"])
    again = Vocabulary(first.tokens, level=first.level)
    assert first.tokens == [*SPECIALS, "a", "b", "c"]
    assert again.encode("abc").tolist() == [4, 5, 6]
    assert again.decode([2, 6, 4, 5, 3]) == "cab"
    assert (again.end, len(again), repr(again)) == (3, 7, "<Vocabulary of 7 characters, 4 of them special>")


@pytest.mark.parametrize(
    ("tokens", "level", "message"),
    [
        ([], "character", "no tokens"),
        (list(SPECIALS), "word", "no tokens"),
        (["a", "b", "a"], "character", "the token 'a' comes twice"),
        (["a", "bc"], "character", "the token 'bc' is not one character"),
        (["a", ""], "word", "the token '' is not a string that is not empty"),
        (["a", 3], "word", "the token 3 is not a string"),
        (["a"], "words", "level='words'"),
    ],
)
def test_wrong_vocabularies(tokens, level, message):
    with pytest.raises(ConfigError, match=message) as caught:
        Vocabulary(tokens, level=level)
    assert "\n" not in str(caught.value)
