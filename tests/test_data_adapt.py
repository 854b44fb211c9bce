"""Data for `fit` become dict batches; data that a model cannot take are refused in one line that says what to do."""

import re

import numpy as np
import pytest
import tensorflow as tf

from kerazoo.data import as_dataset, check_batch, open_source
from kerazoo.utils.errors import DataError

IMAGES = np.arange(10 * 4 * 4, dtype="uint8").reshape(10, 4, 4, 1)
LABELS = np.arange(10)


def rows(dataset, steps, key="image"):
    return np.concatenate([batch[key] for batch in dataset.take(steps).as_numpy_iterator()])


@pytest.mark.parametrize(
    "data",
    [
        IMAGES,
        tf.constant(IMAGES),
        IMAGES.tolist(),
        (IMAGES, LABELS),
        {"image": IMAGES, "label": LABELS},
        open_source({"image": IMAGES, "label": LABELS}),
    ],
    ids=["array", "tensor", "list", "pair", "dict", "source"],
)
def test_arrays_and_sources(data):
    stream, steps = as_dataset(data, batch_size=4, seed=1)
    assert steps == 2
    assert stream.element_spec["image"].shape == (4, 4, 4, 1)
    assert stream.cardinality() == tf.data.INFINITE_CARDINALITY
    epoch, steps = as_dataset(data, batch_size=4, training=False)
    assert steps == 3
    np.testing.assert_array_equal(rows(epoch, 3), IMAGES)
    if "label" in epoch.element_spec:
        np.testing.assert_array_equal(rows(epoch, 3, "label"), LABELS)


def test_small_data_fill_a_batch_and_options_reach_the_stream():
    stream, steps = as_dataset(IMAGES, batch_size=32)
    assert steps == 1
    assert len(rows(stream, 1)) == 32
    whole, _ = as_dataset(IMAGES, batch_size=4, seed=3)
    part, _ = as_dataset(IMAGES, batch_size=4, seed=3, start_step=2)
    np.testing.assert_array_equal(rows(part, 1), rows(whole, 3)[-4:])
    plain, _ = as_dataset(IMAGES, batch_size=5, shuffle=False)
    np.testing.assert_array_equal(rows(plain, 2), IMAGES)


def test_specs_and_other_keys():
    stream, steps = as_dataset("digits", batch_size=100)
    assert (steps, stream.element_spec["image"].shape) == (14, (100, 8, 8, 1))
    points, _ = as_dataset(np.zeros((10, 2)), key="points", batch_size=5)
    assert points.element_spec["points"] == tf.TensorSpec((5, 2), tf.float32)  # float64 is cast
    with pytest.raises(DataError, match=r"ring has no entry 'image' \(it has: points, label\)"):
        as_dataset("ring")


@pytest.mark.parametrize(
    "elements", [IMAGES, (IMAGES, LABELS), {"image": IMAGES, "extra": LABELS}], ids=["tensor", "pair", "dict"]
)
def test_tf_data_datasets(elements):
    dataset, steps = as_dataset(tf.data.Dataset.from_tensor_slices(elements).batch(4))
    assert steps is None
    assert dataset.options().autotune.enabled is False
    np.testing.assert_array_equal(rows(dataset, 3), IMAGES)
    expected = {np.ndarray: {"image"}, tuple: {"image", "label"}, dict: {"image", "extra"}}[type(elements)]
    assert set(dataset.element_spec) == expected


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (np.zeros((0, 4, 4, 1)), "no examples"),
        ((IMAGES, LABELS[:9]), "the arrays differ in length (image has 10, label has 9)"),
        ({"picture": IMAGES}, "the data has no entry 'image' (it has: picture): rename the entry to 'image'"),
        ([[1, 2], [3]], "give examples of equal shape"),
        (3.5, "data of type float: expected an array, a dict of arrays, a tuple (x, labels)"),
        (tf.data.Dataset.from_tensor_slices({"x": IMAGES}), "the dataset has no entry 'image' (it has: x)"),
        (tf.data.Dataset.from_tensor_slices((IMAGES, LABELS, LABELS)), "of tuple elements: expected tensors, (tensor"),
    ],
)
def test_unusable_data(data, message):
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        as_dataset(data)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("images", "message"),
    [
        (
            np.zeros((8, 32, 32, 3), "uint8"),
            "images of shape (32, 32, 3) where the model takes (28, 28, 1): resize them, open the source with "
            "image_shape=(28, 28, 1), or create the model with image_shape=(32, 32, 3)",
        ),
        (np.zeros((28, 28, 1), "uint8"), "images of shape (28, 28, 1) without a batch axis"),
        (np.zeros((28, 28, 3), "uint8"), "use dataset.batch(n), or x[None]"),
        (np.zeros((8, 28, 28), "uint8"), "add the channel axis, x[..., None]"),
        (np.zeros((8, 1, 28, 28, 1), "uint8"), "where the model takes (28, 28, 1): reshape them"),
        (np.zeros((0, 28, 28, 1)), "images: no examples"),
        (
            np.zeros((8, 28, 28, 1), "int64"),
            "images of type int64 where uint8, or floating point in [0, 1], is expected",
        ),
        (np.full((8, 28, 28, 1), np.nan), "values that are not finite, in 8 of 8 examples"),
        (
            np.linspace(-1, 1, 784).reshape(1, 28, 28, 1),
            "from -1 to 1 where [0, 1] or uint8 is expected: use (x + 1) / 2, or kerazoo.data.rescaled(data, (-1, 1))",
        ),
        (np.linspace(0, 255, 784).reshape(1, 28, 28, 1), "divide by 255, or use kerazoo.data.rescaled(data)"),
        (np.linspace(-3, 3, 784).reshape(1, 28, 28, 1), "rescale them to [0, 1]"),
    ],
)
def test_images_that_do_not_fit(images, message):
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        check_batch({"image": images}, key="image", shape=(28, 28, 1))
    assert "\n" not in str(caught.value)


def test_batches_that_fit():
    check = {"key": "image", "shape": (4, 4, 1)}
    check_batch({"image": IMAGES}, **check)
    check_batch({"image": tf.cast(IMAGES, tf.bfloat16) / 255}, **check)
    check_batch({"image": np.linspace(-9e-4, 1 + 9e-4, 16, dtype="float32").reshape(1, 4, 4, 1)}, **check)
    check_batch({"image": IMAGES}, key="image", shape=(None, None, 1))
    check_batch({"points": np.full((3, 2), -7.0)}, key="points", shape=(2,))


def test_other_entries():
    with pytest.raises(DataError, match="points of type int64 where floating point is expected"):
        check_batch({"points": np.zeros((3, 2), int)}, key="points", shape=(2,))
    with pytest.raises(
        DataError, match=r"values run from 0 to 3 where \[-1, 1\] is expected: rescale them to \[-1, 1\]"
    ):
        check_batch({"points": np.array([[0.0, 3.0]])}, key="points", shape=(2,), value_range=(-1, 1))
    with pytest.raises(DataError, match="the batch has no entry 'points'"):
        check_batch({"image": IMAGES}, key="points", shape=(2,))
    with pytest.raises(DataError, match="no examples"):
        check_batch(None, key="image", shape=(4, 4, 1))
