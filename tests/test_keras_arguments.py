"""Arguments that Keras's `fit`, `save` and `export` have: they work here, or are one line."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.data import BucketedPairs, TokenStream, from_arrays, open_source, split_last
from kerazoo.utils.errors import ConfigError, DataError, ExportError
from tests.zoo_rows import all_rows, assert_equal, compiled, new, values

POINTS = np.arange(26, dtype="float32").reshape(13, 2) / 26


def points(**options):
    model = kerazoo.create("wgan_gp", num_features=2, generator_units=(2,), critic_units=(2,), n_critic=1, **options)
    model.compile(seed=0, run_eagerly=True)  # few steps are sooner done than traced
    return model


class TestValidationSplit:
    @pytest.mark.parametrize("fraction", [pytest.param(0.2, marks=pytest.mark.slow), 0.25, np.float32(0.5)])
    @pytest.mark.parametrize("wrap", [np.array, lambda x: {"points": x}, lambda x: from_arrays({"points": x})])
    def test_the_last_part_is_validated_on_and_not_learned_from(self, fraction, wrap):
        first = int(np.floor(13 * (1 - fraction)))
        keras.utils.set_random_seed(0)
        model = points()
        options = {"batch_size": 3, "epochs": 2, "verbose": 0}
        history = model.fit(wrap(POINTS), validation_split=fraction, **options).history
        keras.utils.set_random_seed(0)
        twin = points()
        expected = twin.fit(POINTS[:first], validation_data=POINTS[first:], **options).history
        assert history == expected
        assert "val_critic_loss" in history
        assert_equal(values(model.weights), values(twin.weights))

    def test_labels_go_with_their_images(self):
        images, labels = np.zeros((10, 28, 28, 1), "uint8"), np.arange(10)
        for first, last in (split_last((images, labels), 0.3), split_last({"image": images, "label": labels}, 0.3)):
            assert first.arrays["label"].tolist() == list(range(7))
            assert last.arrays["label"].tolist() == [7, 8, 9]
        model = compiled("cnn_classifier")
        batch = all_rows()["cnn_classifier"].batch()
        history = model.fit(batch["image"], batch["label"], batch_size=2, validation_split=0.5, verbose=0).history
        assert "val_accuracy" in history

    def test_every_kind_of_source(self):
        assert [len(part) for part in split_last("digits", 0.1)] == [1293, 144]
        first, last = split_last(open_source("twins:digits"), 0.5)
        assert [type(part).__name__ for part in (first, last)] == ["Unpaired"] * 2
        assert [len(first.a), len(first.b), len(last.a), len(last.b)] == [359, 359, 360, 359]
        first, last = split_last(TokenStream(np.arange(40), 3), 0.25, key="tokens")
        assert (last.window, last.arrays["tokens"].tolist()) == (3, list(range(30, 40)))
        pairs = BucketedPairs([[i] for i in range(1, 6)], [[2, i, 3] for i in range(1, 6)])
        first, last = split_last(pairs, 0.4, key="source")
        assert [len(first), len(last)] == [3, 2]
        assert next(iter(last.epoch(2)))["target"].numpy().tolist() == [[2, 4, 3], [2, 5, 3]]
        augmented = open_source("digits", augment="flip")
        assert type(split_last(augmented, 0.5)[0]) is type(augmented)

    def test_what_cannot_be_divided(self):
        model = points()
        dataset = tf.data.Dataset.from_tensor_slices(POINTS).batch(3)
        for data, options, error, message in (
            (dataset, {}, DataError, r"^validation_split: a tf.data.Dataset cannot be divided .* dataset.skip\(n\)"),
            (
                POINTS,
                {"validation_data": POINTS},
                ConfigError,
                "^validation_split and validation_data: give one of both$",
            ),
            (
                POINTS,
                {"validation_split": 1.5},
                DataError,
                r"^validation_split = 1\.5: a number above 0 and below 1 is",
            ),
            (POINTS, {"validation_split": -0.1}, DataError, r"^validation_split = -0\.1: a number above 0"),
            (POINTS, {"validation_split": "0.1"}, DataError, r"^validation_split = '0\.1': a number above 0"),
            (POINTS[:1], {}, DataError, r"^the data: the last 0\.2 of 1 example leaves none for training: give other"),
            (POINTS, {"validation_split": 0.99}, DataError, r"the last 0\.99 of 13 examples leaves none for training"),
        ):
            with pytest.raises(error, match=message):
                model.fit(data, batch_size=3, verbose=0, **{"validation_split": 0.2, **options})
        assert int(model.step.numpy()) == 0


class TestSave:
    @pytest.mark.parametrize("name", ["m.h5", "m.hdf5", "folder", "m.tf", "m.weights.h5"])
    def test_another_suffix_is_one_line(self, name, tmp_path):
        with pytest.raises(ConfigError, match=rf"{name}: models are saved as \.keras files; save_weights writes a "):
            new("vae").save(tmp_path / name)
        assert list(tmp_path.iterdir()) == []

    def test_what_keras_takes_is_taken(self, tmp_path):
        model = new("vae")
        model.save(filepath=str(tmp_path / "m.keras"))
        model.save(tmp_path / "m.keras", overwrite=True)
        assert_equal(values(keras.models.load_model(tmp_path / "m.keras").weights), values(model.weights))


class TestExport:
    def test_verbose_tells_the_signatures(self, tmp_path, capsys):
        model = points()
        model.export(tmp_path / "quiet", verbose=False)
        assert capsys.readouterr().out == ""
        metadata = model.export(tmp_path / "told", verbose=True)
        assert capsys.readouterr().out == f"wrote {tmp_path / 'told'}: {', '.join(metadata['signatures'])}\n"

    @pytest.mark.parametrize(
        ("format", "option", "has"),
        [
            ("saved_model", "input_signature", "overwrite, warmup"),
            ("tf_saved_model", "quantization", "overwrite, warmup"),
            ("litert", "warmup", "quantization, calibration, num_calibration, batch_size, overwrite"),
        ],
    )
    def test_options_of_another_format_are_one_line(self, format, option, has, tmp_path):
        with pytest.raises(ExportError, match=f"^export to {format} has no option '{option}'; it has {has}$"):
            points().export(tmp_path / "m", format, **{option: True})
        assert list(tmp_path.iterdir()) == []
