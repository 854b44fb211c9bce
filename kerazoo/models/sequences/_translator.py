"""The family of translators of text: vocabularies, data and verbs, beside their networks."""

import functools
import warnings
from typing import Annotated, Any

import keras
import numpy as np
import tensorflow as tf
from pydantic import Field

from kerazoo.base.example_spaces import TokenPairs
from kerazoo.data.buckets import BucketedPairs
from kerazoo.losses import sequence_log_likelihood
from kerazoo.models.sequences._translator_endpoints import BEAM_WIDTH, LENGTH_PENALTY, TranslatorEndpoints
from kerazoo.text.decoding import beam_search, repeat_rows
from kerazoo.text.vocabulary import END, PAD, SPECIALS, START, UNKNOWN, Vocabulary, detokenize, tokenize
from kerazoo.utils.checks import check_integer, check_number, check_texts
from kerazoo.utils.errors import ConfigError, DataError

Tokens = Annotated[list[str], Field(min_length=len(SPECIALS) + 1)]
SIDES = ("source", "target")


def text_vocabulary(name, tokens, level):
    """The `Vocabulary` of an argument; a `ConfigError` that names it unless the special tokens come first."""
    vocabulary = Vocabulary(tokens, level=level)
    if vocabulary.pad is None:
        raise ConfigError(f"{name}: the first tokens must be {', '.join(SPECIALS)}, not {', '.join(tokens[:4])}")
    return vocabulary


def _letters(texts, max_size, min_count):
    return Vocabulary.of_letters(texts)


VOCABULARIES = {"word": Vocabulary.of_words, "character": _letters}


def check_pairs(source):
    """A `DataError` unless a data source has pairs of texts, or of their ids."""
    if not set(SIDES) <= set(source.arrays):
        entries = ", ".join(source.arrays)
        raise DataError(
            f"translation trains on pairs of texts; {source.info.name} has: {entries}; give pairs:SOURCE,TARGET"
        )


