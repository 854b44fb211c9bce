"""kerazoo's side: a preset's architecture with its own settings, in `fit`, on one batch in memory."""

import functools

import numpy as np
import tensorflow as tf
from contenders import THREADS

import kerazoo
from kerazoo.data import from_arrays
from kerazoo.text.vocabulary import SPECIALS

tf.config.threading.set_intra_op_parallelism_threads(THREADS)


def train(preset, batch, dtype="float32", changes=None):
    """Steps of a preset's fresh model, whose arguments may be changed, on a random batch: (`"images"`, rows, pixels),
    (`"windows"`, rows, steps) or (`"pairs"`, rows, tokens)."""
    kind, *sizes = batch
    return BATCHES[kind](functools.partial(kerazoo.load, preset, weights=None, dtype=dtype, **(changes or {})), *sizes)


def _train(model, batch):
    model.compile(seed=0)
    data = tf.data.Dataset.from_tensors(batch).repeat()
    return lambda steps: model.fit(data, steps_per_epoch=steps, verbose=0)


def _images(load, rows, pixels):
    model = load(image_shape=(pixels, pixels, 1))
    shape = (rows, *model.image_shape)  # `fit` joins as many batches as a step takes
    return _train(model, {"image": np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)})


def _windows(load, rows, steps):
    model = load()
    tokens = np.random.default_rng(0).integers(len(model.characters), size=(rows, steps + 1), dtype=np.int32)
    return _train(model, {"tokens": tokens, "first": np.zeros(rows, bool)})


def _pairs(load, rows, steps):
    words = [*SPECIALS, *(f"w{index}" for index in range(6000))]
    model = load(source_vocabulary=words, target_vocabulary=words)
    source, target = np.random.default_rng(0).integers(4, len(words), (2, rows, steps + 1), dtype=np.int32)
    return _train(model, {"source": source[:, 1:], "target": target})


BATCHES = {"images": _images, "windows": _windows, "pairs": _pairs}


def generate(preset, rows, dtype="float32"):
    """Images of a fresh model's `generate`."""
    model = kerazoo.load(preset, weights=None, dtype=dtype)
    return lambda steps: [model.generate(rows, seed=0) for _ in range(steps)]


def short_epochs(epochs, batches=200, batch_size=64):
    """So many batches from an array, divided into so many epochs."""
    model = kerazoo.load("cnn_classifier_mnist", weights=None, filters=(4, 8), feature_dim=8)
    model.compile(seed=0)
    shape = (batches * batch_size // epochs, *model.image_shape)
    images = np.random.default_rng(0).integers(0, 256, shape, dtype=np.uint8)
    source = from_arrays({"image": images, "label": np.arange(len(images)) % 10})
    return lambda turns: model.fit(source, batch_size=batch_size, epochs=epochs * turns, verbose=0)
