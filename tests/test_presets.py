"""Saved models: preset folders, how damaged ones are refused, and `.keras` files in another process."""

import json
import shutil

import h5py
import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.data import open_source
from kerazoo.presets.config import make_config
from kerazoo.presets.preset import find_preset, save_preset
from kerazoo.utils.errors import ConfigError, OutputError, PresetError, UnknownNameError
from tests.conftest import TINY_MODEL, assert_same_state, finish, model_state, python


def message(kind, function, *args, **kwargs):
    """The one line of the error that a call raises."""
    with pytest.raises(kind) as caught:
        function(*args, **kwargs)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def tiny(**arguments):
    return kerazoo.create("dcgan", **{**TINY_MODEL, **arguments})


@pytest.fixture
def preset(run_copy):
    """A preset folder that the test may damage."""
    return run_copy / "preset"


class TestRoundTrip:
    def test_weights_are_rounded_to_half_precision_and_nothing_more(self, tmp_path):
        model = tiny()
        save_preset(model, tmp_path / "mine")
        with h5py.File(tmp_path / "mine" / "model.weights.h5") as file:
            dtypes = []
            file.visititems(lambda _, item: dtypes.append(item.dtype) if isinstance(item, h5py.Dataset) else None)
        assert set(dtypes) == {np.dtype("float16")}
        assert len(dtypes) == len(model.weights)
        loaded = kerazoo.load(tmp_path / "mine")
        assert loaded.preset == "mine"
        for found, expected in zip(loaded.get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(found, expected.astype(np.float16).astype(np.float32))

    def test_values_beyond_half_precision_stay_float32(self, tmp_path):
        model = tiny()
        wide = model.generator.weights[0]
        wide.assign(np.full(wide.shape, 1e6))
        save_preset(model, tmp_path / "mine")
        assert find_preset(tmp_path / "mine").metadata["weights"]["dtype"] == "float16, 1 arrays float32"
        np.testing.assert_array_equal(kerazoo.load(tmp_path / "mine").generator.weights[0].numpy(), wide.numpy())

    def test_large_arrays_are_compressed_unless_a_reader_would_doubt_them(self, tmp_path):
        model = tiny(filters=64)
        kernels = [weight for weight in model.weights if 2 * np.prod(weight.shape) > 30_000]
        kernels[0].assign(np.zeros(kernels[0].shape))
        save_preset(model, tmp_path / "mine")
        stored = {}
        with h5py.File(tmp_path / "mine" / "model.weights.h5") as file:
            file.visititems(lambda name, item: stored.update({name: item}) if isinstance(item, h5py.Dataset) else None)
            sizes = {
                item.size: (item.compression, item.id.get_storage_size() / item.nbytes) for item in stored.values()
            }
        assert len(kernels) > 1
        assert sizes[np.prod(kernels[0].shape)] == (None, 1.0)
        compression, share = sizes[np.prod(kernels[1].shape)]
        assert compression == "gzip"
        assert share < 0.95
        for found, expected in zip(kerazoo.load(tmp_path / "mine").get_weights(), model.get_weights(), strict=True):
            np.testing.assert_array_equal(found, expected.astype(np.float16).astype(np.float32))

    def test_configuration_states_only_the_arguments_that_differ(self, tmp_path):
        tiny(prior="uniform").save_preset(tmp_path / "mine")
        assert find_preset(tmp_path / "mine").config == make_config({"architecture": "dcgan", "model": TINY_MODEL})

    def test_an_existing_preset_is_replaced_only_where_asked(self, preset, tmp_path):
        assert "exists already" in message(OutputError, save_preset, tiny(), preset)
        save_preset(tiny(filters=5), preset, overwrite=True)
        assert kerazoo.load(preset).filters == 5
        (tmp_path / "thesis").mkdir()
        (tmp_path / "thesis" / "chapter.tex").write_text("years of work")
        line = message(OutputError, save_preset, tiny(), tmp_path / "thesis", overwrite=True)
        assert "will not be overwritten" in line

    def test_run_folder_and_its_preset_are_the_same_model(self, finished_run):
        assert find_preset(finished_run).folder == finished_run / "preset"
        images = kerazoo.load(finished_run).generate(3, seed=1)
        np.testing.assert_array_equal(kerazoo.load(finished_run / "preset").generate(3, seed=1), images)
        np.testing.assert_array_equal(kerazoo.load(str(finished_run)).generate(3, seed=1), images)


class TestDamagedWeights:
    def test_truncated(self, preset):
        file = preset / "model.weights.h5"
        size = file.stat().st_size
        file.write_bytes(file.read_bytes()[:-10])
        assert message(PresetError, kerazoo.load, preset) == (
            f"{file}: truncated or altered ({size - 10} bytes, {size} expected); restore the file"
        )

    def test_every_flipped_bit_is_noticed(self, preset):
        file = preset / "model.weights.h5"
        original = file.read_bytes()
        for place in np.linspace(0, len(original) - 1, 20).astype(int):
            damaged = bytearray(original)
            damaged[place] ^= 1
            file.write_bytes(damaged)
            assert f"{file}: damaged (sha256 " in message(PresetError, kerazoo.load, preset)

    def test_missing(self, preset):
        (preset / "model.weights.h5").unlink()
        assert f"{preset / 'model.weights.h5'}: the weights file is missing" in message(
            PresetError, kerazoo.load, preset
        )

    def test_never_trained(self, tmp_path):
        (tmp_path / "mine").mkdir()
        (tmp_path / "mine" / "config.yaml").write_text("architecture: dcgan\n")
        assert message(PresetError, kerazoo.load, tmp_path / "mine").startswith("mine has no trained weights; train it")

    def test_of_another_model(self, preset, tmp_path):
        """The checksum fits, the arrays do not: as if a preset's files had been mixed up."""
        other = kerazoo.create("cnn_classifier", image_shape=(16, 16, 1), num_classes=3, filters=(4, 4), feature_dim=6)
        other.save_preset(tmp_path / "other")
        for name in ("model.weights.h5", "metrics.json"):
            shutil.copy(tmp_path / "other" / name, preset / name)
        assert "model.weights.h5: these weights are not those of run" in message(PresetError, kerazoo.load, preset)

    def test_of_the_same_model_in_another_size(self, preset, tmp_path):
        tiny(filters=5).save_preset(tmp_path / "wider")
        for name in ("model.weights.h5", "metrics.json"):
            shutil.copy(tmp_path / "wider" / name, preset / name)
        assert "these weights are not those of run" in message(PresetError, kerazoo.load, preset)


class TestDamagedMetadata:
    @pytest.mark.parametrize("text", ["{", "", "[1]", '{"weights": 3}', '{"training": []}', "\x00"])
    def test_metrics_that_are_none(self, preset, text):
        (preset / "metrics.json").write_text(text)
        for function in (kerazoo.load, kerazoo.info):
            assert message(PresetError, function, preset).startswith(f"{preset / 'metrics.json'}: damaged (")

    def test_weights_without_checksum_are_not_trusted(self, preset):
        metadata = json.loads((preset / "metrics.json").read_text())
        for value in (None, 7, "abc"):
            metadata["weights"]["sha256"] = value
            (preset / "metrics.json").write_text(json.dumps(metadata))
            line = message(PresetError, kerazoo.load, preset)
            assert line.startswith(f"{preset / 'metrics.json'}: damaged (weights.sha256: ")
        del metadata["weights"]["sha256"]
        (preset / "metrics.json").write_text(json.dumps(metadata))
        assert "damaged (weights.sha256: field required)" in message(PresetError, kerazoo.load, preset)
        (preset / "metrics.json").unlink()
        assert "has no sha256 of model.weights.h5" in message(PresetError, kerazoo.load, preset)

    def test_unknown_architecture(self, preset):
        (preset / "config.yaml").write_text("architecture: cnn_clasifier\n")
        assert message(ConfigError, kerazoo.load, preset) == (
            f"{preset / 'config.yaml'}: unknown architecture 'cnn_clasifier'; did you mean cnn_classifier? "
            "(one of your own: give --import FILE, or import its module)"
        )


class TestArguments:
    def test_a_changed_shape_is_named(self, preset):
        line = message(PresetError, kerazoo.load, preset, latent_dim=9)
        assert "the weights of run do not fit these arguments: they hold" in line
        assert "kernel (8, 128), not (9, 128)" in line
        assert "skip_mismatch=True" in line

    def test_a_changed_depth_is_named(self, preset):
        line = message(PresetError, kerazoo.load, preset, image_shape=(32, 32, 1))
        assert "skip_mismatch=True" in line
        assert "do not fit these arguments" in line

    def test_arguments_without_weights_may_change(self, preset):
        assert kerazoo.load(preset, label_smoothing=0.1).label_smoothing == 0.1
        assert kerazoo.load(preset, dtype="mixed_bfloat16").dtype_policy.name == "mixed_bfloat16"

    def test_skip_mismatch_keeps_what_fits_and_names_the_rest(self, preset):
        with pytest.warns(UserWarning, match=r"run: fresh values stay in \S*dense\S*/kernel$"):
            changed = kerazoo.load(preset, latent_dim=9, skip_mismatch=True)
        original = kerazoo.load(preset)
        for found, expected in zip(changed.weights[1:], original.weights[1:], strict=True):
            np.testing.assert_array_equal(found.numpy(), expected.numpy())

    def test_fresh_weights_only_where_asked(self, preset):
        assert kerazoo.load(preset, weights=None).preset is None
        trained, fresh = kerazoo.load(preset), kerazoo.load(preset, weights=None)
        assert not np.array_equal(trained.generator.weights[0].numpy(), fresh.generator.weights[0].numpy())
        assert "weights = 'mine.h5': 'auto' or None" in message(ConfigError, kerazoo.load, preset, weights="mine.h5")


class TestNames:
    @pytest.mark.parametrize("function", [kerazoo.load, kerazoo.info, kerazoo.create])
    def test_unknown_names_give_the_nearest(self, function):
        assert message(UnknownNameError, function, "dcgn").startswith("unknown model 'dcgn'; did you mean dcgan")

    def test_what_is_no_preset_folder(self, tmp_path):
        assert message(PresetError, kerazoo.load, tmp_path).startswith(f"{tmp_path}: not a preset folder")
        (tmp_path / "file.h5").write_text("")
        assert "a preset is a folder" in message(PresetError, kerazoo.load, tmp_path / "file.h5")
        assert "no such folder" in message(PresetError, kerazoo.load, tmp_path / "missing" / "preset")

    def test_hub_addresses(self, tmp_path):
        for address in ("hf://", "hf://name", "hf://a/b/c", "hf://owner/na me", "hf://owner/name@"):
            assert "hf://owner/name is expected" in message(PresetError, kerazoo.info, address)
        script = "import kerazoo, sys; kerazoo.info(sys.argv[1])"
        process = python("-c", script, "hf://owner/name", env={"HF_HUB_OFFLINE": "1", "HF_HOME": str(tmp_path)})
        last = finish(process)[2].splitlines()[-1]
        assert last.startswith(
            "kerazoo.utils.errors.PresetError: hf://owner/name: the Hugging Face Hub cannot be reached"
        )


@pytest.mark.slow  # in one process: test_zoo_mechanisms.py
def test_a_keras_file_trains_on_in_another_process(tmp_path):
    keras.utils.set_random_seed(0)
    model, images = tiny(), open_source("digits", image_shape=(16, 16, 1), limit=96).arrays["image"]
    model.compile(seed=1)
    model.fit(images, verbose=0)
    model.save(tmp_path / "model.keras")
    np.save(tmp_path / "images.npy", images)
    script = (
        "import sys, numpy as np, kerazoo, keras\n"
        "model = keras.models.load_model(sys.argv[1] + '/model.keras')\n"
        "model.fit(np.load(sys.argv[1] + '/images.npy'), verbose=0)\n"
        "model.save(sys.argv[1] + '/further.keras')"
    )
    process = python("-c", script, tmp_path)
    model.fit(images, verbose=0)
    status, _, stderr = finish(process)
    assert status == 0, stderr
    further = keras.models.load_model(tmp_path / "further.keras")
    assert int(further.step.numpy()) == 6
    assert_same_state(model_state(further), model_state(model))
