"""Augmentation: the arithmetic of each, exact resumption and shards, pairs alike, and what stays as it is."""

import re

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.data import Unpaired, augmented, from_arrays, list_augmentations, open_source
from kerazoo.data.augmentations import AUGMENTATIONS
from kerazoo.utils.errors import DataError, UnknownNameError

PIXELS = np.random.default_rng(0).integers(0, 256, (40, 16, 16, 3), dtype=np.uint8)


def numbered():
    return from_arrays({"image": PIXELS, "label": np.arange(40)}, split="train")


def apply(name, images, *rows):
    function, num_numbers = AUGMENTATIONS[name]
    numbers = np.asarray(rows, np.float32)
    assert numbers.shape == (len(images), num_numbers)
    result = function(tf.constant(images), tf.constant(numbers)).numpy()
    assert (result.dtype, result.shape) == (images.dtype, images.shape)
    return result


def stacked(dataset, key="image"):
    return np.concatenate([batch[key] for batch in dataset.as_numpy_iterator()])


def test_flips_and_turns():
    two = PIXELS[:2]
    np.testing.assert_array_equal(apply("flip", two, [0.49], [0.5]), [two[0], two[1, :, ::-1]])
    np.testing.assert_array_equal(apply("flip_vertical", two, [0.49], [0.5]), [two[0], two[1, ::-1]])
    four = PIXELS[:4]
    turned = apply("turn", four, [0.0], [0.25], [0.5], [0.99])
    np.testing.assert_array_equal(turned, [np.rot90(image, k) for k, image in enumerate(four)])


@pytest.mark.parametrize(("name", "mode"), [("crop", "reflect"), ("shift", "edge")])
def test_crops_and_shifts_are_those_of_a_padded_image(name, mode):
    image = PIXELS[0, :, :8]  # 16x8: padded by 2 and by 1
    padded = np.pad(image, ((2, 2), (1, 1), (0, 0)), mode)
    for top in range(5):
        for left in range(3):
            (found,) = apply(name, image[None], [(top + 0.5) / 5, (left + 0.5) / 3])
            np.testing.assert_array_equal(found, padded[top : top + 16, left : left + 8])
    tiny = PIXELS[:1, :4, :4]  # an eighth of 4 is no pixel
    np.testing.assert_array_equal(apply(name, tiny, [0.99, 0.0]), tiny)


def test_brightness_and_contrast_stay_in_range():
    grey = np.full((3, 4, 4, 1), 100, np.uint8)
    assert apply("brightness", grey, [0.0], [0.5], [0.999999])[:, 0, 0, 0].tolist() == [49, 100, 151]
    np.testing.assert_allclose(apply("brightness", np.full((1, 4, 4, 1), 0.9, np.float32), [0.999999]), 1)
    half = np.tile(np.uint8([50, 150]), 8).reshape(1, 4, 4, 1)
    assert np.unique(apply("contrast", half, [0.0])).tolist() == [60, 140]
    assert np.unique(apply("contrast", half, [0.5])).tolist() == [50, 150]


def test_the_stream_is_a_function_of_seed_and_step_and_is_shared_exactly():
    source = augmented(numbered(), ("flip", "crop"))
    whole = stacked(source.batches(8, seed=3, num_steps=10))
    np.testing.assert_array_equal(stacked(source.batches(8, seed=3, num_steps=10)), whole)
    np.testing.assert_array_equal(stacked(source.batches(8, seed=3, start_step=7, num_steps=3)), whole[56:])
    shards = [stacked(source.batches(8, seed=3, num_steps=10, shard=(index, 2))) for index in range(2)]
    joined = np.concatenate([shard.reshape(10, 4, 16, 16, 3) for shard in shards], axis=1)
    np.testing.assert_array_equal(joined.reshape(whole.shape), whole)
    assert not np.array_equal(stacked(source.batches(8, seed=4, num_steps=10)), whole)
    # The same examples in the same order as without, each changed otherwise in each epoch.
    labels = stacked(source.batches(8, seed=3, num_steps=10), "label")
    np.testing.assert_array_equal(labels, stacked(numbered().batches(8, seed=3, num_steps=10), "label"))
    epochs = [whole[half][np.argsort(labels[half])] for half in (slice(40), slice(40, 80))]
    assert (epochs[0] != epochs[1]).any(axis=(1, 2, 3)).sum() > 30


def test_random_numbers_are_spread_evenly():
    image = np.arange(16, dtype=np.uint8).reshape(1, 1, 16, 1).repeat(16, 1)
    source = augmented(from_arrays({"image": image}), "shift")
    drawn = stacked(source.batches(500, num_steps=4, seed=1))[:, 8, 8, 0]
    values, counts = np.unique(drawn, return_counts=True)
    assert values.tolist() == [6, 7, 8, 9, 10]
    assert abs(counts / 2000 - 0.2).max() < 0.04


