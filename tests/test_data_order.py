"""The order of batches is a pure function of (seed, step): permutations, resuming, shards, options."""

import numpy as np
import pytest
import tensorflow as tf

from kerazoo.data import from_arrays
from kerazoo.utils.errors import DataError


def numbered(size):
    return from_arrays({"image": np.arange(size, dtype="uint8").reshape(-1, 1, 1, 1), "label": np.arange(size)})


def labels(dataset):
    return [batch["label"].tolist() for batch in dataset.as_numpy_iterator()]


def draw(size, **kwargs):
    return np.concatenate(labels(numbered(200).take(size).batches(**kwargs)))


# Both ways to permute: the whole epoch (small sources) and index by index (large ones).
@pytest.mark.parametrize("size", [1, 7, 100, 1797])
def test_every_epoch_is_a_permutation_and_no_two_are_alike(size):
    source = from_arrays({"points": np.zeros((size, 2), "float32"), "label": np.arange(size)})
    stream = np.concatenate(labels(source.batches(10, num_steps=-(-3 * size // 10), seed=3)))
    epochs = [stream[start : start + size].tolist() for start in (0, size, 2 * size)]
    assert all(sorted(epoch) == list(range(size)) for epoch in epochs)
    if size > 1:
        assert len({tuple(epoch) for epoch in [*epochs, range(size)]}) == 4


def test_epochs_are_not_correlated():
    size = 20_000
    source = from_arrays({"points": np.zeros((size, 1), "float32"), "label": np.arange(size)})
    orders = np.stack(labels(source.batches(size, num_steps=20)))
    between_epochs = np.corrcoef(orders)[np.triu_indices(20, 1)] * np.sqrt(size)
    neighbours = np.asarray([np.corrcoef(order[1:], order[:-1])[0, 1] for order in orders]) * np.sqrt(size)
    # Standard normal for random permutations: 190 and 20 values.
    assert between_epochs.std() < 1.2
    assert abs(neighbours).max() < 4


def test_seeds_give_different_orders_and_the_same_seed_the_same():
    orders = [draw(100, batch_size=50, num_steps=2, seed=seed).tolist() for seed in (0, 1, 2**31 - 1, 0)]
    assert orders[0] == orders[3]
    assert len({tuple(order) for order in orders}) == 3


@pytest.mark.parametrize("size", [10, 1500])
def test_start_step_equals_skipping(size):
    source = from_arrays({"points": np.zeros((size, 2), "float32"), "label": np.arange(size)})
    whole = labels(source.batches(8, num_steps=12, seed=5))
    assert labels(source.batches(8, start_step=7, num_steps=5, seed=5)) == whole[7:]


def test_shards_partition_the_global_batch():
    source = numbered(50)
    whole = labels(source.batches(12, num_steps=6, seed=1))
    shards = [labels(source.batches(12, num_steps=6, seed=1, shard=(index, 3))) for index in range(3)]
    assert np.concatenate(shards, axis=1).tolist() == whole
    policy = source.batches(12, shard=(0, 3)).options().experimental_distribute.auto_shard_policy
    assert policy == tf.data.experimental.AutoShardPolicy.OFF


def test_unshuffled_stream_and_ordered_epoch():
    assert labels(numbered(5).batches(3, num_steps=3, shuffle=False)) == [[0, 1, 2], [3, 4, 0], [1, 2, 3]]
    assert labels(numbered(5).epoch(3)) == [[0, 1, 2], [3, 4]]


def test_streams_are_endless_static_and_free_of_autotuning():
    source = numbered(20)
    stream = source.batches(16)
    assert stream.cardinality() == tf.data.INFINITE_CARDINALITY
    assert source.batches(16, num_steps=3).cardinality() == 3
    assert stream.element_spec["image"].shape == (16, 1, 1, 1)
    assert source.epoch(16).cardinality() == 2
    for dataset in (stream, source.epoch(16)):
        assert dataset.options().autotune.enabled is False
        assert dataset.options().deterministic is True


def test_sample_draws_distinct_examples():
    source = numbered(30)
    drawn = source.sample(30, seed=2)
    assert sorted(drawn["label"]) == list(range(30))
    np.testing.assert_array_equal(drawn["image"].ravel(), drawn["label"])
    np.testing.assert_array_equal(source.sample(5, seed=2)["label"], source.sample(5, seed=2)["label"])


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"batch_size": 0}, "batch_size = 0: an integer of at least 1 is expected"),
        ({"batch_size": 2.5}, "batch_size = 2.5: an integer of at least 1 is expected"),
        ({"batch_size": 4, "seed": -1}, "seed = -1: an integer from 0 to 2147483647 is expected"),
        ({"batch_size": 4, "start_step": -1}, "start_step = -1"),
        ({"batch_size": 4, "shard": (3, 3)}, "the shard's index = 3: an integer from 0 to 2 is expected"),
        ({"batch_size": 4, "shard": (0, 3)}, "cannot be shared evenly by 3 workers: use a multiple of 3"),
    ],
)
def test_wrong_arguments_of_batches(arguments, message):
    with pytest.raises(DataError, match=message):
        numbered(10).batches(**arguments)
