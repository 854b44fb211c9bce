"""Named sources: their contents, how images are resized, and the lines they fail with."""

import hashlib
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from kerazoo.cli import main
from kerazoo.data import Request, from_arrays, list_sources, names_source, open_source
from kerazoo.data import source as scheme
from kerazoo.utils.errors import DataError, MissingDependencyError, UnknownNameError


def test_arrays_are_checked():
    with pytest.raises(DataError, match="no examples"):
        from_arrays(np.zeros((0, 2)))
    with pytest.raises(DataError, match=r"differ in length \(image has 2, label has 3\)"):
        from_arrays({"image": np.zeros((2, 1, 1, 1)), "label": np.zeros(3)})
    source = from_arrays({"points": np.zeros((10, 2), "float32")})
    with pytest.raises(DataError, match=r"11 distinct examples asked of .* which has 10"):
        source.sample(11)
    assert open_source(source) is source
    assert open_source(source, limit=4).info.num_examples == 4
    assert len(open_source({"points": np.zeros((9, 2))}, limit=100)) == 9


def test_a_scheme_is_registered_with_a_decorator(monkeypatch):
    monkeypatch.setattr("kerazoo.data.schemes._SCHEMES", {})
    seen = []

    @scheme("zeros", "SIZE")
    def open_zeros(request):
        seen.append(request)
        return from_arrays(np.zeros((int(request.argument), 2)), name=request.spec)

    assert len(open_source("zeros:12", split="test", limit=10)) == 10
    assert seen == [Request("zeros:12", "12", "test", None, False, False, 10)]
    assert list_sources() == ["zeros:SIZE"]


@pytest.mark.parametrize(
    ("spec", "arguments", "kind", "message"),
    [
        ("fodler:x", {}, UnknownNameError, "did you mean folder:x.*digits, folder:PATH, grid, .*tfds:NAME"),
        ("mnist", {}, UnknownNameError, "did you mean tfds:mnist"),
        ("tfds:", {}, DataError, "'tfds:' does not say which: write tfds:NAME"),
        ("digits:3", {}, DataError, "nothing may follow digits"),
        ("digits", {"split": "dev"}, DataError, "has no split 'dev': it has train, test, all"),
        ("digits", {"limit": 0}, DataError, "limit = 0: an integer of at least 1 is expected"),
        ("digits", {"limit": -3}, DataError, "limit = -3"),
        ("digits", {"image_shape": (28, 28)}, DataError, r"expected \(height, width, channels\)"),
        ("digits", {"image_shape": (28, 28, 4)}, DataError, r"with 1 \(grey\) or 3 \(RGB\) channels"),
        ("ring", {"image_shape": (8, 8, 1)}, DataError, "ring holds 2-D points where images"),
        (7, {}, DataError, "data of type int"),
    ],
)
def test_wrong_specs(spec, arguments, kind, message):
    with pytest.raises(kind, match=message) as caught:
        open_source(spec, **arguments)
    assert "\n" not in str(caught.value)


def test_info_of_an_unknown_source_lists_sources(capsys, here):
    for name in ("fodler:photos", "digit"):
        assert main(["info", name]) == 1
        assert capsys.readouterr().err.startswith(f"kerazoo: unknown data source '{name}': did you mean ")
    Path("photos.zip").write_bytes(b"")
    assert main(["info", "photos.zip"]) == 1
    assert "did you mean folder:photos.zip? The sources are " in capsys.readouterr().err
    assert [names_source(name) for name in ("ring", "nothing:x", "hf://me/dcgan", "dcgan_mnist")] == [
        True,
        True,
        False,
        False,
    ]


def test_import_is_light():
    code = "import sys, kerazoo.data; print([m for m in sys.argv[1:] if m in sys.modules])"
    heavy = ["tensorflow", "keras", "tensorflow_datasets", "sklearn", "PIL"]
    result = subprocess.run([sys.executable, "-c", code, *heavy], capture_output=True, text=True, check=True)
    assert result.stdout.strip() == "[]"


# Built-in sources


def test_digits_are_those_of_scikit_learn():
    from sklearn.datasets import load_digits

    data = load_digits()
    train, test, both = (open_source("digits", split=split) for split in ("train", "test", "all"))
    assert (len(train), len(test), len(both)) == (1437, 360, 1797)
    pixels = both.arrays["image"][..., 0]
    assert pixels.dtype == np.uint8
    assert (pixels.min(), pixels.max()) == (0, 255)
    np.testing.assert_array_equal(np.rint(pixels / 255 * 16), data.images)
    np.testing.assert_array_equal(test.arrays["label"], data.target[::5])
    expected = "digits[train]: 1,437 images of 8x8x1, uint8 0..255, 10 classes, licence CC BY 4.0"
    assert str(train) == expected


