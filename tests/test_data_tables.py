"""`npz:` and `csv:`: the entries that arrays and columns become, splits, messages for wrong files; TFDS slices."""

import gzip
import os
import re

import numpy as np
import pytest

from kerazoo.data import open_source
from kerazoo.utils.errors import DataError

PIXELS = np.random.default_rng(0).integers(0, 256, (20, 6, 5), dtype=np.uint8)


def saved(tmp_path, **arrays):
    np.savez_compressed(tmp_path / "x.npz", **arrays)
    return f"npz:{tmp_path}/x.npz"


def test_images_and_labels_of_npz(tmp_path):
    spec = saved(tmp_path, x=PIXELS, y=np.arange(20)[:, None] % 3, weight=np.arange(20.0))
    source = open_source(spec, split="all")
    np.testing.assert_array_equal(source.arrays["image"], PIXELS[..., None])
    assert source.arrays["label"].tolist() == [i % 3 for i in range(20)]
    assert str(source) == f"{spec}[all]: 20 images of 6x5x1, uint8 0..255, with weight, licence the user's own"
    assert open_source(spec, split="test").arrays["weight"].tolist() == [9, 19]
    assert len(open_source(spec)) == 18
    assert len(open_source(spec, limit=5)) == 5
    assert open_source(spec, image_shape=(4, 4, 3)).arrays["image"].shape == (18, 4, 4, 3)
    with pytest.raises(DataError, match="has no split 'dev': it has train, test, all"):
        open_source(spec, split="dev")


def test_names_that_say_the_split(tmp_path):
    spec = saved(tmp_path, x_train=PIXELS[:12], y_train=np.arange(12), x_test=PIXELS[12:], y_test=np.arange(8))
    parts = [open_source(spec, split=split) for split in ("train", "test", "all")]
    assert [len(part) for part in parts] == [12, 8, 20]
    np.testing.assert_array_equal(parts[2].arrays["image"][..., 0], PIXELS)
    with pytest.raises(DataError, match="has no split 'validation': it has all, test, train"):
        open_source(spec, split="validation")
    spec = saved(tmp_path, train_images=PIXELS[:12], val_images=PIXELS[12:])
    assert len(open_source(spec, split="validation")) == 8


def test_points_and_named_classes_of_npz(tmp_path):
    points = np.random.default_rng(0).normal(size=(20, 3))
    spec = saved(tmp_path, points=points, label=np.array(["b", "a"] * 10))
    source = open_source(spec, split="all")
    assert source.info.kind == "points"
    np.testing.assert_array_equal(source.arrays["points"], points.astype("float32"))
    assert (source.info.class_names, source.arrays["label"][:2].tolist()) == (("a", "b"), [1, 0])
    assert "20 points of 3" in str(source)


def test_types_and_ranges_of_images(tmp_path):
    for given in (PIXELS.astype("int64"), PIXELS):
        found = open_source(saved(tmp_path, image=given), split="all").arrays["image"]
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found[..., 0], PIXELS)
    assert np.unique(open_source(saved(tmp_path, image=PIXELS > 99), split="all").arrays["image"]).tolist() == [0, 255]
    unit = PIXELS.astype("float64") / 255
    np.testing.assert_allclose(
        open_source(saved(tmp_path, x=unit), split="all").arrays["image"][..., 0], unit, rtol=1e-6
    )
    for given, bounds in (
        (PIXELS * 1.0, "0..255"),
        (unit * 2 - 1, "-1..1"),
        (PIXELS.astype("int32") * 4, "0..1020"),
        (unit / 2 - 0.5, "-.5..0.0"),
    ):
        spec = saved(tmp_path, x=given)
        with pytest.raises(DataError, match=r"images whose values run from .* say their range, such as npz:.*,range="):
            open_source(spec)
        found = open_source(f"{spec},range={bounds}", split="all")
        np.testing.assert_allclose(found.arrays["image"][..., 0], unit, atol=1e-6)
    for wrong in ("255", "a..b", "5..1"):
        with pytest.raises(DataError, match="two numbers"):
            open_source(f"{spec},range={wrong}")