class Translator(TranslatorEndpoints):
    """Mixin; list it before `ZooModel`. Vocabularies, data and verbs of a model that translates.

    The class has the arguments `source_vocabulary`, `target_vocabulary`, `level`, `max_vocabulary`, `min_count`,
    `attention` and `max_length`; its `__init__` sets `source_tokens` and `target_tokens` (`text_vocabulary`); it has
    `call`, `encode_source(ids) -> (memory, state)` and `decoder.step(ids, state, memory) -> (logits, state, weights)`.
    """

    task: Any = "text-translation"
    default_endpoint: str | None = "translate"

    @property
    def space(self):
        return TokenPairs(num_tokens={"source": len(self.source_tokens), "target": len(self.target_tokens)})

    @classmethod
    def arguments_from(cls, source, arguments):
        """Both vocabularies, from the texts of a source of pairs."""
        check_pairs(source)
        letters = not any(" " in text.strip() for side in SIDES for text in source.arrays[side])  # no words
        found = {"level": "character"} if letters and arguments.get("level", "word") == "word" else {}
        make = VOCABULARIES[found.get("level", arguments.get("level", "word"))]
        limits = {"max_size": arguments.get("max_vocabulary", 8000), "min_count": arguments.get("min_count", 2)}
        return found | {f"{side}_vocabulary": make(source.arrays[side], **limits).tokens for side in SIDES}

    def prepare(self, source):
        """Texts as ids: a source ends with "</s>", a target stands between "<s>" and "</s>". Ids stay as they are."""
        check_pairs(source)
        if source.arrays["source"].dtype.kind not in "OUS" or isinstance(source, BucketedPairs):
            return source
        pairs = [
            (self.source_ids(a), self.target_ids(b))
            for a, b in zip(source.arrays["source"], source.arrays["target"], strict=True)
        ]
        kept = [(a, b) for a, b in pairs if len(a) <= self.max_length and len(b) <= self.max_length + 1]
        info, left_out = source.info, len(pairs) - len(kept)
        if not kept:
            raise DataError(f"{info.name}[{info.split}]: no pair of at most max_length={self.max_length} tokens")
        if left_out:
            text = f"{info.name}[{info.split}]: {left_out} of {len(pairs)} pairs are longer than max_length"
            warnings.warn(f"{text}={self.max_length} tokens and left out", stacklevel=2)
        return BucketedPairs(*zip(*kept, strict=True), pad=self.source_tokens.pad, **info.origin)

    def source_ids(self, text):
        """A source as the encoder takes it: int32, `(length,)`."""
        return np.append(self.source_tokens.encode(text), np.int32(self.source_tokens.end))

    def target_ids(self, text):
        """A target as training takes it: int32, `(length,)`."""
        return np.concatenate(
            [[self.target_tokens.start], self.target_tokens.encode(text), [self.target_tokens.end]]
        ).astype("int32")

    # === Verbs ===

    def translate(
        self,
        texts,
        *,
        beam_width=BEAM_WIDTH,
        length_penalty=LENGTH_PENALTY,
        max_length=None,
        replace_unknown=True,
        batch_size=50,
    ):
        """Translate texts.

        Args:
            texts: str or list of str. None empty.
            beam_width: int. Hypotheses kept at every step; 1 is greedy search. Defaults to 5.
            length_penalty: float, at least 0. The exponent of `kerazoo.text.decoding.length_penalty`; 0 favours short
                translations. Defaults to 1.
            max_length: int or None. Tokens at most, "</s>" included. Defaults to None, the model's.
            replace_unknown: bool. Whether "<unk>" becomes the source word with the largest attention weight (Jean et
                al. 2015, arXiv:1412.2007, section 3.3). Defaults to True; nothing happens without attention.
            batch_size: int. Texts translated at a time. Defaults to 50.

        Returns:
            list[str]. One for each text; lower-cased for words.

        Raises:
            DataError: `texts` holds anything but texts, or one has no token.
            ConfigError: an argument out of range.
        """
        replace = replace_unknown and self.attention is not None
        search = {"beam_width": beam_width, "length_penalty": length_penalty, "max_length": max_length}
        translations = []
        for weights, source, target in self._search(texts, batch_size=batch_size, **search):
            if replace:
                best = weights.argmax(axis=1)
                target = [source[i] if token == UNKNOWN else token for i, token in zip(best, target, strict=True)]
            translations.append(self._join(token for token in target if token not in (END, START, PAD)))
        return translations

    def _join(self, tokens):
        return "".join(tokens) if self.level == "character" else detokenize(tokens)

    def attend(self, texts, *, beam_width=1, length_penalty=1.0, max_length=None, batch_size=50):
        """The attention weights of each text's translation.

        Args:
            texts: str or list of str. None empty.
            beam_width: int. Hypotheses kept at every step. Defaults to 1, greedy search.
            length_penalty: float. As for `translate`; without effect on greedy search. Defaults to 1.
            max_length: int or None. Tokens at most, "</s>" included. Defaults to None, the model's.
            batch_size: int. Texts translated at a time. Defaults to 50.

        Returns:
            list of tuple. Weights, float32, shape `(target tokens, source tokens)`, whose rows sum to one; the source's
            tokens, and the translation's, list[str], both with "</s>" (unless the translation was cut).

        Raises:
            ConfigError: a model without attention, or an argument out of range.
            DataError: as for `translate`.
        """
        if self.attention is None:
            raise ConfigError("this model has attention=None: there are no attention weights")
        search = {"beam_width": beam_width, "length_penalty": length_penalty, "max_length": max_length}
        return list(self._search(texts, batch_size=batch_size, **search))

    def score(self, sources, targets, *, batch_size=50):
        """log p(target | source) of pairs of texts.

        Args:
            sources, targets: str or list of str. As many of both, none empty.
            batch_size: int. Pairs computed at a time. Defaults to 50.

        Returns:
            np.ndarray. float32, shape `(num,)`, in nats, the end of the text included; higher is better.

        Raises:
            DataError: as for `translate`, or lists of different lengths.
            ConfigError: `batch_size` is below 1.
        """
        sources = check_texts("sources", sources, blank=False)
        targets = check_texts("targets", targets, blank=False)
        if len(sources) != len(targets):
            raise DataError(f"{len(sources)} sources and {len(targets)} targets: the same number of both is expected")
        pairs = BucketedPairs(
            [self.source_ids(text) for text in sources],
            [self.target_ids(text) for text in targets],
        )
        batches = pairs.epoch(check_integer("batch_size", batch_size)).as_numpy_iterator()
        return np.concatenate([self.calls(self._score, *batch.values(), any_shape=True) for batch in batches])

    def _score(self, source, target):
        labels = target[:, 1:]
        logits = self.call({"source": source, "target": target})
        return sequence_log_likelihood(logits, labels, labels != self.target_tokens.pad)

    def _search(self, texts, *, beam_width, length_penalty, max_length, batch_size):
        """(weights, source tokens, target tokens) of each text's best translation, in order."""
        texts = check_texts("texts", texts, blank=False)
        beam_width, batch_size = check_integer("beam_width", beam_width), check_integer("batch_size", batch_size)
        max_length = check_integer("max_length", self.max_length if max_length is None else max_length)
        length_penalty = check_number("length_penalty", length_penalty)
        sources = [[*tokenize(text, self.level), END] for text in texts]
        ids = [self.source_ids(text) for text in texts]
        order = np.argsort([len(row) for row in ids], kind="stable")
        found = [None] * len(texts)

        limits, search = (np.int32(max_length), np.float32(length_penalty)), self.searcher(beam_width)
        for start in range(0, len(order), batch_size):
            rows = order[start : start + batch_size]
            padded = keras.utils.pad_sequences([ids[row] for row in rows], padding="post")
            best = self.calls(search, padded, *limits, any_shape=True)
            for row, target, length, weights in zip(rows, *best, strict=True):
                tokens = [self.target_tokens.tokens[index] for index in target[:length]]
                found[row] = (weights[:length, : len(sources[row])], sources[row], tokens)
        return found

    def searcher(self, beam_width):
        """`(ids, max_length, length_penalty) -> ` the best translations' ids, their number with the end token, and the
        attention weights of each: a function of tensors, for one beam width."""
        return functools.partial(self._best, beam_width=beam_width)

    def _best(self, ids, max_length, length_penalty, beam_width):
        memory, state = repeat_rows(self.encode_source(ids), beam_width)
        found = beam_search(
            lambda last, state: self.decoder.step(last, state, memory),
            state,
            start=self.target_tokens.start,
            end=self.target_tokens.end,
            max_length=max_length,
            beam_width=beam_width,
            alpha=length_penalty,
            capacity=self.max_length,
        )
        best = found.ids[:, 0]
        ended = tf.reduce_any(best == self.target_tokens.end, axis=1)
        lengths = found.lengths[:, 0] + tf.cast(ended, tf.int32)
        # What stands behind a translation is how long the others of its batch, or the steps of a device, went on.
        inside = tf.range(tf.shape(best)[1]) < lengths[:, None]
        weights = tf.where(tf.expand_dims(inside, -1), found.extra[:, 0], 0.0)
        return tf.where(inside, best, self.target_tokens.end), lengths, weights