@pytest.mark.parametrize(("spec", "num_modes", "std"), [("ring", 8, 0.02 / 1.414), ("grid", 25, 0.05 / 2.828)])
def test_mixtures(spec, num_modes, std):
    source = open_source(spec)
    points, label, modes = source.arrays["points"], source.arrays["label"], source.info.modes
    assert points.shape == (100_000, 2)
    assert len(open_source(spec, split="test")) == 10_000
    assert modes.std == pytest.approx(std)
    assert np.bincount(label).tolist() == [100_000 // num_modes] * num_modes
    means = np.stack([points[label == mode].mean(0) for mode in range(num_modes)])
    np.testing.assert_allclose(means, modes.centres, atol=5 * std / np.sqrt(100_000 / num_modes))
    assert (points - modes.centres[label]).std() == pytest.approx(std, rel=0.01)
    assert not np.array_equal(points[:100], open_source(spec, split="test", limit=100).arrays["points"])


def test_moons():
    train, test = open_source("moons"), open_source("moons", split="test")
    assert (len(train), len(test), train.arrays["points"].shape[1]) == (100_000, 10_000, 2)
    points, label = train.arrays["points"], train.arrays["label"]
    assert np.bincount(label).tolist() == [50_000, 50_000]
    distance = [
        np.linalg.norm(points[label == moon] - centre, axis=1) for moon, centre in enumerate([(0, 0), (1, 0.5)])
    ]
    assert [d.mean() for d in distance] == pytest.approx([1, 1], abs=0.01)  # both are half circles
    assert [d.std() for d in distance] == pytest.approx([0.1, 0.1], rel=0.02)
    with pytest.raises(DataError, match="moons holds 2-D points where images"):
        open_source("moons", image_shape=(8, 8, 1))


def test_modes_lie_where_the_benchmark_has_them():
    ring, grid = open_source("ring").info.modes.centres, open_source("grid").info.modes.centres
    np.testing.assert_allclose(np.degrees(np.arctan2(ring[:, 1], ring[:, 0])) % 360, np.arange(8) * 45, atol=1e-4)
    np.testing.assert_allclose(np.linalg.norm(ring, axis=1), 2 / 1.414, rtol=1e-6)
    np.testing.assert_allclose(np.unique(grid), np.array([-4, -2, 0, 2, 4]) / 2.828, rtol=1e-6)
    assert len(np.unique(grid, axis=0)) == 25


# Resizing of arrays


def test_arrays_are_resized_cropped_and_converted():
    assert open_source("digits", image_shape=(8, 8, 1)).arrays["image"].shape == (1437, 8, 8, 1)
    wide = np.zeros((3, 8, 16, 3), "uint8")
    wide[:, :, 4:12] = (100, 150, 200)
    fitted = open_source(wide, image_shape=(4, 4, 1)).arrays["image"]
    assert fitted.dtype == np.uint8
    np.testing.assert_array_equal(fitted, round(0.2989 * 100 + 0.587 * 150 + 0.114 * 200))
    grey = open_source(np.full((2, 5, 5, 1), 77, "uint8"), image_shape=(5, 5, 3)).arrays["image"]
    assert grey.shape == (2, 5, 5, 3)
    assert (grey == 77).all()
    # Antialiasing: a fine checkerboard becomes its mean instead of one of its colours.
    board = (np.indices((32, 32)).sum(0) % 2 * 200).astype("uint8")[None, ..., None]
    inner = open_source(board, image_shape=(8, 8, 1)).arrays["image"][0, 1:-1, 1:-1]
    assert abs(inner.astype(int) - 100).max() <= 2
    with pytest.raises(DataError, match="2 channels where 3 are asked for"):
        open_source(np.zeros((2, 5, 5, 2), "uint8"), image_shape=(5, 5, 3))


# TensorFlow Datasets

prepared = pytest.mark.skipif(
    not os.path.isdir(os.path.join(os.environ.get("TFDS_DATA_DIR", ""), "mnist")),
    reason="needs TFDS_DATA_DIR set to a folder with a prepared mnist",
)


def test_tfds_says_how_to_get_what_is_missing(tmp_path, monkeypatch):
    pytest.importorskip("tensorflow_datasets")
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match=r"not prepared in .*--download \(download=True in Python\).*TFDS_DATA_DIR="):
        open_source("tfds:mnist")
    with pytest.raises(UnknownNameError, match="TFDS has no dataset 'mnits'; did you mean mnist"):
        open_source("tfds:mnits")
    with pytest.raises(DataError, match=r"cannot be loaded at version 9\.9\.9"):
        open_source("tfds:mnist:9.9.9")
    monkeypatch.setitem(sys.modules, "tensorflow_datasets", None)
    with pytest.raises(MissingDependencyError, match=r"pip install 'kerazoo\[tfds\]'"):
        open_source("tfds:mnist")


@prepared
def test_mnist_is_bit_exact(capfd):
    from tensorflow_datasets.core.hashing import Hasher

    source = open_source("tfds:mnist")
    assert str(source) == "tfds:mnist[train]: 60,000 images of 28x28x1, uint8 0..255, 10 classes, licence CC BY-SA 3.0"
    assert np.bincount(source.arrays["label"]).tolist() == [5923, 6742, 5958, 6131, 5842, 5421, 5918, 6265, 5851, 5949]
    assert capfd.readouterr().out == ""
    # TFDS stores example i of the original file at the rank of its hash: undo that, and put the file's header back.
    hasher = Hasher("train")
    original = np.argsort(np.array([hasher.hash_key(index) for index in range(60_000)], dtype=object))
    pixels = np.empty_like(source.arrays["image"])
    pixels[original] = source.arrays["image"]
    header = np.array([2051, 60_000, 28, 28], ">i4").tobytes()
    assert hashlib.md5(header + pixels.tobytes()).hexdigest() == "6bbc9ace898e44ae57da46a324031adb"


@prepared
def test_tfds_splits_limit_and_resize():
    first = open_source("tfds:mnist", split="test", limit=700)
    assert len(first) == 700
    sliced = open_source("tfds:mnist", split="test[:700]", image_shape=(32, 32, 3))
    np.testing.assert_array_equal(first.arrays["label"], sliced.arrays["label"])
    resized = open_source(first.arrays, image_shape=(32, 32, 3))
    np.testing.assert_array_equal(resized.arrays["image"], sliced.arrays["image"])
    for split in ("dev", "train[:", "train[70000:]"):
        with pytest.raises(DataError, match=r"it has train \(60,000\), test \(10,000\), and slices such as"):
            open_source("tfds:mnist", split=split)
