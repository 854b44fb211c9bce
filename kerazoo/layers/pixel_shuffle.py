"""Maps of more pixels out of maps of more channels."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="kerazoo")
class PixelShuffle(keras.layers.Layer):
    """Channels become blocks of 2x2 pixels: `(batch, h, w, 4 c)` -> `(batch, 2 h, 2 w, c)`.

    A 3x3 convolution before it can be what any transposed 4x4 convolution of stride 2 is, and runs on devices with any
    number of rows.

    Source: Shi et al. 2016, "Real-Time Single Image and Video Super-Resolution Using an Efficient Sub-Pixel
    Convolutional Neural Network", arXiv:1609.05158.
    """

    def call(self, inputs):
        """The larger maps."""
        return tf.nn.depth_to_space(inputs, 2)

    def compute_output_shape(self, input_shape):
        batch, height, width, channels = input_shape
        return batch, 2 * height, 2 * width, channels // 4
