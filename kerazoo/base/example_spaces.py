"""Example spaces: the kind of one example of a model, as an object.

It checks the data, maps them to the range that the networks work in and back, and says how they are called in exported
signatures. So a model that learns points and images alike has no branch for either.
"""

from dataclasses import dataclass
from typing import Any, ClassVar

import numpy as np
import tensorflow as tf

from kerazoo.base import inputs
from kerazoo.data import check_batch
from kerazoo.data.sequences import KEY, LENGTH, check_lengths
from kerazoo.utils.errors import DataError
from kerazoo.utils.images import as_float, from_signed, to_signed


@dataclass(frozen=True)
class ExampleSpace:
    """A kind of examples.

    Attributes:
        shape: tuple[int, ...] or None. Of one example; None where it is free.
        key: str. The entry of a batch that holds them.
        name: str. What they are called in exported signatures.
        generation_task: str or None. The task of a model that generates them.
        about: str. For docstrings: type, range and shape of an array of them.
        shown: int. How many of them a form begins with.
    """

    shape: tuple | None = None

    key: ClassVar[Any] = None
    name: ClassVar[Any] = None
    generation_task: ClassVar[Any] = None
    about: ClassVar[str] = ""
    shown: ClassVar[int] = 16

    def check(self, batch):
        """Raise a `DataError` of one line unless a batch (a dict of arrays, or None) holds examples of this space."""
        check_batch(batch, key=self.key, shape=self.shape)

    def check_inputs(self, examples):
        """`examples` as an array; a `DataError` of one line unless they are of this space."""
        examples = np.asarray(examples)
        self.check({self.key: examples})
        return examples

    def as_float(self, examples):
        """A tensor of examples as float32, in the range that users see."""
        return tf.cast(examples, tf.float32)

    def to_network(self, examples):
        """A tensor of examples in the range that the networks work in."""
        return self.as_float(examples)

    def from_network(self, outputs):
        """A network's outputs in the range that users see."""
        return outputs

    def input(self):
        """The endpoint's input."""
        raise NotImplementedError


class Images(ExampleSpace):
    """Images in [0, 1], or uint8; the networks work in [0, 1], too."""

    key, name, generation_task = "image", "images", "image-generation"
    about = "array. uint8, or float in [0, 1], shape `(num, *image_shape)`"

    def as_float(self, examples):
        return as_float(examples)

    def input(self):
        return inputs.images(self.shape)


class SignedImages(Images):
    """Images in [0, 1], or uint8, for networks that work in [-1, 1]."""

    def to_network(self, examples):
        return to_signed(as_float(examples))

    def from_network(self, outputs):
        return from_signed(outputs)


class Points(ExampleSpace):
    """Points, as they are."""

    key, name, generation_task = "points", "points", "point-generation"
    about = "array. float, shape `(num, num_features)`"
    shown = 1000  # a cloud has many points

    def input(self):
        return inputs.points(self.shape[0])


class VectorsInTime(ExampleSpace):
    """Sequences of vectors, `(batch, steps, features)`; `shape` is `(None, features)`.

    Where they differ in length, an entry "length" of the batch, `(batch,)`, says how many steps of each count, and the
    others stand behind them; without it all count.
    """

    key = name = KEY
    about = "array. float, shape `(num, steps, num_features)`"

    def check(self, batch):
        super().check(batch)
        rows, steps = np.shape(batch[KEY])[:2]
        if not steps:
            raise DataError(f"{KEY} of shape {np.shape(batch[KEY])}: sequences have at least one step")
        if LENGTH in batch:
            check_lengths(batch[LENGTH], rows, steps, LENGTH)

    def mask(self, batch):
        """Which steps of a batch count, bool `(batch, steps)`; None where all do."""
        if LENGTH not in batch:
            return None
        return tf.sequence_mask(batch[LENGTH], tf.shape(batch[KEY])[1])


@dataclass(frozen=True)
class ImagePairs(Images):
    """Images of two domains, a dict of images under `keys`; each verb takes one domain's images."""

    keys: tuple = ("a", "b")

    key = "a"

    def check(self, batch):
        for domain in self.keys:
            if not batch or domain not in batch:
                raise DataError(f"no batch with the entry {domain!r}: give a dict of images under 'a' and 'b'")
            self.check_inputs(batch[domain])

    def check_inputs(self, examples):
        check_batch({"image": examples}, key="image", shape=self.shape)
        return examples


@dataclass(frozen=True)
class Tokens(ExampleSpace):
    """Windows of token ids of texts in a row, `(batch, steps + 1)`: inputs, and the token after each."""

    num_tokens: int = 0

    key, name, generation_task = "tokens", "tokens", "text-generation"
    about = "array. integer ids, shape `(num, steps)`"

    def check(self, batch):
        tokens = None if batch is None else np.asarray(batch.get(self.key, ()))
        if tokens is None or 0 in tokens.shape[:1]:
            raise DataError("tokens: no examples")
        if tokens.ndim != 2 or tokens.dtype.kind not in "iu" or tokens.shape[1] < 2:
            raise DataError(
                f"tokens of type {tokens.dtype} and shape {tokens.shape} where integers of shape (batch, steps + 1), "
                "inputs and the one after them, are expected: give texts, or encode them with model.tokens.encode"
            )
        if tokens.min() < 0 or tokens.max() >= self.num_tokens:
            known = f"the vocabulary has {self.num_tokens}, numbered from 0"
            raise DataError(f"tokens from {tokens.min()} to {tokens.max()}: {known}; encode with model.tokens")


@dataclass(frozen=True)
class TextTokens(ExampleSpace):
    """Whole texts as ids of their tokens, `(batch, longest)`; `pad` stands behind the shorter ones."""

    num_tokens: int = 0
    pad: int = 0

    key = name = "tokens"
    about = "array. integer ids, shape `(num, steps)`"

    def check(self, batch):
        tokens = None if batch is None else np.asarray(batch.get(self.key, ()))
        if tokens is None or tokens.ndim != 2 or not tokens.size or tokens.dtype.kind not in "iu":
            shape = None if tokens is None else tokens.shape
            raise DataError(f"tokens of shape {shape}: integer ids of shape (batch, steps) are expected; or give texts")
        if tokens.min() < 0 or tokens.max() >= self.num_tokens:
            raise DataError(f"tokens from {tokens.min()} to {tokens.max()}: the vocabulary has {self.num_tokens}")

    def mask(self, batch):
        """Which places hold a token, bool `(batch, steps)`."""
        return batch[self.key] != self.pad


@dataclass(frozen=True)
class TokenPairs(ExampleSpace):
    """Pairs of texts as ids, `source` and `target`, each of shape `(batch, length)`; `num_tokens` maps side to size."""

    num_tokens: dict | None = None

    key = name = "source"
    generation_task = "text-translation"

    def check(self, batch):
        if batch is None:
            raise DataError("pairs: no examples")
        for side, size in self.num_tokens.items():
            ids = np.asarray(batch.get(side, ()))
            if ids.ndim != 2 or not ids.size or ids.dtype.kind not in "iu":
                raise DataError(
                    f"{side}: integer ids of shape (batch, length) are expected, not {ids.dtype} of shape {ids.shape}; "
                    "give a source of pairs of texts, or {'source': ids, 'target': ids}"
                )
            if ids.min() < 0 or ids.max() >= size:
                raise DataError(f"{side}: ids from {ids.min()} to {ids.max()}, the vocabulary has {size}")
