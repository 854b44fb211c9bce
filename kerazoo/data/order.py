"""The order of training examples as a pure function of (seed, position in the stream).

Nothing is remembered from one batch to the next, so a run that was killed goes on at step k in O(1) and sees exactly
the examples that it would have seen.
"""

import os

# Fixed, because tf.data's autotuning thread delays the end of every iterator; see `with_fixed_options`.
PARALLEL_CALLS = max(1, min(4, os.cpu_count() or 1))

# TensorFlow's `index_shuffle` runs 4 rounds of its cipher. With 60,000 examples that leaves different epochs correlated
# (the correlation coefficients spread 6 to 12 times as wide as for random permutations); from 12 rounds on they match.
_ROUNDS = 16
# An arbitrary third word: the raw op takes three seed words, of which seed and epoch are two.
_SEED_WORD = 498247692
# The cipher works on at least 16 bits and walks until it meets an index below `size`: slow for small sizes (20 ms for a
# batch of 64 out of 8), where shuffling the whole epoch is cheap.
_SHUFFLE_WHOLE_BELOW = 1024


def with_fixed_options(dataset):
    """Return `dataset` in deterministic order and with tf.data's autotuning off.

    With autotuning on, tearing an iterator down waits for the tuning thread's next wake-up, which can be a minute away.

    Args:
        dataset: a `tf.data.Dataset`.

    Returns:
        The same elements as a `tf.data.Dataset`.
    """
    import tensorflow as tf

    options = tf.data.Options()
    options.autotune.enabled = False
    options.deterministic = True
    return dataset.with_options(options)


def example_index(position, size, seed):
    """Map positions of an endless stream to examples: each epoch of `size` positions is one random permutation.

    Args:
        position: int64 tensor `(n,)` of consecutive stream positions, 0 or more; `n` is static.
        size: int, number of examples, 1 or more.
        seed: int in [0, 2**31 - 1]. Epoch e is permuted by (seed, e).

    Returns:
        int64 tensor `(n,)` with values in [0, size).
    """
    import tensorflow as tf

    epoch = position // size
    if size < _SHUFFLE_WHOLE_BELOW:
        # Consecutive positions touch at most this many epochs.
        epochs = epoch[0] + tf.range((position.shape[0] - 1) // size + 2, dtype=tf.int64)
        orders = tf.map_fn(
            lambda e: tf.random.experimental.stateless_shuffle(
                tf.range(size, dtype=tf.int64), tf.stack([tf.constant(seed, tf.int64), e]), alg="philox"
            ),
            epochs,
        )
        return tf.gather_nd(orders, tf.stack([epoch - epoch[0], position % size], axis=-1))
    # The raw op: the public `tf.random.experimental.index_shuffle` fixes the rounds and rejects one seed per index.
    words = tf.stack([tf.fill(tf.shape(epoch), tf.constant(word, tf.int64)) for word in (_SEED_WORD, seed)], axis=-1)
    return tf.raw_ops.RandomIndexShuffle(
        index=position % size,
        seed=tf.concat([words, epoch[:, None]], axis=-1),
        max_index=tf.constant(size - 1, tf.int64),
        rounds=_ROUNDS,
    )
