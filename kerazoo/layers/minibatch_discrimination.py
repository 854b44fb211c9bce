"""Features of how close an example is to the others of its batch."""

import keras
import tensorflow as tf

from kerazoo.base.replicas import gather_rows


@keras.saving.register_keras_serializable(package="kerazoo")
class MinibatchDiscrimination(keras.layers.Layer):
    """Appends to each example's features its closeness to all examples of the batch, by several learned measures.

    A tensor T maps the features f(x_i) to matrices M_i of `num_kernels` rows. Of row b the closeness of two examples is
    exp(-|M_ib - M_jb|), with the sum of absolute differences; o(x_i)_b is its sum over all j of the batch, i included.
    On several devices the batch is the global one.

    Args:
        num_kernels: int. The paper's B, how many numbers are appended.
        kernel_dim: int. The paper's C, the length of a row.
        **kwargs: `name`, `dtype` of `keras.layers.Layer`.

    Example:
        >>> layer = MinibatchDiscrimination(3, 5)
        >>> apart = layer(np.eye(4, dtype="float32") * 100).numpy()
        >>> apart.shape, apart[:, 4:].round(3).tolist()  # the examples are far from each other: each counts itself
        ((4, 7), [[1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0], [1.0, 1.0, 1.0]])

    Source: Salimans et al. 2016, "Improved Techniques for Training GANs", arXiv:1606.03498, section 3.2.
    """

    def __init__(self, num_kernels, kernel_dim, **kwargs):
        super().__init__(autocast=False, **kwargs)  # sums of many small differences: float32 in every precision
        self.num_kernels, self.kernel_dim = num_kernels, kernel_dim

    def build(self, input_shape):
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], self.num_kernels * self.kernel_dim))

    def call(self, x):
        """`(batch, n)` -> `(batch, n + num_kernels)`, float32."""
        x = tf.cast(x, tf.float32)
        rows = tf.reshape(tf.matmul(x, self.kernel), [-1, self.num_kernels, self.kernel_dim])
        distances = tf.reduce_sum(tf.abs(rows[:, None] - gather_rows(rows, so_far=False)[None]), axis=3)
        return tf.concat([x, tf.reduce_sum(tf.exp(-distances), axis=1)], axis=1)

    def compute_output_shape(self, input_shape):
        return *input_shape[:-1], input_shape[-1] + self.num_kernels

    def get_config(self):
        return {**super().get_config(), "num_kernels": self.num_kernels, "kernel_dim": self.kernel_dim}
