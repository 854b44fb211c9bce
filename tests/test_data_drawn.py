"""Sources that need no files: `shapes`, whose factors are known, and `patches`, cut out of photos."""

import hashlib
import re

import numpy as np
import pytest

from kerazoo.cli import main
from kerazoo.data import as_dataset, open_source
from kerazoo.data.patches import scaled, whitened
from kerazoo.data.shapes import ANGLES, COLOURS, FACTORS, SCALES
from kerazoo.utils.errors import DataError


@pytest.fixture(scope="module")
def shapes():
    return open_source("shapes", split="all")


def of(source, **factors):
    """The images of some values of factors, by name."""
    rows = np.ones(len(source), bool)
    for name, value in factors.items():
        rows &= source.arrays[name] == FACTORS[name].index(value)
    return source.arrays["image"][rows]


def test_every_combination_occurs_once_and_splits_share_none(shapes, capsys):
    names = list(FACTORS)
    whole = np.stack([shapes.arrays[name] for name in names], axis=1)
    assert len(whole) == 4 * 6 * 4 * 6 * 9 == len(np.unique(whole, axis=0))
    train, test = (open_source("shapes", split=split) for split in ("train", "test"))
    assert (len(train), len(test)) == (4666, 518)
    parts = np.concatenate([np.stack([part.arrays[name] for name in names], axis=1) for part in (test, train)])
    np.testing.assert_array_equal(parts, whole)
    np.testing.assert_array_equal(shapes.arrays["label"], shapes.arrays["shape"])
    assert np.bincount(test.arrays["label"]).min() > 100
    assert test.info.value_names["colour"] == tuple(COLOURS)
    assert len(open_source("shapes", limit=10)) == 10
    assert main(["info", "shapes"]) == 0
    assert capsys.readouterr().out == (
        "shapes[train]: 4,666 images of 32x32x3, uint8 0..255, 4 classes, with text, shape, colour, scale, angle, row "
        "and column, licence none needed (synthetic)\n"
    )


def test_pictures_show_their_factors(shapes):
    images = shapes.arrays["image"].astype(float)
    ink = (255 - images).sum(-1)
    # Place: the centre of mass lies in its cell of the grid.
    mass = ink.sum((1, 2))
    for axis, factor in ((1, "row"), (2, "column")):
        centre = (ink.sum(3 - axis) * np.arange(32)).sum(1) / mass
        cells = 32 * np.array([0.28, 0.5, 0.72])[shapes.arrays[factor]]
        np.testing.assert_allclose(centre, cells - 0.5, atol=0.6)
    # Colour: the darkest pixel is pure.
    darkest = images.reshape(len(images), -1, 3)[np.arange(len(images)), ink.reshape(len(ink), -1).argmax(1)]
    np.testing.assert_array_equal(darkest, np.array(list(COLOURS.values()))[shapes.arrays["colour"]])
    # Scale: the covered area grows with its square.
    covered = {scale: (255 - of(shapes, scale=scale, shape="square", colour="blue")[..., 0]).mean() for scale in SCALES}
    for scale, half in SCALES.items():
        assert covered[scale] / (255 - COLOURS["blue"][0]) == pytest.approx((2 * 0.8 * half) ** 2, rel=0.03)
    # Shape and angle: all pictures differ.
    assert len(np.unique(shapes.arrays["image"].reshape(len(images), -1), axis=0)) == len(images)


def test_a_turned_ellipse_leans_by_its_angle(shapes):
    y, x = np.mgrid[31:-1:-1, :32].astype(float)
    middle = {"shape": "ellipse", "colour": "blue", "scale": "large", "row": "middle", "column": "middle"}
    for angle in ANGLES:
        (picture,) = of(shapes, angle=str(angle), **middle)
        weight = 255.0 - picture[..., 0]
        dx, dy = x - (x * weight).sum() / weight.sum(), y - (y * weight).sum() / weight.sum()
        leaning = 0.5 * np.degrees(np.arctan2(2 * (dx * dy * weight).sum(), ((dx**2 - dy**2) * weight).sum()))
        assert leaning == pytest.approx(angle, abs=2)


def test_captions_name_the_factors(shapes):
    for row in range(0, len(shapes), 501):
        values = {name: FACTORS[name][shapes.arrays[name][row]] for name in FACTORS}
        text = shapes.arrays["text"][row]
        assert f"a {values['scale']} {values['colour']} {values['shape']} " in text
        assert (f"turned by {values['angle']} degrees" in text) == (values["angle"] != "0")
    assert len(set(shapes.arrays["text"])) == len(shapes)
    assert set(as_dataset("shapes", batch_size=8)[0].element_spec) == {"image", "label", *FACTORS}


def test_pictures_are_the_same_everywhere_and_drawn_at_any_size(shapes):
    digest = hashlib.sha256(open_source("shapes", split="test").arrays["image"].tobytes()).hexdigest()
    assert digest[:16] == DIGEST
    large = open_source("shapes", split="test", image_shape=(64, 96, 3), limit=50)
    assert large.arrays["image"].shape == (50, 64, 96, 3)
    grey = open_source("shapes", split="test", image_shape=(32, 32, 1), limit=50).arrays["image"]
    colour = open_source("shapes", split="test", limit=50).arrays["image"] @ np.array([0.299, 0.587, 0.114])
    assert abs(grey[..., 0] - colour).max() <= 1
    assert open_source("shapes", image_shape=lambda own: (16, 16, own[2]), limit=2).info.shapes["image"] == (16, 16, 3)
    with pytest.raises(DataError, match="shapes has no split 'dev': it has train, test, all"):
        open_source("shapes", split="dev")


