"""Files that folders and texts must survive: links, pipes, encryption, odd names, bombs. Each is used or named."""

import gzip
import io
import os
import subprocess
import sys
import time
import tracemalloc
import zipfile
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from kerazoo.data import decoding, open_source
from kerazoo.data.paths import walk
from kerazoo.utils.errors import DataError


def encoded(colour=(200, 100, 50), kind="PNG", size=(8, 8), mode="RGB"):
    file = io.BytesIO()
    Image.new("RGB", size, colour).convert(mode).save(file, kind)
    return file.getvalue()


@pytest.fixture
def photos(tmp_path):
    """A folder of three images."""
    folder = tmp_path / "photos"
    folder.mkdir()
    for index in range(3):
        (folder / f"{index}.png").write_bytes(encoded((index, 0, 0)))
    return folder


def opened(path, **arguments):
    return open_source(f"folder:{path}", split="all", **arguments)


def test_names_that_are_not_utf8_are_used_and_named(tmp_path):
    for name in (b"caf\xe9", b"\xff\xfe"):
        folder = os.path.join(os.fsencode(tmp_path), name)
        os.mkdir(folder)
        for index in range(20):
            with open(os.path.join(folder, b"\xe9%d.png" % index), "wb") as file:
                file.write(encoded())
        with open(os.path.join(folder, b"broken\xe9.png"), "wb") as file:
            file.write(b"nothing")
    with pytest.warns(UserWarning, match=r"skipped 2 of 42 images .*: caf\\xe9/broken\\xe9.png \(not an image"):
        source = opened(tmp_path)
    assert source.info.class_names == ("caf\\xe9", "\\xff\\xfe")
    assert source.skipped == ["caf\\xe9/broken\\xe9.png", "\\xff\\xfe/broken\\xe9.png"]
    with pytest.warns(UserWarning, match="skipped"):
        parts = [len(open_source(f"folder:{tmp_path}", split=split)) for split in ("train", "test")]
    assert sum(parts) == 40
    os.rename(tmp_path / os.fsdecode(b"caf\xe9"), inner := tmp_path / os.fsdecode(b"l\xe0"))
    with pytest.warns(UserWarning, match=r"l\\xe0: skipped 1 of 21"):
        assert "l\\xe0[all]: 20 images" in str(opened(inner))


def test_paths_that_cannot_be_opened_and_folders_with_commas(tmp_path, here):
    with pytest.raises(DataError, match=r"cannot be opened \(File name too long\)"):
        open_source(f"folder:{tmp_path}/{'x' * 300}")
    (here / "run,seed=1").mkdir()
    (here / "run,seed=1" / "1.png").write_bytes(encoded())
    assert len(opened("run,seed=1")) == 1


def test_links_in_circles_give_each_image_once(photos, tmp_path):
    (photos / "around").symlink_to(photos)
    (photos / "outside").symlink_to(tmp_path)
    (tmp_path / "more").mkdir()
    (tmp_path / "more" / "back").symlink_to(photos)
    (tmp_path / "more" / "m.png").write_bytes(encoded())
    (photos / "more").symlink_to(tmp_path / "more")
    files, left_out = walk(photos)
    assert sorted(map(str, files)) == ["0.png", "1.png", "2.png", "more/m.png"]
    assert {str(path): reason for path, reason in left_out.items()} == {
        "around": "a link to a folder that is read already, the top",
        "outside": "a link to a folder that holds this one",
        "more/back": "a link to a folder that is read already, the top",
    }
    (photos / "more").unlink()
    with pytest.warns(UserWarning, match=r"left out 2 files that cannot be used: around \(a link to a folder that is"):
        assert len(opened(photos)) == 3
    with pytest.raises(DataError, match=r"files that cannot be used: around \(a link .*; repair or remove them"):
        opened(photos, strict=True)


