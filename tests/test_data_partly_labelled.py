"""Data of which few examples have labels: which are kept, what batches hold, and what is refused."""

import numpy as np
import pytest
from PIL import Image

from kerazoo.data import PartlyLabelled, augmented, from_arrays, keep_labels, open_source
from kerazoo.utils.errors import DataError


def numbered(num):
    """Images of one pixel that hold their own number; three classes in turn."""
    return from_arrays(
        {"image": np.arange(num, dtype=np.uint8).reshape(num, 1, 1, 1), "label": np.arange(num) % 3},
        class_names=("a", "b", "c"),
    )


def numbers(batches, key):
    return np.concatenate([batch[key].numpy().ravel() for batch in batches]).tolist()


def test_as_many_labels_of_each_class_are_kept_as_asked_for():
    source = numbered(60)
    few = keep_labels(source, 4, seed=1)
    labels = few.arrays["label"]
    kept = labels >= 0
    assert np.bincount(labels[kept]).tolist() == [4, 4, 4]
    np.testing.assert_array_equal(labels[kept], source.arrays["label"][kept])
    assert set(labels[~kept]) == {-1}
    assert few.arrays["image"] is source.arrays["image"]
    np.testing.assert_array_equal(keep_labels(source, 4, seed=1).arrays["label"], labels)
    assert keep_labels(source, 4, seed=2).arrays["label"].tolist() != labels.tolist()
    assert keep_labels(few, 2).arrays["label"].tolist().count(-1) == 54  # of those that are left
    assert "60 images of 1x1x1, uint8 0..255, 3 classes, 12 labelled," in str(few)
    assert "labelled" not in str(source)
    assert few.fingerprint() != source.fingerprint()  # a run that goes on must have the same ones


def test_every_image_comes_once_an_epoch_and_a_labelled_one_beside_it():
    few = keep_labels(numbered(24), 2, seed=0)
    known = np.flatnonzero(few.arrays["label"] >= 0).tolist()
    data = PartlyLabelled(few)
    assert (len(data), data.num_batches(6), str(data)) == (24, 4, str(few))
    stream = list(data.batches(6, seed=3, num_steps=4))
    assert sorted(numbers(stream, "image")) == list(range(24))
    assert sorted(numbers(stream, "labelled")) == sorted(known * 4)
    assert [x % 3 for x in numbers(stream, "labelled")] == numbers(stream, "label")
    later = data.batches(6, seed=3, start_step=2, num_steps=2)
    assert numbers(later, "labelled") == numbers(stream, "labelled")[12:]
    halves = [numbers(data.batches(6, seed=3, num_steps=1, shard=(i, 2)), "labelled") for i in range(2)]
    assert halves[0] + halves[1] == numbers(stream[:1], "labelled")
    assert numbers(data.epoch(10), "image") == list(range(24))
    assert numbers(data.epoch(10), "labelled")[:6] == known
    assert (len(data.take(20)), len(data.split_last(0.25)[1])) == (20, 6)
    assert sorted(data.sample(24)["image"].ravel()) == list(range(24))


def test_both_streams_are_augmented():
    digits = keep_labels(open_source("digits", limit=50), 1)
    plain, moved = (
        next(iter(one.batches(16, seed=0)))
        for one in (PartlyLabelled(digits), augmented(PartlyLabelled(digits), "shift"))
    )
    for key in ("image", "labelled"):
        assert not np.array_equal(plain[key], moved[key])
    np.testing.assert_array_equal(plain["label"], moved["label"])


def test_what_cannot_be_is_refused_in_one_line():
    with pytest.raises(DataError, match="labels_per_class=9: class b of arrays has 8 examples"):
        keep_labels(numbered(25), 9)
    with pytest.raises(DataError, match=r"ring has no labels|labels_per_class"):
        keep_labels(from_arrays(np.zeros((4, 2), "float32"), name="ring"), 1)
    with pytest.raises(DataError, match="labels_per_class"):
        keep_labels(numbered(6), 0)
    with pytest.raises(DataError, match="seed"):
        keep_labels(numbered(6), 1, seed=-1)
    with pytest.raises(DataError, match="arrays: none of its 6 images has a label"):
        PartlyLabelled(from_arrays({"image": np.zeros((6, 1, 1, 1), "uint8"), "label": np.full(6, -1)}))


def test_a_folder_of_images_without_labels(tmp_path):
    for name, count in (("cat", 2), ("rest", 5), ("zebra", 3)):
        (tmp_path / name).mkdir()
        for i in range(count):
            Image.fromarray(np.full((8, 8, 3), 40 * i, np.uint8)).save(tmp_path / name / f"{i}.png")
    source = open_source(f"folder:{tmp_path},unlabelled=rest", split="all")
    assert source.arrays["label"].tolist() == [0, 0, -1, -1, -1, -1, -1, 1, 1, 1]
    assert source.info.class_names == ("cat", "zebra")
    assert "10 images" in str(source)
    assert "5 labelled" in str(source)
    with pytest.raises(DataError, match=r"no class 'dog' \(it has: cat, rest, zebra\)"):
        open_source(f"folder:{tmp_path},unlabelled=dog", split="all")
