"""Claims of Masci et al. 2011: sparse codes by max-pooling, and the way back by flipped kernels."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.layers.pooling import KeepMaxima, RepeatPixels
from kerazoo.layers.tied import TiedConv2D
from kerazoo.utils.errors import ConfigError
from tests.zoo_rows import Row, Verb, tiny_images


def reference(model, batch, noise):
    """Two blocks, written with the transposed convolution that flipped kernels are."""
    x = tf.cast(batch["image"], tf.float32) / 255
    seen = tf.where(noise("corruption", model.image_shape, "unit") < model.corruption_level, 0.0, x)
    kernel_1, bias_1, kernel_2, bias_2, back_2, back_1 = model.variables_of("autoencoder")

    def back(maps, kernel, bias):
        shape = (*maps.shape[:3], kernel.shape[2])
        return tf.nn.conv2d_transpose(maps, tf.convert_to_tensor(kernel), shape, 1, "SAME") + bias

    def loss():
        h = tf.tanh(tf.nn.conv2d(seen, tf.convert_to_tensor(kernel_1), 1, "SAME") + bias_1)
        h = tf.tanh(tf.nn.conv2d(tf.nn.max_pool2d(h, 2, 2, "SAME"), tf.convert_to_tensor(kernel_2), 1, "SAME") + bias_2)
        blocks = tf.reshape(h, [8, 4, 2, 4, 2, 3])
        h = tf.reshape(tf.where(blocks == tf.reduce_max(blocks, axis=[2, 4], keepdims=True), blocks, 0.0), h.shape)
        h = tf.repeat(tf.repeat(tf.tanh(back(h, kernel_2, back_2)), 2, axis=1), 2, axis=2)
        return tf.reduce_sum((tf.sigmoid(back(h, kernel_1, back_1)) - x) ** 2, axis=[1, 2, 3])

    yield "autoencoder", loss


ROWS = {
    "convolutional_autoencoder": Row(
        arguments={"image_shape": (16, 16, 1), "filters": (2, 3), "kernel_size": 3},
        batch=tiny_images,
        # kernels of 3x3, 1 -> 2 and 2 -> 3, with their biases, and the biases of the way back
        parameters=(18 + 2) + (54 + 3) + 2 + 1,
        verbs={
            "encode": Verb(lambda model, batch: model.encode(batch["image"]), (8, 8, 8, 3), (-1, 1)),
            "reconstruct": Verb(lambda model, batch: model.reconstruct(batch["image"]), (8, 16, 16, 1), (0, 1)),
        },
        mechanism="one loss",
        falling=("autoencoder_loss", "squared_error"),
        reference=reference,
    ),
}

RNG = np.random.default_rng(0)


@pytest.mark.parametrize("size", [(6, 8), (5, 7)])
def test_the_way_back_is_the_transpose_of_the_convolution(size):
    convolution = keras.layers.Conv2D(4, 3, padding="same", use_bias=False, data_format="channels_last")
    x, y = RNG.normal(size=(1, *size, 2)).astype("float32"), RNG.normal(size=(1, *size, 4)).astype("float32")
    forth = convolution(x)
    back = TiedConv2D(convolution)(y)
    assert float(tf.reduce_sum(forth * y)) == pytest.approx(float(tf.reduce_sum(back * x)), rel=1e-4)


def test_pooling_erases_what_is_no_maximum_of_its_block():
    maps = RNG.permutation(35).reshape(1, 5, 7, 1).astype("float32") + 1
    found = KeepMaxima()(maps).numpy()[0, ..., 0]
    for top in range(0, 5, 2):
        for left in range(0, 7, 2):
            block, kept = (x[top : top + 2, left : left + 2] for x in (maps[0, ..., 0], found))
            assert kept.max() == kept.sum() == block.max()
            assert np.unravel_index(kept.argmax(), kept.shape) == np.unravel_index(block.argmax(), block.shape)


def test_of_equal_maxima_the_first_one_stays():
    maps = np.array([[1, 1, 0, 2, 5], [1, 1, 2, 2, 5], [-1, -2, -3, -3, 0]], "float32")[None, ..., None]
    expected = [[1, 0, 0, 2, 5], [0, 0, 0, 0, 0], [-1, 0, -3, 0, 0]]
    np.testing.assert_array_equal(KeepMaxima()(maps)[0, ..., 0], expected)


def test_repeated_pixels():
    maps = RNG.normal(size=(2, 3, 4, 5)).astype("float32")
    expected = maps.repeat(2, axis=1).repeat(2, axis=2)[:, :5]
    np.testing.assert_array_equal(RepeatPixels((5, 8))(maps), expected)


def test_a_code_is_sparse_and_odd_sizes_and_colours_have_one():
    model = kerazoo.create("convolutional_autoencoder", image_shape=(29, 31, 3), filters=(3, 4, 5), kernel_size=3)
    images = RNG.random((2, 29, 31, 3), "float32")
    codes = model.encode(images)
    assert codes.shape == (2, 8, 8, 5)
    assert (codes != 0).mean() == pytest.approx(1 / 4, abs=0.01)
    assert model.decode(codes).shape == images.shape


def test_even_kernels_are_refused():
    with pytest.raises(ConfigError, match=r"kernel_size = 4: an odd number is expected"):
        kerazoo.create("convolutional_autoencoder", kernel_size=4)