def test_links_to_files_and_folders_elsewhere_are_followed(photos, tmp_path):
    (tmp_path / "set" / "train").mkdir(parents=True)
    (tmp_path / "set" / "train" / "cat").symlink_to(photos)
    (tmp_path / "set" / "train" / "dog").mkdir()
    (tmp_path / "set" / "train" / "dog" / "d.png").symlink_to(photos / "1.png")
    source = opened(tmp_path / "set")
    assert source.arrays["label"].tolist() == [0, 0, 0, 1]
    (photos / "gone.png").symlink_to(photos / "nowhere.png")
    with pytest.warns(UserWarning, match=r"gone\.png \(a link that leads nowhere\)"):
        assert len(opened(photos)) == 3


def test_pipes_and_devices_do_not_hang(photos):
    os.mkfifo(photos / "pipe.png")
    (photos / "device.jpg").symlink_to("/dev/zero")
    with pytest.warns(UserWarning, match=r"cannot be used: device.jpg \(a device\), pipe.png \(a pipe\)"):
        assert opened(photos).skipped == ["device.jpg", "pipe.png"]
    os.mkfifo(photos / "text.txt")
    for spec, kind in (
        (f"folder:{photos}/pipe.png", "a pipe"),
        (f"text:{photos}/text.txt", "a pipe"),
        ("text:/dev/zero", "a device"),
    ):
        with pytest.raises(DataError, match=f"is {kind} where a file is expected$"):
            open_source(spec)
    (photos / "a.txt").write_text("a" * 100)
    with pytest.warns(UserWarning, match=r"left out 1 file that cannot be used: text.txt \(a pipe\)"):
        assert len(open_source(f"text:{photos}", split="all")) == 1


def test_images_are_known_by_their_content(photos):
    (photos / "3.jfif").write_bytes(encoded(kind="JPEG"))
    (photos / "4.avif").write_bytes(encoded(kind="AVIF"))
    (photos / "5").write_bytes(encoded(kind="GIF"))
    (photos / "6.photo").write_bytes(encoded(kind="TIFF"))
    (photos / "7.heic").write_bytes(b"\0\0\0\x18ftypheic" + b"\0" * 40)
    (photos / "8.svg").write_text("<svg/>")
    (photos / "BMW is a car.note").write_text("BM" * 40)
    (photos / "README").write_text("x")
    with pytest.warns(UserWarning, match="left out") as caught:
        source = opened(photos)
    assert len(source) == 7
    assert source.skipped == ["7.heic", "8.svg"]
    lines = [str(warning.message).partition(": ")[2] for warning in caught]
    assert lines == [
        "left out 2 files with no image in it: BMW is a car.note, README",
        "skipped 2 of 9 images that cannot be read: 7.heic (HEIC files are not supported: convert it to PNG), "
        "8.svg (SVG files are not supported: convert it to PNG)",
    ]
    with (
        pytest.raises(DataError, match=r"7\.heic cannot be read \(HEIC files are not supported: convert it to PNG\)"),
        pytest.warns(UserWarning, match="README"),
    ):
        opened(photos, strict=True)


