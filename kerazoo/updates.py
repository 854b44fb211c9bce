"""One optimizer update, the same on one device and on many."""

import keras
import tensorflow as tf


def apply_gradients(optimizer, gradients, variables, clip_norm=None):
    """Clip by the norm of the whole gradient, and update.

    Keras clips on each replica, before the gradients are summed; here the sum is taken first, so that clipping acts on
    the gradient of the global batch. The sum is also taken first under loss scaling, so that a gradient which is not
    finite on one replica makes all of them leave out the step.

    Args:
        optimizer: keras.optimizers.Optimizer. Built on `variables`.
        gradients: list of tensors, scaled by the loss scale of the optimizer if it has one. Keras sums over replicas.
        variables: list of variables.
        clip_norm: float or None. Largest norm of all gradients together (Pascanu et al. 2013, arXiv:1211.5063).
            Defaults to None, no clipping.
    """
    scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    context = tf.distribute.get_replica_context()
    replicas = context.num_replicas_in_sync
    together = replicas > 1 and (scaled or clip_norm is not None)
    if together or clip_norm is not None:
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
    if together:
        gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
    if clip_norm is not None:
        scale = tf.cast(optimizer.dynamic_scale, tf.float32) if scaled else 1.0
        gradients, _ = tf.clip_by_global_norm(gradients, clip_norm * scale)
    if together:
        gradients = [gradient / replicas for gradient in gradients]
    # Where a dataset of unknown length ends, Keras runs one step without a batch: what does not depend on the batch,
    # such as the optimizer's count of updates, would be changed by it.
    with tf.control_dependencies([gradient for gradient in gradients if gradient is not None]):
        optimizer.apply(gradients, variables)
