"""Pairs of texts from files and by rule; and the batches of similar length that translation models read."""

import gzip
import os

import numpy as np
import pytest

from kerazoo.data import BucketedPairs, open_source
from kerazoo.utils.errors import DataError


def pairs_of(source):
    return list(zip(source.arrays["source"], source.arrays["target"], strict=True))


# Sources


def test_files_with_and_without_split(tmp_path):
    for split, lines in (("train", "eins\nzwei\n"), ("test", "drei")):
        (tmp_path / f"{split}.de").write_text(lines)
        (tmp_path / f"{split}.en.gz").write_bytes(gzip.compress(lines.upper().replace("\n", "\r\n").encode()))
    spec = f"pairs:{tmp_path}/{{split}}.en.gz,{tmp_path}/{{split}}.de"
    source = open_source(spec)
    assert pairs_of(source) == [("EINS", "eins"), ("ZWEI", "zwei")]
    assert (source.info.kind, source.info.key, source.arrays["source"].dtype) == ("pairs", "source", object)
    assert str(source) == f"{spec}[train]: 2 pairs, 8 and 8 characters, licence the user's own"
    assert pairs_of(open_source(spec, split="test")) == [("DREI", "drei")]
    assert pairs_of(open_source(spec, limit=1)) == [("EINS", "eins")]
    whole = f"pairs:{tmp_path}/train.en.gz,{tmp_path}/train.de"
    assert pairs_of(open_source(whole, split="test")) == pairs_of(source)
    with pytest.raises(DataError, match=r"has no split 'val': it has test, train$") as caught:
        open_source(spec, split="val")
    assert "\n" not in str(caught.value)


def test_relative_paths_are_looked_for_in_the_data_folder(tmp_path, monkeypatch, here):
    (tmp_path / "set").mkdir()
    for split in ("train", "val"):
        (tmp_path / "set" / f"{split}.a").write_text("x\n")
    monkeypatch.setenv("KERAZOO_DATA_DIR", str(tmp_path))
    assert pairs_of(open_source("pairs:set/{split}.a,set/{split}.a", split="val")) == [("x", "x")]
    with pytest.raises(DataError, match="has no split 'test': it has train, val"):
        open_source("pairs:set/{split}.a,set/{split}.a", split="test")


def test_pairs_with_an_empty_side_are_left_out(tmp_path):
    (tmp_path / "a").write_text("one\n\n three \nfour")
    (tmp_path / "b").write_text("1\n2\n3\n \n")
    with pytest.warns(UserWarning, match="left out 2 of 4 pairs with an empty side"):
        source = open_source(f"pairs:{tmp_path}/a,{tmp_path}/b")
    assert pairs_of(source) == [("one", "1"), ("three", "3")]


@pytest.mark.parametrize(
    ("first", "second", "message"),
    [
        (b"1\n2\n", b"1\n", "a has 2 lines and .*b has 1: line n of one must belong to line n of the other"),
        (b"1\n", b"\n", "no pairs; every line of one file or the other is empty"),
        (b"", b"1\n", "a is empty"),
        (b"1\n", b"\xe9\n", "b is not UTF-8"),
        (b"1\n", gzip.compress(b"1\n" * 50, mtime=0)[:-6], "b is damaged"),
        (b"1\n", None, "no such file; looked for"),
    ],
)
def test_unusable_files(tmp_path, first, second, message):
    (tmp_path / "a").write_bytes(first)
    if second is not None:
        (tmp_path / "b").write_bytes(second)
    with pytest.raises(DataError, match=message) as caught:
        open_source(f"pairs:{tmp_path}/a,{tmp_path}/b")
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("pairs:only_one", "write pairs:SOURCE,TARGET"),
        ("pairs:a,b,c", "two paths with one comma"),
        ("pairs:", "write pairs:SOURCE,TARGET"),
        ("reversal:3", "LENGTHS = 3"),
        ("reversal:30-20", "LENGTHS = 20"),
        ("copy:10-x", "LENGTHS = 'x'"),
        ("revresal", "did you mean reversal"),
    ],
)
def test_wrong_specs(spec, message):
    with pytest.raises((DataError, KeyError), match=message):
        open_source(spec)


def test_reversal_and_copy():
    train, test = open_source("reversal"), open_source("reversal", split="test")
    assert (len(train), len(test)) == (20_000, 1_000)
    for source, target in pairs_of(train)[:100] + pairs_of(test):
        assert target == source[::-1]
        assert source.isalpha()
        assert source.islower()
        assert 20 <= len(source) <= 30
    strings = {*train.arrays["source"], *test.arrays["source"]}
    assert len(strings) == 21_000  # no string comes twice, so the splits are disjoint
    assert {len(string) for string in strings} == set(range(20, 31))
    assert set("".join(strings)) == set("abcdefghijklmnopqrstuvwxyz")
    assert all(source == target for source, target in pairs_of(open_source("copy", split="test")))
    with pytest.raises(DataError, match="has no split 'val': it has train, test"):
        open_source("reversal", split="val")
    assert {len(text) for text in open_source("copy:10", split="test").arrays["source"]} == {10}
    assert {len(text) for text in open_source("reversal:31-36").arrays["source"]} == set(range(31, 37))


MULTI30K = os.path.join(os.environ.get("KERAZOO_DATA_DIR", ""), "multi30k")


