"""Conversion of what `fit`, `evaluate` and `predict` accept to dict batches, and the check of one batch."""

import os
from collections.abc import Mapping

import numpy as np

from kerazoo.data.arrays import from_arrays
from kerazoo.data.order import PARALLEL_CALLS, with_fixed_options
from kerazoo.data.schemes import open_source
from kerazoo.data.sequences import KEY, Sequences
from kerazoo.data.sources import Source
from kerazoo.utils.errors import DataError

_TOLERANCE = 1e-3  # resizing and float16 overshoot [0, 1] by less


def as_dataset(
    x,
    *,
    key="image",
    image_shape=None,
    prepare=None,
    batch_size=32,
    batches_per_step=1,
    training=True,
    shuffle=True,
    seed=0,
    start_step=0,
    devices=1,
):
    """Turn data of any accepted kind into a dataset of dict batches.

    Args:
        x: a NumPy array or tensor; a list of str, or of sequences of vectors; a dict of arrays; a tuple (x, labels) of
            arrays; a `Source`; a spec such as "tfds:mnist"; or a batched `tf.data.Dataset` of tensors, (tensor, label)
            pairs or dicts.
        key: str, default "image". The main entry of the batches that the model takes.
        image_shape: tuple or None (default): a spec of images is opened in this shape.
        prepare: callable or None (default). Turns a `Source` into the one whose batches the model takes.
        batch_size: int, default 32. Examples in a global batch. Not used for a `tf.data.Dataset`.
        batches_per_step: int, default 1. A step takes this many batches, joined into one.
        training: bool, default True. True gives the endless stream `Source.batches`, False the ordered pass
            `Source.epoch`, whole on every worker. Not used for a `tf.data.Dataset`.
        shuffle, seed, start_step: as in `Source.batches`; used for training only.
        devices: int, default 1. A pass over a source, and a `tf.data.Dataset`, have at least this many rows in every
            batch: TensorFlow's convolutions fail on a device without rows.

    Returns:
        (dataset, steps): a `tf.data.Dataset` of dicts, and the number of steps in an epoch: `n // batch_size`, at least
        1, for training; the number of batches for evaluation; None for a `tf.data.Dataset`, which has a length of its
        own.

    Raises:
        DataError: `x` is of a kind that is not accepted, empty, inconsistent, or has no entry `key`.

    Example:
        >>> dataset, steps = as_dataset(np.zeros((100, 28, 28, 1), "uint8"), batch_size=32)
        >>> steps, next(iter(dataset))["image"].shape
        (3, TensorShape([32, 28, 28, 1]))
    """
    if is_dataset(x):
        dataset = _without_texts(_rebatch(_adapt_dataset(x, key), key, batches_per_step), key)
        return dataset if devices == 1 else dataset.map(lambda batch: _with_enough_rows(batch, key, devices)), None
    source = as_source(x, key, image_shape)
    source = source if prepare is None else prepare(source)
    _require_key(key, source.arrays, source.info.name)
    if training:
        rows = batch_size * batches_per_step
        stream = source.batches(rows, shuffle=shuffle, seed=seed, start_step=start_step)
        return _without_texts(stream, key), source.num_batches(rows)
    # The largest batches that leave a row for each device in the last one.
    sizes = range(batch_size, devices - 1, -1)
    dataset = source.epoch(next((size for size in sizes if not 0 < len(source) % size < devices), batch_size))
    return _without_texts(dataset, key), int(dataset.cardinality())


def check_batch(batch, *, key, shape, value_range=None):
    """Check one batch of dict data against what a model takes; return nothing if it fits.

    Args:
        batch: dict of arrays or tensors; None, for the first batch of an empty dataset, is an error.
        key: str, the entry to check.
        shape: tuple, shape of one example; None stands for any size.
        value_range: (low, high) or None (default): (0, 1) for images, any finite value for other entries. uint8 images
            are read as 0..255 and always fit.

    Raises:
        DataError: the entry is missing, empty, unbatched, or wrong in shape, type or range; the line says what to do.

    Example:
        >>> check_batch({"image": np.zeros((4, 28, 28, 1), "uint8")}, key="image", shape=(28, 28, 1))
    """
    noun = "images" if key == "image" else key
    if batch is None:
        raise DataError(f"{noun}: no examples")
    _require_key(key, batch, "the batch")
    values = np.asarray(batch[key])
    _check_shape(values, noun, key, tuple(shape))
    if values.dtype == np.uint8 and key == "image":
        return
    # NumPy does not count bfloat16 among its floating types.
    if values.dtype.kind != "f" and values.dtype.name != "bfloat16":
        expected = "uint8, or floating point in [0, 1]," if key == "image" else "floating point"
        raise DataError(f"{noun} of type {values.dtype} where {expected} is expected: {_cast(values, key)}")
    values = values.astype(np.float32)
    if not np.isfinite(values).all():
        rows = np.unique(np.nonzero(~np.isfinite(values))[0])
        raise DataError(
            f"{noun} with values that are not finite, in {len(rows)} of {len(values)} examples: remove them"
        )
    if value_range is None and key == "image":
        value_range = (0, 1)
    if value_range is not None:
        _check_range(values, noun, *value_range)


def _cast(values, key):
    """What makes numbers of another type fit: a cast alone where that loses nothing."""
    if key != "image":
        return "use x.astype('float32')"
    most = int(values.max()) if values.dtype.kind in "iu" and values.size else 0
    if most <= 255:
        return "use x.astype('uint8')"
    return f"divide them by the largest value that there may be, x / {65535 if most <= 65535 else most}"


def is_dataset(x):
    """Tell a `tf.data.Dataset` without importing TensorFlow for NumPy data."""
    return hasattr(x, "element_spec") and hasattr(x, "__iter__")


