"""`paired:`: files matched by name whatever their suffix, what has no partner, splits, and the real OpenMoji pairs."""

import os
import zipfile

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

from kerazoo.data import Paired, as_dataset, augmented, from_arrays, open_source, rescaled
from kerazoo.utils.errors import DataError


def save(path, value, size=(6, 6), mode="RGB"):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new(mode, size, value).save(path)


def make(folder, values, suffix, scale=1, **kwargs):
    """Images named after their value, which `scale` multiplies."""
    for value in values:
        colour = (value * scale,) * 3 if kwargs.get("mode", "RGB") == "RGB" else value * scale
        save(folder / f"{value}.{suffix}", colour, **kwargs)


def opened(a, b, **arguments):
    return open_source(f"paired:folder:{a},folder:{b}", **arguments)


def values(source):
    return {side: source.arrays[side][:, 0, 0, 0].tolist() for side in ("a", "b")}


def test_pairs_have_one_name_and_batches_keep_them_together(tmp_path):
    make(tmp_path / "a", range(1, 51), "png")
    make(tmp_path / "b", range(1, 51), "bmp", scale=5)
    parts = [opened(tmp_path / "a", tmp_path / "b", split=split) for split in ("train", "test", "all")]
    assert [len(parts[0]) + len(parts[1]), len(parts[2])] == [50, 50]
    for part in parts:
        found = values(part)
        assert [5 * value for value in found["a"]] == found["b"]
    assert sorted(values(parts[0])["a"] + values(parts[1])["a"]) == list(range(1, 51))
    assert values(parts[1])["a"] == values_of(open_source(f"folder:{tmp_path / 'a'}", split="test"))
    for batch in augmented(parts[0], "flip,crop").batches(8, num_steps=9):
        np.testing.assert_array_equal(batch["a"] * 5, batch["b"])
    drawn = parts[0].sample(5, seed=1)
    np.testing.assert_array_equal(drawn["a"] * 5, drawn["b"])
    first = parts[2].take(7)
    assert (type(first), len(first), len(first.a), len(first.b)) == (Paired, 7, 7, 7)
    assert len(opened(tmp_path / "a", tmp_path / "b", limit=3)) == 3
    text = "50 pairs of images of 6x6x3, uint8 0..255"
    assert text in str(parts[2])
    assert parts[2].names[0] == "1"


def values_of(source):
    return source.arrays["image"][:, 0, 0, 0].tolist()


def test_what_has_no_partner_is_counted_and_named(tmp_path):
    make(tmp_path / "a", range(1, 8), "png")
    make(tmp_path / "b", range(3, 20), "png")
    line = (
        r"left out what has no partner: 2 images only in a: 1\.png, 2\.png; 12 images only in b: 10\.png, .*, \.\.\.$"
    )
    with pytest.warns(UserWarning, match=line):
        source = opened(tmp_path / "a", tmp_path / "b", split="all")
    assert values(source) == {"a": [3, 4, 5, 6, 7], "b": [3, 4, 5, 6, 7]}
    with pytest.raises(DataError, match=line):
        opened(tmp_path / "a", tmp_path / "b", split="all", strict=True)
    (tmp_path / "b" / "5.png").write_bytes(b"broken")
    (tmp_path / "a" / "3.png").write_bytes(b"broken")
    with pytest.warns(UserWarning, match="cannot be read"):
        source = opened(tmp_path / "a", tmp_path / "b", split="all")
    assert values(source) == {"a": [4, 6, 7], "b": [4, 6, 7]}
    assert source.skipped == ["3.png", "5.png"]


def test_split_folders_in_a_zip_and_the_same_name_in_two_splits(tmp_path):
    for side, scale in (("a", 1), ("b", 9)):
        for split, numbers in (("train", (1, 2, 3)), ("val", (1, 4))):
            make(tmp_path / side / split / "sub", numbers, "png", scale)
            make(tmp_path / side / split / "other", numbers, "png", scale * 2)
    with zipfile.ZipFile(tmp_path / "b.zip", "w") as archive:
        for path in sorted((tmp_path / "b").rglob("*.png")):
            archive.write(path, path.relative_to(tmp_path / "b"))
    source = opened(tmp_path / "a", tmp_path / "b.zip", split="validation")
    assert values(source) == {"a": [2, 8, 1, 4], "b": [18, 72, 9, 36]}
    assert source.info.class_names == ("other", "sub")
    assert source.arrays["label"].tolist() == [0, 0, 1, 1]
    assert len(opened(tmp_path / "a", tmp_path / "b.zip", split="all")) == 10
    with pytest.raises(DataError, match="has no split 'test': it has all, train, validation"):
        opened(tmp_path / "a", tmp_path / "b.zip", split="test")
    # A side without split folders follows the other's.
    make(tmp_path / "flat" / "sub", (2, 3, 4), "png", 7)
    make(tmp_path / "flat" / "other", (2, 3, 4), "png", 7)
    make(tmp_path / "c" / "train" / "sub", (2, 3), "png")
    make(tmp_path / "c" / "test" / "sub", (4,), "png")
    make(tmp_path / "c" / "test" / "other", (2, 3, 4), "png")
    for one, other in (("c", "flat"), ("flat", "c")):
        parts = [len(opened(tmp_path / one, tmp_path / other, split=split)) for split in ("train", "test", "all")]
        assert parts == [2, 4, 6]