def encrypted(path, names):
    """A zip archive whose entries say that they are encrypted."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in names:
            archive.writestr(name, encoded())
    data = bytearray(path.read_bytes())
    for mark, offset in ((b"PK\x03\x04", 6), (b"PK\x01\x02", 8)):
        at = data.find(mark)
        while at >= 0:
            data[at + offset] |= 1
            at = data.find(mark, at + 1)
    path.write_bytes(data)


def test_archives_say_why_their_files_cannot_be_used(tmp_path):
    encrypted(tmp_path / "secret.zip", ["a.png", "b.png"])
    with (
        pytest.raises(DataError, match=r"no images in it .*a\.png \(encrypted: unpack the archive with its password"),
        pytest.warns(UserWarning, match="encrypted"),
    ):
        opened(tmp_path / "secret.zip")
    with zipfile.ZipFile(tmp_path / "some.zip", "w") as archive:
        archive.writestr("a.png", encoded())
        link = zipfile.ZipInfo("b.png")
        link.external_attr = 0o120777 << 16
        archive.writestr(link, "a.png")
    with pytest.warns(UserWarning, match=r"b\.png \(a link in an archive\)"):
        assert len(opened(tmp_path / "some.zip")) == 1
    whole = (tmp_path / "some.zip").read_bytes()
    (tmp_path / "half.zip").write_bytes(whole[: len(whole) // 3] + whole[-22:])
    with pytest.raises(DataError, match=r"the zip archive is damaged|not a zip archive"):
        opened(tmp_path / "half.zip")


def test_paths_of_windows_and_absolute_ones_in_archives(tmp_path):
    with zipfile.ZipFile(tmp_path / "w.zip", "w") as archive:
        for name in ("set\\cat\\1.png", "/set/dog/2.png"):
            entry = zipfile.ZipInfo("x")
            entry.filename = name  # as it is written, whatever the system's separator
            archive.writestr(entry, encoded())
    source = opened(tmp_path / "w.zip")
    assert (source.info.class_names, source.arrays["label"].tolist()) == (("cat", "dog"), [0, 1])


def test_an_error_ends_the_reading_at_once(photos, monkeypatch):
    for index in range(400):
        (photos / f"a{index:03}.png").write_bytes(encoded() if index else b"broken")
    seen = []
    monkeypatch.setattr(
        decoding, "_fitted", lambda image, *shape: seen.append(image) or time.sleep(0.01) or image.resize((8, 8))
    )
    with pytest.raises(DataError, match=r"a000\.png cannot be read"):
        opened(photos, strict=True, image_shape=(8, 8, 3))
    assert len(seen) < 100


@pytest.mark.parametrize(
    ("values", "kind", "expected"),
    [
        (np.full((8, 8), 200, "int32"), "TIFF", 200),
        (np.full((8, 8), 200 * 257, "uint16"), "TIFF", 200),
        (np.full((8, 8), 255 * 257, "uint16"), "PNG", 255),
        (np.full((8, 8), 70_000, "int32"), "TIFF", "32-bit values from 70000 to 70000 have no known range"),
        (np.full((8, 8), -1, "int32"), "TIFF", "32-bit values from -1 to -1 have no known range"),
        (np.full((8, 8), 0.5, "float32"), "TIFF", "floating-point images have no known range"),
    ],
)
def test_many_bits(values, kind, expected):
    file = io.BytesIO()
    Image.fromarray(values).save(file, kind)
    if isinstance(expected, int):
        assert (decoding.decode_image(file.getvalue(), (4, 4, 3)) == expected).all()
    else:
        with pytest.raises(ValueError, match=expected):
            decoding.decode_image(file.getvalue(), (4, 4, 3))


def test_orientation_transparency_and_other_shapes():
    rng = np.random.default_rng(0)
    pixels = rng.integers(0, 256, (12, 20, 3), dtype=np.uint8)
    upright = decoding.decode_image(save(pixels), (6, 6, 3))
    for orientation, back in (
        (3, lambda x: np.rot90(x, 2)),
        (6, lambda x: np.rot90(x, 1)),
        (8, lambda x: np.rot90(x, -1)),
    ):
        exif = Image.Exif()
        exif[0x0112] = orientation
        turned = decoding.decode_image(save(np.ascontiguousarray(back(pixels)), exif=exif), (6, 6, 3))
        np.testing.assert_array_equal(turned, upright)
        assert decoding.image_size(save(np.ascontiguousarray(back(pixels)), exif=exif))[:2] == (20, 12)
    half = np.full((8, 8, 4), (0, 0, 0, 128), "uint8")
    assert set(decoding.decode_image(save(half), (4, 4, 1)).ravel()) == {127}
    palette = Image.new("P", (8, 8), 1)
    palette.putpalette([9, 9, 9, 1, 2, 3])
    file = io.BytesIO()
    palette.save(file, "PNG", transparency=1)
    assert (decoding.decode_image(file.getvalue(), (4, 4, 3)) == 255).all()


def save(pixels, **kwargs):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, "PNG", **kwargs)
    return file.getvalue()


def test_bombs_are_named_and_large_images_take_turns(photos, monkeypatch):
    monkeypatch.setattr(decoding, "MAX_PIXELS", 10_000)
    (photos / "bomb.png").write_bytes(encoded(size=(200, 51)))
    (photos / "large.png").write_bytes(encoded(size=(200, 50)))
    (photos / "large.jpg").write_bytes(encoded(kind="JPEG", size=(600, 600)))
    with pytest.warns(
        UserWarning, match=r"skipped 1 of 6 images .*bomb\.png \(200 x 51 pixels, more than 10,000: make it smaller\)"
    ):
        assert len(opened(photos, image_shape=(8, 8, 3))) == 5
    inside, most = [], []
    fitted = decoding._fitted

    def watched(image, *shape):
        inside.append(image)
        most.append(len(inside))
        result = fitted(image, *shape)
        inside.pop()
        return result

    monkeypatch.setattr(decoding, "_fitted", watched)
    monkeypatch.setattr(decoding, "_LARGE_PIXELS", 0)
    with pytest.warns(UserWarning, match="bomb"):
        opened(photos, image_shape=(8, 8, 3))
    assert most == [1] * 5


MEASURE = """
import resource, sys, warnings
from kerazoo.data import open_source
warnings.simplefilter("ignore")
before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
source = open_source("folder:" + sys.argv[1], split="all", image_shape=(32, 32, 3))
print(len(source), (resource.getrusage(resource.RUSAGE_SELF).ru_maxrss - before) // 1024)
"""


def test_large_transparent_images_take_the_memory_of_one(tmp_path):
    data = encoded(size=(4000, 4000), mode="RGBA")  # 64 MB each, once decoded
    for index in range(4):
        (tmp_path / f"{index}.png").write_bytes(data)
    environment = os.environ | {"PYTHONPATH": str(Path(__file__).parents[1])}
    command = [sys.executable, "-c", MEASURE, str(tmp_path)]
    result = subprocess.run(command, capture_output=True, text=True, check=True, env=environment)
    num, megabytes = map(int, result.stdout.split())
    assert num == 4
    assert megabytes < 220  # one image, its copy for resizing, and Pillow itself


# Texts


@pytest.mark.parametrize(
    ("data", "message"),
    [
        ("Grüße".encode("utf-16"), r"a\.txt is UTF-16, not UTF-8: convert it with iconv -f UTF-16 -t UTF-8"),
        ("\ufeffGrüße".encode("utf-16-be"), "is UTF-16, not UTF-8"),
        ("plain words".encode("utf-16-le"), "is UTF-16LE, not UTF-8: convert it with iconv -f UTF-16LE"),
        ("plain words".encode("utf-16-be"), "is UTF-16BE, not UTF-8"),
        ("words".encode("utf-32"), "is UTF-32, not UTF-8"),
        (b"abc\0def", r"is not text \(byte 3 is 0\): give a file of UTF-8 text"),
        (encoded(), "is not text|is not UTF-8"),
        (b"caf\xe9", r"is not UTF-8 \(byte 0xe9 in line 1\)"),
    ],
)
def test_texts_in_other_encodings(tmp_path, data, message):
    for name, content in (("a.txt", data), ("a.txt.gz", gzip.compress(data))):
        (tmp_path / name).write_bytes(content)
        with pytest.raises(DataError, match=message.replace("a\\.txt", ".*")) as caught:
            open_source(f"text:{tmp_path / name}")
        assert "\n" not in str(caught.value)


def test_compressed_text_stays_within_bounds(tmp_path):
    bomb = gzip.compress(b"a" * 2**20, 9) * 60  # sixty members: 60 MiB of 60 KB
    (tmp_path / "bomb.txt").write_bytes(bomb)
    tracemalloc.start()
    with pytest.raises(DataError, match=r"bomb\.txt unpacks to more than 22 MiB, a hundred times its size"):
        open_source(f"text:{tmp_path / 'bomb.txt'}")
    assert tracemalloc.get_traced_memory()[1] < 50 * 2**20
    tracemalloc.stop()
    (tmp_path / "two.txt").write_bytes(gzip.compress(b"one, ") + gzip.compress(b"two") + b"\0" * 100)
    assert open_source(f"text:{tmp_path / 'two.txt'}", split="all").arrays["text"].tolist() == ["one, two"]
    (tmp_path / "short.txt").write_bytes(gzip.compress(b"one, two" * 100)[:-9])
    with pytest.raises(DataError, match=r"short\.txt is damaged \(it ends too early\)"):
        open_source(f"text:{tmp_path / 'short.txt'}")
