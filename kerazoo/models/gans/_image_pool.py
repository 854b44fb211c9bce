"""The history of generated images that a discriminator is shown (Shrivastava et al. 2017, section 2.3)."""

import tensorflow as tf


def exchange(pool, count, images, seed):
    """Pass images through a pool, one after the other, each with probability 1/2 for an older one.

    While the pool is not full, an image is stored and comes back itself. Later it comes back itself with probability
    1/2, or takes the place of a random stored image, which comes back instead. The result is that of a loop over the
    images, as in the CycleGAN authors' code: an image can also come back in the place of a later one of its batch.

    Args:
        pool: tf.Tensor. The stored images, shape `(size, ...)`.
        count: tf.Tensor. int64 scalar, how many places are filled.
        images: tf.Tensor. New images, shape `(num, ...)`.
        seed: tf.Tensor. int32, shape `(2,)`.

    Returns:
        (images, pool, count): what comes back, shape `(num, ...)`, and the pool after it.

    Example:
        >>> pool, count = tf.zeros((50, 28, 28, 1)), tf.zeros((), tf.int64)
        >>> fakes, pool, count = exchange(pool, count, tf.ones((8, 28, 28, 1)), tf.constant([0, 1]))
        >>> int(count)
        8

    Source: Shrivastava et al. 2017, "Learning from Simulated and Unsupervised Images through Adversarial Training",
    arXiv:1612.07828; `util/image_pool.py` of Zhu et al.'s code.
    """
    size, num = tf.shape(pool, tf.int64)[0], tf.shape(images, tf.int64)[0]
    swaps, places = draws(num, size, seed)
    row = tf.range(num)
    fills = count + row < size
    place = tf.where(fills, count + row, places)
    stores = fills | swaps
    # An image finds in its place what was stored there last: an earlier image of this batch, or the pool's.
    same = (place[:, None] == place[None, :]) & stores[:, None] & stores[None, :]
    before = tf.reduce_max(tf.where(same & (row[None, :] < row[:, None]), row[None, :], -1), axis=1)
    found = tf.where(_like(before >= 0, images), tf.gather(images, tf.maximum(before, 0)), tf.gather(pool, place))
    returned = tf.where(_like(fills | ~swaps, images), images, found)
    last = stores & ~tf.reduce_any(same & (row[None, :] > row[:, None]), axis=1)
    pool = tf.tensor_scatter_nd_update(pool, place[last][:, None], images[last])
    return returned, pool, tf.minimum(count + num, size)


def draws(num, size, seed):
    """The coin and the place of each image: bool and int64, both of shape `(num,)`."""
    swaps = tf.random.stateless_uniform([num], tf.random.fold_in(seed, 0)) > 0.5
    places = tf.random.stateless_uniform([num], tf.random.fold_in(seed, 1), 0, size, tf.int64)
    return swaps, places


def _like(mask, images):
    return tf.reshape(mask, [-1] + [1] * (len(images.shape) - 1))