def _adapt_dataset(dataset, key):
    """Map the elements of a batched dataset to dicts."""
    spec = dataset.element_spec
    if isinstance(spec, Mapping):
        _require_key(key, spec, "the dataset")
    elif isinstance(spec, tuple) and len(spec) == 2:
        dataset = dataset.map(lambda x, label: {key: x, "label": label}, num_parallel_calls=PARALLEL_CALLS)
    elif hasattr(spec, "shape"):
        dataset = dataset.map(lambda x: {key: x}, num_parallel_calls=PARALLEL_CALLS)
    else:
        raise DataError(
            f"a tf.data.Dataset of {type(spec).__name__} elements: expected tensors, (tensor, label) pairs or dicts "
            f"with an entry {key!r}"
        )
    return with_fixed_options(dataset)


def _without_texts(dataset, key):
    """Leave out captions and other texts next to numbers: no compiled step on an accelerator takes them.

    A model that reads texts turns them into numbers in `prepare`.
    """
    spec = dataset.element_spec
    kept = [name for name, part in spec.items() if part.dtype.name != "string"]
    if key not in kept or len(kept) == len(spec):
        return dataset
    return with_fixed_options(dataset.map(lambda batch: {name: batch[name] for name in kept}))


def _with_enough_rows(batch, key, devices):
    import tensorflow as tf

    message = f"a batch of the dataset has fewer examples than the {devices} devices: use batch(n, drop_remainder=True)"
    with tf.control_dependencies([tf.debugging.assert_greater_equal(tf.shape(batch[key])[0], devices, message)]):
        return {name: tf.identity(value) for name, value in batch.items()}


def _rebatch(dataset, key, batches_per_step):
    """Join every `batches_per_step` batches of a dataset into one."""
    first = next(iter(dataset.take(1)), None) if batches_per_step > 1 else None
    return dataset if first is None else dataset.rebatch(int(first[key].shape[0]) * batches_per_step)


def as_source(x, key, image_shape):
    """Wrap arrays, or open a spec, as a source."""
    if isinstance(x, Source):
        return x
    if isinstance(x, (str, os.PathLike)):
        return open_source(x, image_shape=image_shape)
    if isinstance(x, tuple) and len(x) == 2:
        x = dict(zip((key, "label"), x, strict=True))
    if isinstance(x, list) and key == KEY:
        x = {KEY: x}
    if isinstance(x, Mapping) and isinstance(x.get(KEY), list):
        return Sequences(x, name="the data")
    if isinstance(x, list) and x and all(isinstance(text, str) for text in x):
        x = {"text": x}
    if isinstance(x, Mapping):
        arrays = {name: _as_array(value) for name, value in x.items()}
        return from_arrays(arrays, name="the data", key=key if key in arrays else None)
    if isinstance(x, list) or hasattr(x, "__array__"):
        return from_arrays({key: _as_array(x)}, name="the data", key=key)
    raise DataError(
        f"data of type {type(x).__name__}: expected an array, a dict of arrays, a tuple (x, labels), a source or its "
        "name, or a batched tf.data.Dataset"
    )


def _as_array(value):
    """Return a NumPy array; double precision, NumPy's default, becomes float32."""
    try:
        array = np.asanyarray(value)
    except ValueError as error:  # a list of rows of unequal length
        raise DataError(f"the data cannot be made an array ({error}): give examples of equal shape") from error
    if array.dtype.kind == "U":
        return array.astype(object)
    return array.astype(np.float32) if array.dtype == np.float64 else array


def _require_key(key, entries, owner):
    if key not in entries:
        raise DataError(
            f"{owner} has no entry {key!r} (it has: {', '.join(map(str, entries))}): rename the entry to {key!r}"
        )


def _check_shape(values, noun, key, shape):
    def fits(found, expected):
        return len(found) == len(expected) and all(
            want in (None, have) for have, want in zip(found, expected, strict=True)
        )

    found = values.shape
    if found and fits(found[1:], shape):
        if not len(values):
            raise DataError(f"{noun}: no examples")
        return
    if shape and shape[-1] == 1 and found and fits((*found[1:], 1), shape):
        advice = "add the channel axis, x[..., None]"
    elif len(found) <= len(shape):
        raise DataError(
            f"{noun} of shape {found} without a batch axis, where batches of {shape} are expected: use "
            "dataset.batch(n), or x[None] for a single example"
        )
    elif key == "image" and len(found) == len(shape) + 1 == 4:
        own = found[1:]
        advice = f"resize them, open the source with image_shape={shape}, or create the model with image_shape={own}"
    else:
        advice = "reshape them, or create the model for that shape"
    raise DataError(f"{noun} of shape {found[1:]} where the model takes {shape}: {advice}")


def _check_range(values, noun, low, high):
    lowest, highest = float(values.min()), float(values.max())
    slack = _TOLERANCE * (high - low)
    if lowest >= low - slack and highest <= high + slack:
        return
    advice = f"rescale them to [{low:g}, {high:g}]"
    if (low, high) == (0, 1):
        if lowest >= -slack and highest > 1.5:
            bound = 255 if highest <= 255 else highest
            data = "data" if bound == 255 else f"data, (0, {bound:g})"
            advice = f"divide by {bound:g}, or use kerazoo.data.rescaled({data})"
        elif -1 - slack <= lowest < 0 and highest <= 1 + slack:
            advice = "use (x + 1) / 2, or kerazoo.data.rescaled(data, (-1, 1))"
    expected = f"[{low:g}, {high:g}]" + (" or uint8" if noun == "images" else "")
    raise DataError(
        f"{noun} whose values run from {lowest:.4g} to {highest:.4g} where {expected} is expected: {advice}"
    )
