"""`metadata.csv` and `metadata.jsonl`: captions, attributes, labels from a column, and rows that fit no file."""

import json
import os
import zipfile

import numpy as np
import pytest
from PIL import Image

from kerazoo.data import open_source
from kerazoo.data.tables import csv_rows, is_number, json_rows, typed
from kerazoo.utils.errors import DataError

CSV = 'file_name,text,tone,weight,note\n0.png,a cat,10,0.5,x\n1.png,"a dog, asleep",9,1,\n2.png,,10,2.5e1,z\n'


@pytest.fixture
def photos(tmp_path):
    for index in range(3):
        Image.new("RGB", (4, 4), (index, 0, 0)).save(tmp_path / f"{index}.png")
    return tmp_path


def opened(path, spec="", **arguments):
    return open_source(f"folder:{path}{spec}", split="all", **arguments)


def check(source):
    assert source.arrays["text"].tolist() == ["a cat", "a dog, asleep", ""]
    assert source.arrays["tone"].tolist() == [10, 9, 10]
    assert source.arrays["weight"].dtype == np.float32
    assert source.arrays["weight"].tolist() == [0.5, 1, 25]
    assert source.arrays["note"].tolist() == ["x", "", "z"]
    assert source.arrays["image"][:, 0, 0, 0].tolist() == [0, 1, 2]


def test_captions_and_attributes_from_csv_and_json_lines(photos):
    (photos / "metadata.csv").write_text(CSV)
    source = opened(photos)
    check(source)
    assert "label" not in source.arrays
    assert str(source).endswith("4x4x3, uint8 0..255, with text, tone, weight and note, licence the user's own")
    batch = next(iter(source.batches(3, shuffle=False)))
    assert batch["text"].numpy().tolist() == [b"a cat", b"a dog, asleep", b""]
    (photos / "metadata.csv").unlink()
    rows = [
        {"file_name": "0.png", "text": "a cat", "tone": 10, "weight": 0.5, "note": "x"},
        {"file_name": "./1.png", "text": "a dog, asleep", "tone": 9, "weight": 1},
        {"file_name": "2.png", "text": None, "tone": 10, "weight": 25.0, "note": "z"},
    ]
    (photos / "metadata.jsonl").write_text("\n".join(map(json.dumps, rows)) + "\n\n")
    check(opened(photos))


def test_labels_from_a_column(photos):
    (photos / "metadata.csv").write_text(CSV)
    source = opened(photos, ",label=tone")
    assert source.info.class_names == ("9", "10")  # by value, not by letter
    assert source.arrays["label"].tolist() == [1, 0, 1]
    with pytest.raises(DataError, match=r"no column 'colour' in the metadata \(it has: text, tone, weight, note\)"):
        opened(photos, ",label=colour")
    with pytest.raises(DataError, match=r"1 image without a note: 1\.png"):
        opened(photos, ",label=note")
    with pytest.raises(DataError, match="no option 'lable': it takes label=COLUMN"):
        opened(photos, ",lable=tone")
    with pytest.raises(DataError, match="write label=COLUMN once"):
        opened(photos, ",label=tone,label=tone")
    (photos / "metadata.csv").unlink()
    with pytest.raises(DataError, match=r"no row of any metadata\.csv or metadata\.jsonl"):
        opened(photos, ",label=tone")


def test_a_column_called_label_and_class_folders(photos):
    (photos / "metadata.csv").write_text("file_name,label\n0.png,dog\n1.png,cat\n2.png,dog\n")
    source = opened(photos)
    assert (source.info.class_names, source.arrays["label"].tolist()) == (("cat", "dog"), [1, 0, 1])
    for old, new in (("0.png", "b/x.png"), ("1.png", "a/y.png")):
        (photos / new).parent.mkdir()
        (photos / old).rename(photos / new)
    (photos / "2.png").unlink()
    (photos / "metadata.csv").write_text("file_name,text\nb/x.png,ex\na/y.png,why\n")
    source = opened(photos)
    assert (source.info.class_names, source.arrays["label"].tolist()) == (("a", "b"), [0, 1])
    assert source.arrays["text"].tolist() == ["why", "ex"]


def test_tables_lie_in_split_folders_and_classes_are_those_of_all_splits(tmp_path):
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for split, tones in (("train", (3, 1)), ("test", (2, 3))):
            rows = ["file_name,tone"]
            for index, tone in enumerate(tones):
                Image.new("RGB", (4, 4)).save(tmp_path / "x.png")
                archive.write(tmp_path / "x.png", f"set/{split}/{index}.png")
                rows.append(f"{index}.png,{tone}")
            archive.writestr(f"set/{split}/metadata.csv", "\n".join(rows))
    source = open_source(f"folder:{tmp_path}/set.zip,label=tone", split="test")
    assert (source.info.class_names, source.arrays["label"].tolist()) == (("1", "2", "3"), [1, 2])


