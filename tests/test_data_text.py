"""Texts from files, from TFDS and from the package; and the streams of windows that language models read."""

import gzip
import os
import re

import numpy as np
import pytest

from kerazoo.cli import main
from kerazoo.data import TokenStream, open_source
from kerazoo.utils.errors import DataError

TEXT = "".join(chr(ord("a") + index % 26) for index in range(1000))


def text_of(spec, split="all"):
    return "".join(open_source(spec, split=split).arrays["text"])


# Sources


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("a.txt", TEXT.encode()),
        ("a.txt.gz", gzip.compress(TEXT.encode(), mtime=0)),
        ("gzip without the suffix", gzip.compress(TEXT.encode(), mtime=0)),
        ("bom.txt", b"\xef\xbb\xbf" + TEXT.encode()),
    ],
)
def test_files_and_their_splits(tmp_path, name, data):
    (tmp_path / name).write_bytes(data)
    spec = f"text:{tmp_path / name}"
    parts = [text_of(spec, split) for split in ("train", "validation", "test")]
    assert [len(part) for part in parts] == [900, 50, 50]
    assert "".join(parts) == text_of(spec) == TEXT
    source = open_source(spec)
    assert (source.info.kind, source.info.key, source.arrays["text"].dtype) == ("text", "text", object)


def test_a_path_with_the_split_in_it_is_that_file(tmp_path):
    for split, text in {"train": "abc\n", "valid": "de\n"}.items():
        (tmp_path / f"ptb.{split}.txt").write_text(text)
    spec = f"text:{tmp_path}/ptb.{{split}}.txt"
    assert [text_of(spec, split) for split in ("train", "valid")] == ["abc\n", "de\n"]
    with pytest.raises(DataError, match=r"no split 'test'.*train, valid"):
        open_source(spec, split="test")


def test_line_ends_of_windows_and_letters_of_many_bytes(tmp_path):
    (tmp_path / "a.txt").write_bytes("Grüße,\r\n你好\r\n".encode())
    assert text_of(f"text:{tmp_path / 'a.txt'}") == "Grüße,\n你好\n"
    assert text_of(f"text:{tmp_path / 'a.txt'}", "test") == "\n"  # characters are counted, not bytes


def test_a_folder_keeps_its_files_apart(tmp_path, capsys):
    (tmp_path / "sub").mkdir()
    (tmp_path / "b.txt").write_text("b" * 40)
    (tmp_path / "sub" / "c.txt.gz").write_bytes(gzip.compress(b"c" * 60))
    (tmp_path / ".hidden.txt").write_text("no")
    (tmp_path / "notes.md").write_text("no")
    (tmp_path / "empty.txt").write_text("")
    assert open_source(f"text:{tmp_path}", split="all").arrays["text"].tolist() == ["b" * 40, "c" * 60]
    assert open_source(f"text:{tmp_path}").arrays["text"].tolist() == ["b" * 40, "c" * 50]
    assert open_source(f"text:{tmp_path}", split="validation").arrays["text"].tolist() == ["c" * 5]
    assert len(open_source(f"text:{tmp_path}", limit=1)) == 1
    assert main(["info", f"text:{tmp_path}"]) == 0
    assert capsys.readouterr().out == f"text:{tmp_path}[train]: 2 texts, 90 characters, licence the user's own\n"


def test_relative_paths_are_looked_for_in_the_data_folder(tmp_path, monkeypatch, here):
    (tmp_path / "a.txt").write_text(TEXT)
    monkeypatch.delenv("KERAZOO_DATA_DIR", raising=False)
    with pytest.raises(DataError, match=r"no such file; looked for .*a\.txt; set KERAZOO_DATA_DIR to a folder"):
        open_source("text:a.txt")
    monkeypatch.setenv("KERAZOO_DATA_DIR", str(tmp_path))
    assert text_of("text:a.txt") == TEXT
    with pytest.raises(DataError, match=rf"looked for .*b\.txt and {re.escape(str(tmp_path))}/b\.txt$"):
        open_source("text:b.txt")


@pytest.mark.parametrize(
    ("name", "data", "split", "message"),
    [
        ("a.txt", b"", "train", "the text is empty"),
        ("a.txt", b"caf\xe9\nand more", "train", r"a\.txt is not UTF-8 \(byte 0xe9 in line 1\): convert it"),
        ("a.txt.gz", b"plain", "train", r"a\.txt\.gz is not compressed with gzip"),
        ("a.txt.gz", gzip.compress(bytes(range(256)), mtime=0)[:200], "train", r"a\.txt\.gz is damaged"),
        ("a.txt", b"abc", "dev", "has no split 'dev': it has train, validation, test, all"),
        ("a.txt", b"a", "train", "its 1 characters leave none for 'train': use split 'all'"),
        ("notes.md", b"abc", "folder", "no text files in"),
    ],
)
def test_unusable_files(tmp_path, name, data, split, message):
    (tmp_path / name).write_bytes(data)
    path = tmp_path if split == "folder" else tmp_path / name
    with pytest.raises(DataError, match=message) as caught:
        open_source(f"text:{path}", split=split)
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="holds text where images of shape"):
        open_source(f"text:{path}", image_shape=(8, 8, 1))