def test_an_array_without_a_name_and_no_array(tmp_path):
    np.savez(tmp_path / "x.npz", PIXELS)
    assert len(open_source(f"npz:{tmp_path}/x.npz", split="all")) == 20
    np.savez(tmp_path / "x.npz")
    with pytest.raises(DataError, match=r"x\.npz holds no arrays"):
        open_source(f"npz:{tmp_path}/x.npz")


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"x": PIXELS, "y": np.arange(3)}, "the arrays differ in length (image has 20, label has 3)"),
        (
            {"x": np.zeros((4, 3, 8, 8))},
            "images of shape (3, 8, 8) where (height, width, 1 or 3) is expected: move the channels last",
        ),
        ({"x": PIXELS, "image": PIXELS}, "two arrays are called image"),
        ({"x": np.full((4, 2), np.nan)}, "4 of 4 points hold values that are not finite: remove them"),
        ({"x": np.array([["a", "b"]])}, "points of type <U1 where numbers are expected"),
        ({"x": PIXELS, "y": np.zeros((20, 4))}, "labels of shape (20, 4) where one class per example is expected"),
        ({"x": PIXELS, "y": np.full(20, 0.5)}, "labels of type float32 where whole numbers or names are expected"),
        ({"x": PIXELS[:0]}, "no examples"),
        ({"x": np.array([{}, {}])}, "holds Python objects: save arrays of numbers"),
        ({"x": PIXELS[:5]}, "its 5 examples leave none for 'test', every tenth: use split 'all'"),
    ],
)
def test_unusable_npz(tmp_path, arrays, message):
    spec = saved(tmp_path, **arrays)
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        open_source(spec, split="test")
    assert "\n" not in str(caught.value)


def test_files_that_are_no_npz(tmp_path):
    np.save(tmp_path / "x.npy", PIXELS)
    whole = (tmp_path / "y.npz").with_suffix(".npz")
    np.savez(whole, x=PIXELS)
    (tmp_path / "half.npz").write_bytes(whole.read_bytes()[:200])
    (tmp_path / "text.npz").write_text("text")
    (tmp_path / "empty.npz").write_bytes(b"")
    (tmp_path / "folder.npz").mkdir()
    for name, message in (
        ("x.npy", r"holds one array without a name: save it with np\.savez"),
        ("half.npz", r"half\.npz cannot be read as a file of numpy\.savez"),
        ("text.npz", r"text\.npz cannot be read as a file of numpy\.savez"),
        ("empty.npz", r"empty\.npz cannot be read as a file of numpy\.savez"),
        ("folder.npz", r"folder\.npz is a folder where a file is expected"),
        ("none.npz", r"no such file; looked for"),
    ):
        with pytest.raises(DataError, match=message) as caught:
            open_source(f"npz:{tmp_path / name}")
        assert "\n" not in str(caught.value)


# CSV


def test_columns_are_points_and_label_a_class(tmp_path):
    rows = "".join(f"{i},{'ab'[i % 2]},{i / 2}\n" for i in range(20))
    for name, content in (
        ("a.csv", f"x,label,y\n{rows}".encode()),
        ("b.csv", ("\ufeffx;label;y\r\n" + rows.replace(",", ";").replace("\n", "\r\n")).encode()),
        ("c.csv.gz", gzip.compress(f"x\tlabel\ty\n\n{rows}".replace(",", "\t").encode())),
    ):
        (tmp_path / name).write_bytes(content)
        source = open_source(f"csv:{tmp_path / name}", split="all")
        np.testing.assert_array_equal(source.arrays["points"], [[i, i / 2] for i in range(20)])
        assert (source.info.class_names, source.arrays["label"][:2].tolist()) == (("a", "b"), [0, 1])
        assert open_source(f"csv:{tmp_path / name}", split="test").arrays["points"][:, 0].tolist() == [9, 19]
    line = f"csv:{tmp_path}/a.csv[all]: 20 points of 2, float32 0..19, 2 classes, licence the user's own"
    assert str(open_source(f"csv:{tmp_path / 'a.csv'}", split="all")) == line


def test_labels_of_another_column(tmp_path):
    (tmp_path / "a.csv").write_text("x,year\n" + "".join(f"{i},{(10, 9)[i % 2]}\n" for i in range(4)))
    source = open_source(f"csv:{tmp_path}/a.csv,label=year", split="all")
    assert (source.info.class_names, source.arrays["label"].tolist()) == (("9", "10"), [1, 0, 1, 0])
    assert source.arrays["points"].shape == (4, 1)
    assert open_source(f"csv:{tmp_path}/a.csv", split="all").arrays["points"].shape == (4, 2)


