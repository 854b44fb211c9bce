"""The family of classifiers of texts: vocabulary, data and verbs, beside their networks."""

from typing import Any

import keras
import numpy as np
import tensorflow as tf

from kerazoo.base.endpoints import LOOP, STRINGS, Endpoint
from kerazoo.base.example_spaces import TextTokens
from kerazoo.base.inputs import text, tokens
from kerazoo.base.labels import Labelled
from kerazoo.data.buckets import BucketedTokens
from kerazoo.data.text import texts_of
from kerazoo.text.graph import lookup_ids, split_text
from kerazoo.text.vocabulary import SPECIALS, Vocabulary
from kerazoo.utils.checks import check_integer, check_texts


class TextClassifier(Labelled):
    """Mixin; list it before `ZooModel`. Vocabulary, data and verbs of a model that says the class of a text.

    The class has the arguments `vocabulary`, `num_classes`, `max_vocabulary`, `min_count` and `max_length`; its
    `__init__` sets `words`, a `Vocabulary`; and it has `logits(tokens, training)`, a function of ids `(rows, steps)`.
    Of a longer text the first `max_length` words are read.
    """

    task: Any = "text-classification"
    default_endpoint: str | None = "classify"

    @property
    def space(self):
        return TextTokens(num_tokens=len(self.words), pad=self.words.pad)

    # === Data ===

    @classmethod
    def arguments_from(cls, source, arguments):
        """The words of the texts of a source, the most frequent ones, and the number of its classes."""
        limits = {"max_size": arguments.get("max_vocabulary", 10_000), "min_count": arguments.get("min_count", 2)}
        words = Vocabulary.of_words(texts_of(source), **limits).tokens
        return {**super().arguments_from(source, arguments), "vocabulary": words}

    def prepare(self, source):
        """Texts as ids of their words, in batches of similar length; ids stay as they are."""
        if self.batch_key in source.arrays:
            return source
        ids = [self._ids(text) for text in texts_of(source)]
        ids = [row if len(row) else np.array([self.words.unknown]) for row in ids]
        labels = {"label": source.arrays["label"]} if "label" in source.arrays else {}
        details = {**source.info.origin, "class_names": source.info.class_names}
        return BucketedTokens(ids, labels, pad=self.words.pad, **details)

    def _ids(self, text):
        return self.words.encode(text)[: self.max_length]

    # === Training ===

    def losses(self, batch, *, training):
        """The cross-entropy of each text's label, in nats."""
        labels = tf.cast(tf.reshape(batch["label"], [-1]), tf.int32)
        logits = self.logits(batch[self.batch_key], training)
        self.track(accuracy=tf.cast(tf.argmax(logits, axis=1, output_type=tf.int32) == labels, tf.float32))
        return tf.nn.sparse_softmax_cross_entropy_with_logits(labels=labels, logits=logits)

    def call(self, inputs, training=False):
        """Class probabilities, shape `(batch, num_classes)`, of ids `(batch, steps)`."""
        return tf.nn.softmax(self.logits(inputs, training))

    # === Verbs ===

    def classify(self, texts, *, batch_size=64):
        """Class probabilities.

        Args:
            texts: str or list of str. Words that the model does not know are one word; of a long text the beginning is
                read.
            batch_size: int. Texts computed at a time. Defaults to 64.

        Returns:
            np.ndarray. float32, shape `(num, num_classes)`; each row sums to one.

        Raises:
            DataError: `texts` holds anything but texts.
            ConfigError: `batch_size` is below 1.
        """
        size = check_integer("batch_size", batch_size)
        ids = [self._ids(text) for text in check_texts("texts", texts)]
        order = np.argsort([len(row) for row in ids], kind="stable")
        found = np.zeros((len(ids), self.num_classes), "float32")
        for start in range(0, len(ids), size):
            part = order[start : start + size]
            longest = max(1, *(len(ids[place]) for place in part))
            padded = keras.utils.pad_sequences(
                [ids[place] for place in part], longest, padding="post", value=self.words.pad
            )
            found[part] = self.calls(self.call, padded, any_shape=True)
        return found

    # === Leaving Python ===

    def extra_endpoints(self):
        shown = text(" ".join(self.words.tokens[4:12]), self.words.tokens[4])
        ids = tokens(len(self.words), least=len(SPECIALS), longest=self.max_length)
        return {
            "classify": Endpoint(self._classify_strings, {"text": shown}, "probabilities", server_only=STRINGS),
            "classify_tokens": Endpoint(self.call, {"tokens": ids}, "probabilities", int8=LOOP),
        }

    def _classify_strings(self, text):
        found = split_text(text, "word")
        ids = found.with_flat_values(lookup_ids(found.flat_values, self.words)).to_tensor(self.words.pad)
        return self.call(tf.pad(ids[:, : self.max_length], [[0, 0], [0, 1]], constant_values=self.words.pad))