DIGEST = "ac38d8e36bf630cf"

# Patches


def test_patches_are_cut_from_the_sample_photos(capsys):
    from sklearn.datasets import load_sample_images

    photos = load_sample_images().images
    source = open_source("patches:6", split="test", limit=50)
    views = [np.lib.stride_tricks.sliding_window_view(photo[:, 512:], (6, 6, 3))[:, :, 0] for photo in photos]
    for patch in source.arrays["image"]:
        assert any((view == patch).all(axis=(2, 3, 4)).any() for view in views)  # from the right fifth
    assert (len(open_source("patches")), len(open_source("patches", split="test"))) == (10_000, 1_000)
    assert len(open_source("patches:12,num=7", split="all")) == 7
    np.testing.assert_array_equal(open_source("patches").arrays["image"], open_source("patches:8").arrays["image"])
    assert main(["info", "patches:12"]) == 0
    assert capsys.readouterr().out == (
        "patches:12[train]: 10,000 images of 12x12x3, uint8 0..255, licence CC BY 2.0 (photos by danielbuechele and "
        "vultilion on Flickr)\n"
    )


def test_patches_of_a_source(tmp_path):
    digits = open_source("digits", split="test").arrays["image"]
    source = open_source("patches:digits,8", split="test")
    assert len(source) == 1000
    assert {patch.tobytes() for patch in source.arrays["image"]} <= {image.tobytes() for image in digits}
    assert "licence CC BY 4.0" in str(source)
    assert open_source("patches:digits,3", image_shape=(5, 5, 3), limit=4).arrays["image"].shape == (4, 5, 5, 3)
    np.savez(tmp_path / "x.npz", x=np.arange(20 * 64).reshape(20, 8, 8) / (20 * 64))
    assert open_source(f"patches:npz:{tmp_path}/x.npz,range=0..2,4,values=scaled").info.dtypes["image"] == "float32"


def test_scaled_values_are_those_of_the_notes():
    rng = np.random.default_rng(0)
    patches = rng.normal(3, 2, (500, 4, 4, 1)) ** 3
    centred = patches - patches.mean((1, 2, 3), keepdims=True)
    bound = 3 * centred.std()
    expected = (np.clip(centred, -bound, bound) / bound + 1) * 0.4 + 0.1
    found = scaled(patches)
    np.testing.assert_allclose(found, expected, atol=1e-6)
    assert found.min() >= 0.1
    assert found.max() == pytest.approx(0.9)
    assert (scaled(np.full((2, 4, 4, 1), 7)) == 0.5).all()
    source = open_source("patches:8,values=scaled", image_shape=(8, 8, 1))
    images = source.arrays["image"]
    assert images.shape == (10_000, 8, 8, 1)
    whole = (images > 0.101).all((1, 2, 3)) & (images < 0.899).all((1, 2, 3))  # nothing was cut off
    assert whole.mean() > 0.7
    np.testing.assert_allclose(images[whole].mean((1, 2, 3)), 0.5, atol=1e-5)
    as_dataset(source, batch_size=8)


def test_whitening_flattens_the_spectrum():
    photo = open_source("patches:256,num=1", split="all").arrays["image"][0]
    found = whitened(photo)
    assert found.shape == (256, 256, 1)
    assert (found.mean(), found.std()) == (pytest.approx(0, abs=1e-6), pytest.approx(1, abs=1e-5))
    frequency = np.hypot(np.fft.fftfreq(256)[:, None], np.fft.fftfreq(256)[None])

    def slope(image):
        power = np.abs(np.fft.fft2(image)) ** 2
        bands = [power[(frequency >= low) & (frequency < 2 * low)].mean() for low in (1 / 64, 1 / 32, 1 / 16, 1 / 8)]
        return np.polyfit(range(4), np.log2(bands), 1)[0]

    grey = photo @ np.array([0.299, 0.587, 0.114])
    assert slope(grey) < -1.5
    assert abs(slope(found[..., 0])) < 0.6
    source = open_source("patches:8,values=whitened")
    assert source.info.shapes["image"] == (8, 8, 1)
    assert source.info.value_range == (pytest.approx(0.1), pytest.approx(0.9))


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("patches:", "'patches:' does not say which: write patches:SOURCE,SIZE"),
        ("patches:digits", "write patches:SOURCE,SIZE or patches:SIZE, such as patches:folder:photos,8"),
        ("patches:digits,9", "patches of 9x9 do not fit into images of 8x8"),
        ("patches:0", "SIZE = 0: an integer of at least 1 is expected"),
        ("patches:ring,2", "ring holds points, not images"),
        ("patches:8,values=odd", "values=odd: one of raw, scaled, whitened is expected"),
        ("patches:8,num=0", "num = 0: an integer of at least 1"),
        ("patches:8,num=x", "num = 'x': an integer of at least 1"),
        ("patches:8,size=3", "no option 'size': it takes values=raw|scaled|whitened, num=NUMBER"),
    ],
)
def test_wrong_patches(spec, message):
    with pytest.raises(DataError, match=re.escape(message)) as caught:
        open_source(spec)
    assert "\n" not in str(caught.value)
    with pytest.raises(DataError, match="patches has no split 'dev': it has train, test, all"):
        open_source("patches", split="dev")