def test_verse_ships_with_the_package():
    source = open_source("verse", split="all")
    assert len(source.arrays["text"][0]) > 3000
    assert source.arrays["text"][0].isascii()
    assert text_of("verse", "train") + text_of("verse", "validation") + text_of("verse", "test") == text_of("verse")
    assert "licence Apache-2.0 (written for kerazoo)" in str(source)


def prepared(name):
    missing = not os.path.isdir(os.path.join(os.environ.get("TFDS_DATA_DIR", ""), name))
    return pytest.mark.skipif(missing, reason=f"needs TFDS_DATA_DIR set to a folder with a prepared {name}")


@prepared("tiny_shakespeare")
def test_tiny_shakespeare(tmp_path):
    parts = {split: text_of("tfds:tiny_shakespeare", split) for split in ("train", "validation", "test")}
    assert [len(part) for part in parts.values()] == [1_003_854, 55_770, 55_770]
    assert parts["train"].startswith("First Citizen:\nBefore we proceed any further, hear me speak.")
    # The splits of text: fall on the same characters.
    (tmp_path / "input.txt").write_text("".join(parts.values()))
    assert {split: text_of(f"text:{tmp_path / 'input.txt'}", split) for split in parts} == parts
    with pytest.raises(DataError, match="holds text where images"):
        open_source("tfds:tiny_shakespeare", image_shape=(8, 8, 1))


@prepared("imdb_reviews")
def test_imdb_reviews():
    source = open_source("tfds:imdb_reviews", split="test[:200]")
    assert str(source).startswith("tfds:imdb_reviews[test[:200]]: 200 texts, ")
    assert ", 2 classes, licence free for research" in str(source)
    assert all(isinstance(text, str) for text in source.arrays["text"])
    assert set(source.arrays["label"].tolist()) == {0, 1}
    batch = next(iter(source.batches(4)))
    assert batch["text"].shape == batch["label"].shape == (4,)


# Token streams


def batches(dataset):
    return [(batch["tokens"].tolist(), batch["first"].tolist()) for batch in dataset.as_numpy_iterator()]


def test_windows_follow_each_other_in_every_row():
    stream = TokenStream(np.arange(32), 4)
    # L = 31 // 3 = 10, so two windows of four a row; tokens 8 and 9 of each row are left out.
    assert stream.num_batches(3) == 2
    expected = [
        ([[0, 1, 2, 3, 4], [10, 11, 12, 13, 14], [20, 21, 22, 23, 24]], [True] * 3),
        ([[4, 5, 6, 7, 8], [14, 15, 16, 17, 18], [24, 25, 26, 27, 28]], [False] * 3),
    ]
    assert batches(stream.batches(3, num_steps=5, seed=7)) == [*expected, *expected, expected[0]]
    assert batches(stream.epoch(3)) == expected
    assert batches(stream.batches(3, num_steps=2, shuffle=False)) == expected
    spec = stream.batches(3).element_spec
    assert (spec["tokens"].shape, spec["tokens"].dtype.name, spec["first"].shape) == ((3, 5), "int32", (3,))
    assert stream.epoch(3).cardinality() == 2


def test_the_last_target_is_the_last_token():
    (tokens, _), *rest = batches(TokenStream(np.arange(13), 3).epoch(4))
    assert tokens[-1] == [9, 10, 11, 12]
    assert rest == []


def test_streams_resume_and_are_shared():
    stream = TokenStream(np.random.default_rng(0).integers(0, 50, 1000), 6)
    whole = batches(stream.batches(8, num_steps=50))
    assert batches(stream.batches(8, start_step=33, num_steps=17)) == whole[33:]
    parts = [batches(stream.batches(8, num_steps=50, shard=(index, 2))) for index in range(2)]
    assert [(one[0] + two[0], one[1] + two[1]) for one, two in zip(*parts, strict=True)] == whole
    assert batches(stream.take(100).epoch(3)) == batches(TokenStream(stream.arrays["tokens"][:100], 6).epoch(3))


def test_short_texts():
    stream = TokenStream(np.arange(32), 10, name="short", split="test", licence="none")
    assert str(stream) == "short[test]: 32 tokens in windows of 10, licence none"
    message = "32 tokens are too few for 4 streams of windows of 10: lower batch_size to 3 or less, or the window"
    for call in (stream.num_batches, stream.batches):
        with pytest.raises(DataError, match=message):
            call(4)
    assert len(batches(stream.epoch(100))[0][0]) == 3  # evaluation takes as many streams as there are
    with pytest.raises(DataError, match="10 tokens are too few for one window of 10 and its target"):
        TokenStream(np.arange(10), 10)
    with pytest.raises(DataError, match=r"shape \(2, 3\) and type int64 where whole numbers in one row"):
        TokenStream(np.zeros((2, 3), np.int64), 1)
    with pytest.raises(DataError, match="window = 0: an integer of at least 1 is expected"):
        TokenStream(np.arange(10), 0)
    with pytest.raises(DataError, match="cannot be shared evenly by 2 workers"):
        stream.batches(3, shard=(0, 2))
