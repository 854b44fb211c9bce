"""Batch normalisation of images in one operation forward and one backward."""

import keras
import tensorflow as tf


@keras.saving.register_keras_serializable(package="kerazoo")
class BatchNormalization(keras.layers.BatchNormalization):
    """`keras.layers.BatchNormalization`, with the same results, by TensorFlow's fused operation in training on images.

    Keras computes the moments, the normalisation and their gradients in some twenty operations, each a pass over the
    feature maps. Where the fused one does not apply (inference, statistics over several replicas, a mask, other ranks)
    Keras's own computation is used.

    Args:
        **kwargs: of `keras.layers.BatchNormalization`, except `axis` and `renorm`: the last axis is normalised.

    Example:
        >>> BatchNormalization()(np.random.rand(2, 8, 8, 3), training=True).shape
        TensorShape([2, 8, 8, 3])

    Source: Ioffe and Szegedy 2015, "Batch Normalization: Accelerating Deep Network Training by Reducing Internal
    Covariate Shift", arXiv:1502.03167, algorithm 1.
    """

    def call(self, inputs, training=None, mask=None):
        """As `keras.layers.BatchNormalization.call`."""
        if not training or not self.trainable or self.synchronized or mask is not None or len(inputs.shape) != 4:
            return super().call(inputs, training=training, mask=mask)
        channels = (inputs.shape[-1],)
        outputs, mean, variance, *_ = tf.raw_ops.FusedBatchNormV3(
            x=inputs,
            scale=self.gamma if self.scale else tf.ones(channels),
            offset=self.beta if self.center else tf.zeros(channels),
            mean=tf.zeros([0]),
            variance=tf.zeros([0]),
            epsilon=self.epsilon,
        )
        count = tf.cast(tf.size(inputs) // channels[0], tf.float32)
        variance *= (count - 1) / count  # the operation gives the unbiased estimate, which Keras does not use
        for average, new in ((self.moving_mean, mean), (self.moving_variance, variance)):
            average.assign(average * self.momentum + new * (1.0 - self.momentum))
        return outputs