def test_pairs_are_augmented_alike_and_domains_each_in_its_own_way():
    pairs = augmented(from_arrays({"a": PIXELS, "b": 255 - PIXELS}, key="a", kind="image"), "flip,crop,turn")
    (batch,) = pairs.batches(40, num_steps=1).as_numpy_iterator()
    np.testing.assert_array_equal(batch["a"], 255 - batch["b"])
    assert not np.array_equal(np.sort(batch["a"], axis=0), np.sort(PIXELS, axis=0))
    domains = augmented(Unpaired(numbered(), numbered()), "flip")
    plain = Unpaired(numbered(), numbered())
    for domain in ("a", "b"):
        found, before = (stacked(data.batches(40, num_steps=1, seed=2), domain) for data in (domains, plain))
        mirrored = [not np.array_equal(one, other) for one, other in zip(found, before, strict=True)]
        assert 8 < sum(mirrored) < 32
        for one, other, flipped in zip(found, before, mirrored, strict=True):
            np.testing.assert_array_equal(one, other[:, ::-1] if flipped else other)
    assert [type(part.source) for part in (domains.take(5).a, domains.a)] == [type(numbered())] * 2


def test_only_training_streams_are_augmented():
    source = open_source("digits", augment=("shift",), limit=100)
    assert str(source).endswith("licence CC BY 4.0, augmented by shift")
    plain = open_source("digits", limit=100)
    assert not np.array_equal(stacked(source.batches(100, num_steps=1)), stacked(plain.batches(100, num_steps=1)))
    np.testing.assert_array_equal(stacked(source.epoch(30)), plain.arrays["image"])
    np.testing.assert_array_equal(source.sample(5)["image"], plain.sample(5)["image"])
    assert source.fingerprint() == plain.fingerprint()
    assert (len(source), source.num_batches(50), source.info) == (100, 2, source.source.info)
    for split in ("test", "train"):
        assert ("augmented" in str(open_source("digits", split=split, augment="flip"))) == (split == "train")
    assert open_source(plain, augment=()) is plain
    assert len(source.take(7).source) == 7


def test_a_model_that_is_saved_goes_on_exactly_on_one_device_and_on_two(tmp_path, two_replicas):
    source = open_source("digits", image_shape=(16, 16, 1), limit=64, augment="flip,crop,brightness")

    def made():
        keras.utils.set_random_seed(0)
        model = kerazoo.create("rbm", image_shape=(16, 16, 1), hidden_units=6, num_chains=8)
        model.compile(seed=0, run_eagerly=True)
        return model

    def weights(model):
        return np.concatenate([weight.ravel() for weight in model.get_weights()])

    how = {"batch_size": 32, "verbose": 0}
    whole, part = made(), made()
    start = whole.get_weights()
    whole.fit(source, epochs=2, **how)
    part.fit(source, epochs=1, **how)
    part.save(tmp_path / "part.keras")
    part = keras.models.load_model(tmp_path / "part.keras")
    part.fit(source, epochs=1, **how)
    np.testing.assert_array_equal(weights(part), weights(whole))
    with two_replicas.scope():
        double = made()
    double.fit(source, epochs=2, **how)
    np.testing.assert_allclose(weights(double), weights(whole), atol=1e-5)
    assert abs(weights(whole) - np.concatenate([weight.ravel() for weight in start])).max() > 1e-3


@pytest.mark.parametrize(
    ("spec", "names", "kind", "message"),
    [
        (
            "digits",
            ("flop",),
            UnknownNameError,
            f"unknown augmentation 'flop': did you mean flip? There are {', '.join(list_augmentations())}",
        ),
        ("digits", "flip,crop,flip", DataError, "augment = flip,crop,flip: flip is named twice"),
        ("ring", "flip", DataError, "ring holds points: only images can be augmented"),
        ("verse", "crop", DataError, "verse holds text: only images can be augmented"),
    ],
)
def test_wrong_augmentations(spec, names, kind, message):
    with pytest.raises(kind, match=re.escape(message)):
        open_source(spec, augment=names)
    with pytest.raises(DataError, match="images of 4x8 cannot be turned by a quarter; leave out turn"):
        augmented(from_arrays(np.zeros((2, 4, 8, 1), "uint8")), "turn")


def test_digests_change_with_the_data_alone(tmp_path):
    def made(**changes):
        arrays = {"image": PIXELS.copy(), "text": np.array([f"text {i}" for i in range(40)], object)} | changes
        return from_arrays(arrays).fingerprint()

    assert made() == made()
    changed = PIXELS.copy()
    changed[39, 15, 15, 2] ^= 1
    others = [made(image=changed), made(image=PIXELS.view("int8")), made(image=PIXELS[::-1]), made(label=np.arange(40))]
    others += [made(text=np.array(["text 0text 1", "", *(f"text {i}" for i in range(2, 40))], object))]
    assert len({made(), *others}) == 6
    mapped = np.memmap(tmp_path / "map", np.uint8, "w+", shape=PIXELS.shape)
    mapped[:] = PIXELS
    assert made(image=mapped) == made()
