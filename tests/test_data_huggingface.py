"""`hf:`: data sets that Hugging Face's library saved, images and texts, their splits, labels and gaps."""

import sys

import numpy as np
import pytest
from PIL import Image

from kerazoo.data import open_source
from kerazoo.utils.errors import DataError, MissingDependencyError

datasets = pytest.importorskip("datasets")

VALUES = {
    "label": [1, 0] * 10,
    "text": [f"text {i}" for i in range(20)],
    "tone": [10, 9] * 10,
    "weight": [None, 0.5] * 10,
    "tags": [["a"], []] * 10,
}
FEATURES = {
    "label": datasets.ClassLabel(names=["cat", "dog"]),
    "text": datasets.Value("string"),
    "tone": datasets.Value("int32"),
    "weight": datasets.Value("float64"),
    "tags": datasets.Sequence(datasets.Value("string")),
}


@pytest.fixture(autouse=True)
def quiet():
    datasets.disable_progress_bars()


def table(columns=tuple(FEATURES), images=True, broken=()):
    values = {name: VALUES[name] for name in columns}
    features = {name: FEATURES[name] for name in columns}
    if images:
        pictures = [Image.new("RGB", (8, 6), (i, 0, 0)) for i in range(20)]
        values["img"] = [{"bytes": b"no image", "path": None} if i in broken else p for i, p in enumerate(pictures)]
        features["img"] = datasets.Image()
    return datasets.Dataset.from_dict(values, features=datasets.Features(features))


def test_images_captions_labels_and_attributes(tmp_path, monkeypatch, here):
    table(broken=(3,)).save_to_disk(tmp_path / "set")
    monkeypatch.setenv("KERAZOO_DATA_DIR", str(tmp_path))
    with pytest.warns(UserWarning) as caught:  # noqa: PT030
        source = open_source("hf:set", split="all")
    assert [str(warning.message) for warning in caught] == [
        "hf:set: left out columns that hold no numbers or strings: tags",
        "hf:set: skipped 1 of 20 images that cannot be read: row 3 (not an image, or one of an unknown kind)",
    ]
    rows = [i for i in range(20) if i != 3]
    assert source.info.shapes["image"] == (6, 6, 3)
    assert source.arrays["image"][:, 0, 0, 0].tolist() == rows
    assert source.arrays["label"].tolist() == [1 - i % 2 for i in rows]
    assert source.arrays["text"].tolist() == [f"text {i}" for i in rows]
    assert source.arrays["tone"].dtype == np.int64
    np.testing.assert_array_equal(source.arrays["weight"], [(np.nan, 0.5)[i % 2] for i in rows])
    assert (source.info.class_names, source.skipped) == (("cat", "dog"), ["row 3"])
    with pytest.raises(DataError, match=r"row 3 cannot be read"), pytest.warns(UserWarning, match="tags"):
        open_source("hf:set", split="all", strict=True)


def test_splits_limits_and_labels_of_another_column(tmp_path):
    whole = table(("label", "tone"))
    whole.save_to_disk(tmp_path / "one")
    parts = {split: open_source(f"hf:{tmp_path}/one", split=split) for split in ("train", "test")}
    assert parts["test"].arrays["image"][:, 0, 0, 0].tolist() == [9, 19]
    assert len(parts["train"]) == 18
    assert len(open_source(f"hf:{tmp_path}/one", limit=3, image_shape=(4, 4, 1))) == 3
    divided = {"train": whole.select([0, 2]), "test": whole.select([1]), "val": whole.select([3])}
    datasets.DatasetDict(divided).save_to_disk(tmp_path / "many")
    source = open_source(f"hf:{tmp_path}/many,label=tone", split="test")
    assert (source.info.class_names, source.arrays["label"].tolist()) == (("9", "10"), [0])
    assert open_source(f"hf:{tmp_path}/many", split="validation").arrays["image"][0, 0, 0, 0] == 3
    assert len(open_source(f"hf:{tmp_path}/many", split="all")) == 4
    with pytest.raises(DataError, match="has no split 'dev': it has train, test, validation, all"):
        open_source(f"hf:{tmp_path}/many", split="dev")
    with pytest.raises(DataError, match=r"has no column 'colour' \(it has: label, tone, img\)"):
        open_source(f"hf:{tmp_path}/many,label=colour")


def test_texts(tmp_path):
    table(("label", "text", "tone"), images=False).save_to_disk(tmp_path / "set")
    source = open_source(f"hf:{tmp_path}/set", split="test")
    assert (source.info.kind, source.arrays["text"].tolist()) == ("text", ["text 9", "text 19"])
    assert source.arrays["label"].tolist() == [0, 0]
    with pytest.raises(DataError, match="holds text where images of shape"):
        open_source(f"hf:{tmp_path}/set", image_shape=(8, 8, 1))
    table(("tone",), images=False).save_to_disk(tmp_path / "numbers")
    with pytest.raises(DataError, match=r"no column of images and no column 'text' \(it has: tone\)"):
        open_source(f"hf:{tmp_path}/numbers")


def test_hidden_labels_are_left_out(tmp_path):
    hidden = datasets.Dataset.from_dict(
        {"text": ["a", "b"], "label": [-1, 0]},
        features=datasets.Features({name: FEATURES[name] for name in ("text", "label")}),
    )
    hidden.save_to_disk(tmp_path / "set")
    with pytest.warns(UserWarning, match=r"\[all\]: 1 of 2 examples have no label, so it is left out"):
        source = open_source(f"hf:{tmp_path}/set", split="all")
    assert list(source.arrays) == ["text"]


def test_what_is_missing(tmp_path, monkeypatch):
    with pytest.raises(DataError, match="no such folder; looked for"):
        open_source(f"hf:{tmp_path}/none")
    (tmp_path / "set").mkdir()
    with pytest.raises(
        DataError, match=r"cannot be read as a data set that save_to_disk wrote \(Directory .* is neither"
    ):
        open_source(f"hf:{tmp_path}/set")
    with pytest.raises(DataError, match="hf:// names a model on the Hub; write hf:PATH for a data set on disk"):
        open_source("hf://me/dcgan")
    monkeypatch.setitem(sys.modules, "datasets", None)
    with pytest.raises(MissingDependencyError, match=r"needs datasets .*: pip install 'kerazoo\[hf\]'"):
        open_source(f"hf:{tmp_path}/set")
