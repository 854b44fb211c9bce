"""Two domains without pairs: what batches hold, the coloured twin, and the lines that wrong specs fail with."""

import numpy as np
import pytest
import tensorflow as tf

from kerazoo.data import Unpaired, from_arrays, open_source
from kerazoo.data.unpaired import INK, twin_of
from kerazoo.tasks.grids import save_png
from kerazoo.utils.errors import DataError


def numbered(num, first=0):
    """Images of one pixel that hold their own number."""
    images = np.arange(first, first + num, dtype=np.uint8).reshape(num, 1, 1, 1)
    return from_arrays({"image": images, "label": np.arange(num) % 3})


def numbers(batches, domain):
    return np.concatenate([batch[domain].numpy().ravel() for batch in batches]).tolist()


def test_batches_draw_each_domain_in_an_order_of_its_own():
    source = Unpaired(numbered(12), numbered(12, 100))
    assert (len(source), source.num_batches(4)) == (12, 3)
    stream = list(source.batches(4, seed=1, num_steps=3))
    a, b = numbers(stream, "a"), numbers(stream, "b")
    assert sorted(a) == list(range(12))  # every image once in an epoch
    assert sorted(b) == list(range(100, 112))
    assert [x - 100 for x in b] != a
    later = source.batches(4, seed=1, start_step=1, num_steps=2)
    assert numbers(later, "b") == b[4:]
    assert numbers(source.batches(4, seed=2, num_steps=3), "a") != a
    halves = [numbers(source.batches(4, seed=1, num_steps=1, shard=(i, 2)), "b") for i in range(2)]
    assert halves[0] + halves[1] == b[:4]
    policy = source.batches(4, shard=(0, 2)).options().experimental_distribute.auto_shard_policy
    assert policy == tf.data.experimental.AutoShardPolicy.OFF


def test_domains_of_different_lengths():
    source = Unpaired(numbered(3), numbered(7, 100))
    assert len(source) == 7
    epoch = list(source.epoch(3))
    assert numbers(epoch, "a") == [0, 1, 2, 0, 1, 2, 0]
    assert numbers(epoch, "b") == list(range(100, 107))
    taken = source.take(5)
    assert (len(taken.a), len(taken.b), len(taken)) == (3, 5, 5)
    drawn = source.sample(3, seed=1)
    assert sorted(drawn["a"].ravel()) == [0, 1, 2]
    assert len(set(drawn["b"].ravel())) == 3
    with pytest.raises(DataError, match=r"4 distinct examples asked of arrays\[all\], which has 3"):
        source.sample(4)
    assert str(source) == "unpaired[all]: 3 and 7 images of 1x1x1, uint8 0..255, licence the user's own"


def test_twins_are_disjoint_and_the_twin_can_be_undone():
    digits = open_source("digits").arrays
    twins = open_source("twins:digits")
    assert (len(twins.a), len(twins.b)) == (719, 718)
    np.testing.assert_array_equal(twins.arrays["a"], np.repeat(digits["image"][0::2], 3, axis=-1))
    np.testing.assert_array_equal(255 - twins.arrays["b"].min(axis=-1, keepdims=True), digits["image"][1::2])
    np.testing.assert_array_equal(twins.b.arrays["label"], digits["label"][1::2])
    for domain, rows in (("a", digits["image"][0::2]), ("b", digits["image"][1::2])):
        grey = twins.to_class_images[domain](twins.arrays[domain] / np.float32(255))
        np.testing.assert_allclose(grey, rows / np.float32(255), atol=1e-6)
    assert twins.info.class_names == open_source("digits").info.class_names
    assert twins.take(10).to_class_images is twins.to_class_images
    assert open_source("twins:digits", split="test", limit=5).arrays["b"].shape == (5, 8, 8, 3)
    assert open_source("twins:digits", image_shape=(16, 16, 1)).arrays["b"].shape == (718, 16, 16, 1)


def test_the_twin_is_ink_on_white_paper():
    x = np.linspace(0, 1, 5, dtype=np.float32)[:, None] * np.ones(3, np.float32)
    np.testing.assert_allclose(twin_of(x)[[0, -1]], [[1, 1, 1], INK], atol=1e-7)
    np.testing.assert_allclose(twin_of(x), 1 - x * (1 - np.float32(INK)))
    grey = x[:, :1]
    np.testing.assert_allclose(twin_of(grey), 1 - grey)


def test_folders_of_colour_pictures(tmp_path):
    from PIL import Image

    rng = np.random.default_rng(0)
    for name, num, size in (("cats, big", 6, 9), ("dogs", 4, 12)):
        for i in range(num):
            picture = Image.fromarray(rng.integers(0, 256, (size, size, 3), dtype=np.uint8))
            save_png(picture, tmp_path / name / f"{i}.png")
    spec = f"unpaired:folder:{tmp_path}/cats, big,folder:{tmp_path}/dogs"
    source = open_source(spec, split="all")
    assert source.info.name == spec
    assert source.info.shapes == {"a": (9, 9, 3), "b": (9, 9, 3)}
    assert (len(source.a), len(source.b), source.to_class_images) == (6, 4, None)
    assert next(iter(open_source(spec, split="all", image_shape=(8, 8, 1)).batches(2)))["b"].shape == (2, 8, 8, 1)
    twins = open_source(f"twins:folder:{tmp_path}/dogs", split="all")
    colour = twins.to_class_images["b"](twins.arrays["b"] / np.float32(255))
    original = open_source(f"folder:{tmp_path}/dogs", split="all").arrays["image"][1::2]
    np.testing.assert_allclose(colour, original / 255, atol=5e-3)


@pytest.mark.parametrize(
    ("spec", "message"),
    [
        ("unpaired:digits", "does not name two sources: write --data unpaired:folder:PATH_A,folder:PATH_B"),
        ("unpaired:digits,digits,digits", "does not name two sources"),
        ("unpaired:digits,ring", "ring holds 2-D points where images"),
        ("unpaired:ring,digits", "domain a, ring, holds points, not images"),
        ("unpaired:", "does not say which: write unpaired:A,B"),
        ("twins:ring", "two images or more are needed"),
        ("twins:twins:digits", "two images or more are needed"),
        ("twins:digits[:1]", "nothing may follow|unknown data source"),
    ],
)
def test_wrong_specs(spec, message):
    with pytest.raises(Exception, match=message) as caught:
        open_source(spec)
    assert "\n" not in str(caught.value)


def test_images_of_two_kinds_are_refused():
    with pytest.raises(DataError, match=r"images of uint8 \(1, 1, 1\) and uint8 \(2, 2, 1\): open it with image_shape"):
        Unpaired(numbered(2), from_arrays(np.zeros((2, 2, 2, 1), "uint8")))
    with pytest.raises(DataError, match="seed = -1"):
        Unpaired(numbered(2), numbered(2)).batches(2, seed=-1)
