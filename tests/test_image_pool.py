"""The pool of translations that a discriminator is shown."""

import numpy as np
import tensorflow as tf

from kerazoo.models.gans._image_pool import draws, exchange
from tests.test_cyclegan import tiny
from tests.zoo_rows import all_rows

# === Pool ===


def test_the_pool_is_the_authors_loop():
    size, num = 5, 4
    pool, count = tf.zeros((size, 1)), tf.constant(0, tf.int64)
    stored, histories = [], set()
    for step in range(40):
        seed = tf.constant([3, step])
        images = np.arange(num, dtype="float32")[:, None] + num * step + 1
        shown, pool, count = exchange(pool, count, tf.constant(images), seed)
        swaps, places = (draw.numpy() for draw in draws(num, tf.constant(size, tf.int64), seed))
        expected = []
        for image, swap, place in zip(images[:, 0], swaps, places, strict=True):
            if len(stored) < size:
                stored.append(image)
                expected.append(image)
            elif swap:
                expected.append(stored[place])
                stored[place] = image
            else:
                expected.append(image)
        np.testing.assert_array_equal(shown[:, 0], expected)
        np.testing.assert_array_equal(pool[: len(stored), 0], stored)
        assert int(count) == len(stored)
        histories |= {num * step + 1 <= a < b for a, b in zip(expected, images[:, 0], strict=True)}
    assert True in histories  # an earlier image of the same batch came back once


def test_half_of_the_images_come_from_a_full_pool():
    pool, count = tf.fill((50, 1), -1.0), tf.constant(50, tf.int64)
    shown, pool, _ = exchange(pool, count, tf.ones((4000, 1)), tf.constant([0, 1]))
    swaps, places = draws(4000, tf.constant(50, tf.int64), tf.constant([0, 1]))
    assert abs(float(tf.reduce_mean(tf.cast(swaps, tf.float32))) - 0.5) < 0.03
    assert len(np.unique(places)) == 50
    assert (pool.numpy() == 1).all()
    assert int((shown.numpy() == -1).sum()) == 50


def test_the_models_pools_fill():
    model = tiny(pool_size=20)
    batch = all_rows()["cyclegan"].batch()
    for filled in (8, 16, 20):
        model.fit(batch, batch_size=8, verbose=0)
        assert [int(model.state(f"pool_{domain}_count").numpy()) for domain in "ab"] == [filled] * 2
    assert np.abs(model.state("pool_b").numpy()).min(axis=(1, 2, 3)).all()
    without = tiny(pool_size=0)
    without.fit(batch, batch_size=8, verbose=0)