@pytest.mark.parametrize(
    ("content", "message"),
    [
        ("1,2\n3,4\n", r"a\.csv has no header: put the columns' names into its first line"),
        ("x,y\n", "has a header and no rows"),
        ("", "is empty: a first line with the columns' names is expected"),
        ("x,y\n1,2\n\n3,four\n", r"line 4, column 'y': 'four' is not a number"),
        ("x,y\n1,\n", r"line 2, column 'y': '' is not a number"),
        ("x,y\n1,nan\n", r"line 2, column 'y': 'nan' is not a number"),
        ("x,y\n1,1e99\n", r"line 2, column 'y': '1e99' is not a number"),
        ("x,y\n1\n", "line 2 has 1 values where the header names 2"),
        ("label\na\n", "no column of numbers besides 'label'"),
        ("x,label\n1,\n", "line 2 has no label"),
        ("x,x\n1,2\n", "two columns are called 'x'"),
        ("x,y\n1,2\n", "its 1 examples leave none for 'test'"),
    ],
)
def test_unusable_csv(tmp_path, content, message):
    (tmp_path / "a.csv").write_text(content)
    with pytest.raises(DataError, match=message) as caught:
        open_source(f"csv:{tmp_path / 'a.csv'}", split="test")
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="holds points where images of shape"):
        open_source(f"csv:{tmp_path / 'a.csv'}", image_shape=(4, 4, 1))


# Where files are looked for


def test_every_scheme_looks_in_the_data_folder(tmp_path, monkeypatch, here):
    from PIL import Image

    monkeypatch.setenv("KERAZOO_DATA_DIR", str(tmp_path))
    saved(tmp_path, x=PIXELS)
    (tmp_path / "a.csv").write_text("x\n" + "1\n" * 20)
    (tmp_path / "a.txt").write_text("words " * 20)
    for folder in ("one", "two"):
        (tmp_path / folder).mkdir()
        for index in range(3):
            Image.new("RGB", (16, 16), (index, 9, 9)).save(tmp_path / folder / f"{index}.png")
    specs = ("npz:x.npz", "csv:a.csv", "text:a.txt", "folder:one", "pairs:a.txt,a.txt", "paired:folder:one,folder:two")
    for spec in (*specs, "unpaired:folder:one,folder:two", "twins:folder:one"):
        assert len(open_source(spec, split="all")) > 0
    for spec in ("npz:x", "csv:x", "text:x", "folder:x", "pairs:x,x"):
        with pytest.raises(DataError, match=rf"no such .*; looked for .* and {re.escape(str(tmp_path))}/x"):
            open_source(spec)


@pytest.mark.skipif(
    not os.path.isdir(os.path.join(os.environ.get("TFDS_DATA_DIR", ""), "imdb_reviews")),
    reason="needs TFDS_DATA_DIR set to a folder with a prepared mnist and imdb_reviews",
)
def test_slices_and_versions_of_tfds():
    source = open_source("tfds:mnist[:1000]")
    assert str(source).startswith("tfds:mnist[:1000][train]: 1,000 images of 28x28x1")
    np.testing.assert_array_equal(
        source.arrays["label"], open_source("tfds:mnist", split="train[:1000]").arrays["label"]
    )
    assert len(open_source("tfds:mnist:3.0.1[1%:2%]", split="test")) == 100
    texts = open_source("tfds:imdb_reviews/plain_text:1.0.0[:50]", split="test")
    assert len(texts) == 50
    assert len(open_source("twins:tfds:mnist[:10]").a) == 5
    assert len(open_source("unpaired:tfds:mnist[:10],tfds:mnist[10:30]")) == 20
    with pytest.raises(DataError, match=r"a slice after the name and one in the split, 'train\[:5\]': give one"):
        open_source("tfds:mnist[:10]", split="train[:5]")
    with pytest.raises(DataError, match=r"has no split 'dev\[:10\]'"):
        open_source("tfds:mnist[:10]", split="dev")
    with pytest.raises(DataError, match=r"TFDS cannot open it|cannot be loaded"):
        open_source("tfds:imdb_reviews/plain_words[:10]")