def test_an_archive_is_closed_again_after_an_error(tmp_path):
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        archive.writestr("1.png", b"")
    before = os.listdir("/proc/self/fd") if os.path.isdir("/proc/self/fd") else []
    with pytest.raises(DataError, match="no row of any") as caught:
        opened(tmp_path / "set.zip", ",label=x")
    assert caught.value.__traceback__ is not None  # whose frames hold all that was opened
    assert not before or len(os.listdir("/proc/self/fd")) == len(before)


def test_what_does_not_fit_is_counted_and_named(photos):
    (photos / "metadata.csv").write_text("file_name,text\n0.png,one\n0.png,again\ngone.png,nothing\n2.png,two\n")
    line = (
        r"left out what does not fit in the metadata: 1 row named a file again: 0\.png; "
        r"1 row named a file that is missing: gone\.png; 1 image had no row: 1\.png$"
    )
    with pytest.warns(UserWarning, match=line):
        source = opened(photos)
    assert source.arrays["text"].tolist() == ["one", "two"]
    with pytest.raises(DataError, match=line):
        opened(photos, strict=True)
    (photos / "1.png").write_bytes(b"broken")
    (photos / "metadata.csv").write_text("file_name,text\n0.png,one\n1.png,broken\n2.png,two\n")
    with pytest.warns(UserWarning, match=r"skipped 1 of 3 images"):
        assert opened(photos).arrays["text"].tolist() == ["one", "two"]


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("metadata.csv", "name,text\n0.png,x\n", r"metadata\.csv has no column 'file_name' \(it has: name, text\)"),
        ("metadata.csv", "", "is empty: a first line with the columns' names"),
        ("metadata.csv", "file_name,text\n0.png\n", "line 2 has 1 values where the header names 2"),
        ("metadata.csv", "file_name,text\n0.png,a,b\n", "line 2 has 3 values where the header names 2"),
        ("metadata.csv", 'file_name,text\n0.png,"a\n', "line 2 cannot be read as CSV"),
        ("metadata.csv", "file_name,a,a\n0.png,1,2\n", "two columns are called 'a'"),
        ("metadata.csv", "file_name,image\n0.png,1\n", "a column called 'image' would hide the images"),
        ("metadata.csv", "file_name,text\nx.png,1\n", r"no row of metadata\.csv names one of the 3 images"),
        ("metadata.csv", "file_name\n0.png".encode("utf-16"), r"metadata\.csv is UTF-16, not UTF-8"),
        ("metadata.jsonl", '{"file_name": "0.png"}\n{', "line 2 is not JSON"),
        ("metadata.jsonl", "[1]", "line 1 is not a JSON object"),
    ],
)
@pytest.mark.filterwarnings("ignore:.*does not fit")
def test_broken_tables(photos, name, content, message):
    (photos / name).write_bytes(content if isinstance(content, bytes) else content.encode())
    with pytest.raises(DataError, match=message) as caught:
        opened(photos)
    assert "\n" not in str(caught.value)


def test_numbers_and_names_are_told_apart():
    assert [is_number(text) for text in ("1", "-2.5", ".5", "5.", "1e-3", "+1")] == [True] * 6
    assert [is_number(text) for text in ("", ".", "1,5", "nan", "inf", "1e999", "e5", "0x1", "1 2")] == [False] * 9
    assert typed(["007", "1"]).dtype == object
    assert typed([" 1", "2 "]).tolist() == [1, 2]
    assert typed(["1.5", "12345678901234567890"]).dtype == object
    assert json_rows("x", '{"a": "\\ud800"}')[1] == [(1, ["?"])]
    columns, rows = csv_rows("x", "a;b\n1,5;2\n\n3;4\n")
    assert (columns, rows) == (["a", "b"], [(2, ["1,5", "2"]), (4, ["3", "4"])])


@pytest.mark.skipif(
    not os.path.isfile(os.path.join(os.environ.get("KERAZOO_DATA_DIR", ""), "openmoji_color.zip")),
    reason="needs KERAZOO_DATA_DIR set to a folder with openmoji_color.zip",
)
@pytest.mark.filterwarnings("ignore:.*LICENSE")
def test_openmoji():
    source = open_source("folder:openmoji_color.zip,label=skin_tone", split="test")
    assert len(source) == 440
    assert source.info.class_names == ("0", "1", "2", "3", "4", "5")
    np.testing.assert_array_equal(source.arrays["label"], source.arrays["skin_tone"])
    row = source.names.index(next(name for name in source.names if "1F3FB" in name))
    assert source.arrays["label"][row] == 1
    assert "light skin tone" in source.arrays["text"][row]
    plain = open_source("folder:openmoji_color.zip", split="test")
    assert set(plain.info.class_names) == set(plain.arrays["group"])
