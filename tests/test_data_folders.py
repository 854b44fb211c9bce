"""`folder:`: image files of all kinds, from a directory and from a zip archive, and the broken ones."""

import hashlib
import zipfile

import numpy as np
import pytest
from PIL import Image

from kerazoo.data import images, open_source
from kerazoo.utils.errors import DataError


def save(path, colour=(255, 0, 0), size=(20, 20), mode="RGB", **kwargs):
    path.parent.mkdir(parents=True, exist_ok=True)
    image = Image.new("RGB", size, colour)
    image.convert(mode).save(path, **kwargs)


@pytest.fixture
def tree(tmp_path):
    """Two classes of five and four images in all modes and sizes; red is "a", blue is "b"."""
    save(tmp_path / "a" / "1.png")
    save(tmp_path / "a" / "2.JPG", mode="CMYK", quality=95)
    save(tmp_path / "a" / "deeper" / "3.png", mode="P")
    save(tmp_path / "a" / "4.png", mode="RGBA", size=(40, 20))
    save(tmp_path / "a" / "5.bmp", size=(10, 30))
    for index in range(4):
        save(tmp_path / "b" / f"{index}.png", (0, 0, 255))
    (tmp_path / "b" / "notes.txt").write_text("not an image")
    save(tmp_path / "b" / ".hidden.png")
    return tmp_path


def test_folder_of_classes_in_all_modes(tree):
    source = open_source(f"folder:{tree}", split="all", image_shape=(16, 16, 3))
    assert source.info.class_names == ("a", "b")
    assert source.arrays["label"].tolist() == [0] * 5 + [1] * 4
    for label, colour in ((0, (255, 0, 0)), (1, (0, 0, 255))):
        pixels = source.arrays["image"][source.arrays["label"] == label].astype(int)
        assert abs(pixels - colour).max() <= 6  # JPEG through CMYK is not exact
    assert source.skipped == []
    assert open_source(f"folder:{tree}", split="all").info.shapes["image"] == (20, 20, 3)


def test_folder_without_split_folders_holds_a_tenth_out(tmp_path):
    for index in range(100):
        save(tmp_path / f"{index}.png", (index, 0, 0), size=(4, 4))
    parts = {
        s: open_source(f"folder:{tmp_path}", split=s).arrays["image"][:, 0, 0, 0] for s in ("train", "test", "all")
    }
    hashed = [int(hashlib.sha256(f"{i}.png".encode()).hexdigest(), 16) % 10 == 0 for i in range(100)]
    assert sorted(parts["test"]) == np.flatnonzero(hashed).tolist()
    assert sorted([*parts["train"], *parts["test"]]) == sorted(parts["all"]) == list(range(100))
    assert "label" not in open_source(f"folder:{tmp_path}").arrays


def test_zip_with_splits_under_a_common_root_equals_the_folder(tmp_path):
    for split, count in (("train", 3), ("test", 2)):
        for name in ("cat", "dog"):
            for index in range(count):
                save(tmp_path / "set" / split / name / f"{index}.png", (index * 9, 5, 7))
    save(tmp_path / "set" / "train" / "ant" / "0.png")  # a class that "test" lacks: labels must not shift
    with zipfile.ZipFile(tmp_path / "set.zip", "w") as archive:
        for path in sorted((tmp_path / "set").rglob("*.png")):
            archive.write(path, path.relative_to(tmp_path))
    for split, count, found in (("train", 7, {0, 1, 2}), ("test", 4, {1, 2}), ("all", 11, {0, 1, 2})):
        packed = open_source(f"folder:{tmp_path / 'set.zip'}", split=split)
        plain = open_source(f"folder:{tmp_path / 'set'}", split=split)
        assert len(packed) == count
        assert set(packed.arrays["label"].tolist()) == found
        assert packed.info.class_names == ("ant", "cat", "dog")
        for key in ("image", "label"):
            np.testing.assert_array_equal(packed.arrays[key], plain.arrays[key])
    with pytest.raises(DataError, match="has no split 'validation': it has all, test, train"):
        open_source(f"folder:{tmp_path / 'set.zip'}", split="validation")


def test_exif_rotation_transparency_and_sixteen_bits(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6  # shown after a quarter turn clockwise
    upper_black = Image.fromarray(np.repeat(np.array([0, 255], "uint8"), 10)[:, None].repeat(20, 1))
    upper_black.save(tmp_path / "1.png", exif=exif)
    Image.new("RGBA", (20, 20), (0, 0, 0, 0)).save(tmp_path / "2.png")
    Image.fromarray(np.full((20, 20), 257 * 100, "uint16")).save(tmp_path / "3.png")
    turned, clear, deep = open_source(f"folder:{tmp_path}", split="all", image_shape=(20, 20, 1)).arrays["image"][
        ..., 0
    ]
    np.testing.assert_array_equal(turned, np.rot90(np.asarray(upper_black), -1))
    assert (clear == 255).all()
    assert (deep == 100).all()


def test_broken_images_are_named_and_counted(tree):
    for index in range(7):
        (tree / "a" / f"broken{index}.jpg").write_bytes(b"\xff\xd8\xff\xe0 not a jpeg")
    with pytest.warns(
        UserWarning, match=r"skipped 7 of 16 images.*broken0.jpg.*broken4.jpg \(Truncated File Read\), \.\.\.$"
    ):
        source = open_source(f"folder:{tree}", split="all")
    assert source.skipped == [f"a/broken{index}.jpg" for index in range(7)]
    assert source.arrays["label"].tolist() == [0] * 5 + [1] * 4
    with pytest.raises(DataError, match=r"a/broken0.jpg cannot be read .*: repair or remove it"):
        open_source(f"folder:{tree}", split="all", strict=True)


def test_unusable_folders(tmp_path, tree):
    for spec, message in (
        (tmp_path / "none", "no such folder"),
        (tree / "b" / "notes.txt", "not a folder and not a zip archive"),
    ):
        with pytest.raises(DataError, match=message):
            open_source(f"folder:{spec}")
    (tmp_path / "empty").mkdir()
    with pytest.raises(DataError, match="no images in it"):
        open_source(f"folder:{tmp_path / 'empty'}")
    (tmp_path / "empty" / "x.png").write_bytes(b"nothing")
    for arguments in ({}, {"image_shape": (4, 4, 1)}):
        with pytest.raises(
            DataError,
            match=r"none of the 1 images can be read \(first: x.png, not an image, or one of an unknown kind\)",
        ):
            open_source(f"folder:{tmp_path / 'empty'}", split="all", **arguments)
    save(tree / "loose.png")
    with pytest.raises(DataError, match=r"images lie beside .* class folders"):
        open_source(f"folder:{tree}")


def test_large_image_sets_live_in_a_memory_map(tree, monkeypatch):
    expected = open_source(f"folder:{tree}", split="all")
    monkeypatch.setattr(images, "MEMORY_LIMIT", 0)
    mapped = open_source(f"folder:{tree}", split="all", limit=9)
    assert isinstance(mapped.arrays["image"], np.memmap)
    for one, other in zip(expected.batches(4, num_steps=5), mapped.batches(4, num_steps=5), strict=True):
        np.testing.assert_array_equal(one["image"], other["image"])
    assert mapped.batches(4).element_spec["image"].shape == (4, 20, 20, 3)
    assert [len(batch["image"]) for batch in mapped.epoch(4)] == [4, 4, 1]
