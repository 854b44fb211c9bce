"""The verbs of a translator: `translate`, `attend` and `score`, and the search that is behind them."""

import functools
from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerazoo.data.buckets import BucketedPairs
from kerazoo.losses import sequence_log_likelihood
from kerazoo.models.sequences._translator_endpoints import BEAM_WIDTH, LENGTH_PENALTY, TranslatorEndpoints
from kerazoo.text.decoding import beam_search, repeat_rows
from kerazoo.text.vocabulary import END, PAD, START, UNKNOWN, detokenize, tokenize
from kerazoo.utils.checks import check_integer, check_number, check_texts
from kerazoo.utils.errors import ConfigError, DataError
from kerazoo.utils.litert_forms import forms


class TranslatorVerbs(TranslatorEndpoints):
    """Mixin of `kerazoo.models.sequences._translator.Translator`: what it does with texts."""

    attends: Any = True  # whether there are weights of what a token looks at
    several_heads = False  # whether they are `(heads, target, source)` of each text, not `(target, source)`

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
        replace = replace_unknown and self.attends
        search = {"beam_width": beam_width, "length_penalty": length_penalty, "max_length": max_length}
        translations = []
        for weights, source, target in self._search(texts, batch_size=batch_size, **search):
            if replace:
                best = np.argmax(self.mean_of_heads(weights), axis=1)
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
            list of tuple. Weights, float32, shape `(target tokens, source tokens)`, whose rows sum to one, of a model
            with several heads `(heads, target tokens, source tokens)`; the source's tokens, and the translation's,
            list[str], both with "</s>" (unless the translation was cut).

        Raises:
            ConfigError: a model without attention, or an argument out of range.
            DataError: as for `translate`.
        """
        if not self.attends:
            raise ConfigError("this model has no attention, and so no weights of it")
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
        """(weights or None, source tokens, target tokens) of each text's best translation, in order."""
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
            for row, target, length, *weights in zip(rows, *best, strict=True):
                tokens = [self.target_tokens.tokens[index] for index in target[:length]]
                weights = weights[0][..., :length, : len(sources[row])] if self.attends else None
                found[row] = (weights, sources[row], tokens)
        return found

    def searcher(self, beam_width):
        """`(ids, max_length, length_penalty) -> ` the best translations' ids, their number with the end token, and the
        attention weights of each where it `attends`: a function of tensors, for one beam width."""
        return functools.partial(self._best, beam_width=beam_width)

    def _best(self, ids, max_length, length_penalty, beam_width):
        memory, state = self.encode_source(ids)
        state = self.begin_search(state, forms().room(max_length, self.max_length))
        memory, state = repeat_rows((memory, state), beam_width)
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
        best = tf.where(inside, best, self.target_tokens.end)
        if not self.attends:
            return best, lengths
        weights = found.extra[:, 0]
        if self.several_heads:
            weights, inside_of_weights = tf.transpose(weights, [0, 2, 1, 3]), inside[:, None, :, None]
        else:
            inside_of_weights = inside[:, :, None]
        return best, lengths, tf.where(inside_of_weights, weights, 0.0)

    def mean_of_heads(self, weights):
        """Attention weights `(..., target, source)`, of one head or the mean of several."""
        return tf.reduce_mean(weights, axis=-3) if self.several_heads else weights

    def begin_search(self, state, num_steps):
        """The state of `encode_source`, with room for so many steps (an int, or a scalar tensor)."""
        return state