@pytest.mark.skipif(not os.path.isdir(MULTI30K), reason="needs KERAZOO_DATA_DIR set to a folder with multi30k")
def test_multi30k():
    spec = "pairs:multi30k/{split}.en.gz,multi30k/{split}.de.gz"
    sizes = {split: len(open_source(spec, split=split)) for split in ("train", "val", "test_2016_flickr")}
    assert sizes == {"train": 29_000, "val": 1_014, "test_2016_flickr": 1_000}


# Batches of similar length


def token_pairs(size, seed=0):
    """Pairs that carry their own number as first token."""
    random = np.random.default_rng(seed)
    lengths = random.integers(2, 40, size)
    sources = [np.append(1000 + index, np.ones(length, int)) for index, length in enumerate(lengths)]
    targets = [np.append(1000 + index, np.ones(length + 3, int)) for index, length in enumerate(lengths)]
    return BucketedPairs(sources, targets)


def draw(dataset):
    return list(dataset.as_numpy_iterator())


def numbers(batches):
    return [(batch["source"][:, 0] - 1000).tolist() for batch in batches]


def padding(batches):
    return np.mean(np.concatenate([batch["target"].ravel() == 0 for batch in batches]))


@pytest.mark.parametrize("size", [16, 100, 1601])
def test_every_epoch_is_a_permutation(size):
    pairs = token_pairs(size)
    steps = pairs.num_batches(8)
    assert steps == size // 8
    drawn = numbers(draw(pairs.batches(8, num_steps=3 * steps, seed=3)))
    epochs = [np.concatenate(drawn[start : start + steps]).tolist() for start in (0, steps, 2 * steps)]
    left_over = []
    for epoch in epochs:
        assert len(set(epoch)) == len(epoch) == steps * 8
        left_over.append(set(range(size)) - set(epoch))
    assert len({tuple(epoch) for epoch in epochs}) == 3
    if size % 8:
        assert left_over[0] != left_over[1]  # by chance alone: 1 in 1601, or fewer


def test_batches_are_padded_rows_of_their_pairs():
    pairs = token_pairs(300)
    for batch in draw(pairs.batches(16, num_steps=18)):
        for side in ("source", "target"):
            rows = [pairs.arrays[side][number] for number in batch["source"][:, 0] - 1000]
            assert batch[side].dtype == np.int32
            assert batch[side].shape == (16, max(map(len, rows)))
            for row, expected in zip(batch[side], rows, strict=True):
                assert row.tolist() == expected.tolist() + [0] * (batch[side].shape[1] - len(expected))
    spec = pairs.batches(16).element_spec
    assert spec["source"].shape.as_list() == spec["target"].shape.as_list() == [16, None]


def test_little_is_padding_and_batches_come_in_random_order():
    pairs = token_pairs(3200)
    bucketed = draw(pairs.batches(32, num_steps=100))
    assert padding(bucketed) < 0.05
    assert padding(draw(pairs.batches(32, num_steps=100, shuffle=False))) > 0.35
    widths = np.array([batch["target"].shape[1] for batch in bucketed])
    assert abs(np.corrcoef(widths[1:], widths[:-1])[0, 1]) < 0.3  # three standard deviations of 1 / sqrt(100)


def test_resuming_seeds_and_shards():
    pairs = token_pairs(210)
    whole = numbers(draw(pairs.batches(12, num_steps=40, seed=5)))
    assert numbers(draw(pairs.batches(12, start_step=29, num_steps=11, seed=5))) == whole[29:]
    assert numbers(draw(token_pairs(210).batches(12, num_steps=40, seed=5))) == whole
    assert numbers(draw(pairs.batches(12, num_steps=40, seed=6))) != whole
    shards = [draw(pairs.batches(12, num_steps=40, seed=5, shard=(index, 3))) for index in range(3)]
    assert np.concatenate([numbers(shard) for shard in shards], axis=1).tolist() == whole
    # All workers pad to the longest row of the global batch.
    assert all(len({batch["target"].shape for batch in step}) == 1 for step in zip(*shards, strict=True))


def test_own_order_and_few_pairs():
    pairs = token_pairs(5)
    assert numbers(draw(pairs.batches(3, num_steps=3, shuffle=False))) == [[0, 1, 2], [3, 4, 0], [1, 2, 3]]
    assert numbers(draw(pairs.epoch(3))) == [[0, 1, 2], [3, 4]]
    assert pairs.epoch(3).cardinality() == 2
    assert pairs.num_batches(12) == 1
    (batch,) = numbers(draw(pairs.batches(12, num_steps=1)))
    assert sorted(np.bincount(batch)) == [2, 2, 2, 3, 3]  # two permutations and a part of the third
    assert numbers(draw(pairs.take(2).epoch(9))) == [[0, 1]]
    assert pairs.batches(3).options().autotune.enabled is False
    assert str(pairs).startswith("pairs[all]: 5 pairs of ")


@pytest.mark.parametrize(
    ("sources", "targets", "message"),
    [
        ([], [], "0 sources and 0 targets"),
        ([[1]], [[1], [2]], "1 sources and 2 targets: the same number of both is expected"),
        ([[1], []], [[1], [2]], r"source 1 of shape \(0,\)"),
        ([[1]], [[0.5]], "target 0 of shape .* and type float64 where a row of whole numbers is expected"),
    ],
)
def test_wrong_pairs(sources, targets, message):
    with pytest.raises(DataError, match=message):
        BucketedPairs(sources, targets)