def test_grey_outlines_and_colours_get_one_shape(tmp_path):
    make(tmp_path / "a", (1, 2), "png", mode="L", size=(8, 6))
    make(tmp_path / "b", (1, 2), "png", size=(20, 20))
    source = opened(tmp_path / "a", tmp_path / "b", split="all")
    assert source.info.shapes == {"a": (6, 6, 3), "b": (6, 6, 3)}
    assert opened(tmp_path / "a", tmp_path / "b", split="all", image_shape=(4, 4, 1)).info.shapes["b"] == (4, 4, 1)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("paired:digits", r"does not name two sources: write --data paired:folder:PATH_A,folder:PATH_B"),
        ("paired:digits,digits", r"digits has no file names to pair by: write --data paired:folder"),
        (
            "paired:folder:a,folder:other",
            r"no file names in common \(first of each: '1' and '7'\): name the files of a",
        ),
        ("paired:folder:twice,folder:a", r"two files of one name: 1\.bmp, 1\.png; give each pair a name of its own"),
    ],
)
def test_wrong_pairs(here, spec, message):
    make(here / "a", (1, 2), "png")
    make(here / "other", (7, 8), "png")
    make(here / "twice", (1,), "png")
    make(here / "twice", (1,), "bmp")
    with pytest.raises(DataError, match=message) as caught:
        open_source(spec, split="all")
    assert "\n" not in str(caught.value)


def test_pairs_of_arrays_are_checked():
    images = from_arrays(np.zeros((3, 4, 4, 3), "uint8"))
    with pytest.raises(
        DataError, match="images that cannot be paired, 3 of 4x4 and 2 of 4x4: give as many of one size"
    ):
        Paired(images, images.take(2))
    with pytest.raises(DataError, match="side b, arrays, holds points, not images"):
        Paired(images, from_arrays(np.zeros((3, 2), "float32")))
    with pytest.raises(DataError, match="a column called 'b' would hide the images of that side: rename it"):
        Paired(images, from_arrays({**images.arrays, "b": np.arange(3)}))


@pytest.mark.skipif(
    not os.path.isfile(os.path.join(os.environ.get("KERAZOO_DATA_DIR", ""), "openmoji_line.zip")),
    reason="needs KERAZOO_DATA_DIR set to a folder with openmoji_line.zip and openmoji_color.zip",
)
@pytest.mark.filterwarnings("ignore:.*LICENSE")
def test_openmoji_pairs(here):
    spec = "paired:folder:openmoji_line.zip,folder:openmoji_color.zip"
    source = open_source(spec, split="test")
    assert str(source).startswith(f"{spec}[test]: 440 pairs of images of 64x64x3, uint8 0..255, ")
    dark = source.arrays["a"].max(axis=-1) < 64
    # Where the outline is black, the coloured picture is too, nearly always.
    assert (source.arrays["b"].max(axis=-1) < 96)[dark].mean() > 0.9
    assert (np.roll(source.arrays["b"], 200, axis=0).max(axis=-1) < 96)[dark].mean() < 0.5
    # Captions do not reach compiled steps.
    stream, steps = as_dataset(spec, key="a", batch_size=8)
    assert steps == 458
    assert "text" not in stream.element_spec
    assert {"a", "b", "label", "skin_tone"} <= set(stream.element_spec)


# Images of another range


def test_rescaled_takes_what_fit_takes():
    images = np.linspace(0, 255, 32, dtype="float32").reshape(2, 4, 4, 1)
    labels = np.arange(2)
    np.testing.assert_allclose(rescaled(images), images / 255)
    np.testing.assert_allclose(rescaled(images / 127.5 - 1, (-1, 1)), images / 255, atol=1e-6)
    found, kept = rescaled((images, labels))
    assert kept is labels
    np.testing.assert_allclose(found, images / 255)
    assert set(rescaled({"image": images, "label": labels})) == {"image", "label"}
    pairs = rescaled({"a": images, "b": 2 * images}, key=("a", "b"), image_range=(0, 510))
    np.testing.assert_allclose(pairs["b"], 2 * pairs["a"])
    assert rescaled(images.astype("uint8")).dtype == np.uint8
    np.testing.assert_allclose(rescaled(tf.constant(images)).numpy(), images / 255)
    source = rescaled(from_arrays({"image": images, "label": labels}))
    assert (source.info.value_range, source.info.dtypes["image"]) == ((0.0, 1.0), "float32")
    for elements, part in (
        (images, lambda x: x),
        ((images, labels), lambda x: x[0]),
        ({"image": images}, lambda x: x["image"]),
    ):
        dataset = rescaled(tf.data.Dataset.from_tensor_slices(elements).batch(2))
        np.testing.assert_allclose(part(next(iter(dataset))).numpy(), images / 255, rtol=1e-6)
    with pytest.raises(DataError, match=r"no entry 'image' to rescale \(there are: x\): name it with key="):
        rescaled({"x": images})
    for bounds in ((1, 0), (0, np.inf), 255, ("a", "b"), (0, 1, 2)):
        with pytest.raises(DataError, match="two numbers, the lower one first"):
            rescaled(images, bounds)


def test_keras_image_folders_train_after_rescaling(tmp_path):
    import keras

    import kerazoo

    for name in ("cat", "dog"):
        for index in range(6):
            save(tmp_path / name / f"{index}.png", (index * 50, 0, 255), size=(16, 16))
    how = {"image_size": (16, 16), "batch_size": 4, "color_mode": "grayscale", "verbose": False}
    dataset = keras.utils.image_dataset_from_directory(tmp_path, **how)
    model = kerazoo.create("dcgan", image_shape=(16, 16, 1), filters=2, latent_dim=4, kernel_size=3)
    model.compile(seed=0)
    with pytest.raises(DataError, match=r"divide by 255, or use kerazoo\.data\.rescaled\(data\)"):
        model.fit(dataset, verbose=0)
    history = model.fit(rescaled(dataset), verbose=0)
    assert all(np.isfinite(values).all() for values in history.history.values())
