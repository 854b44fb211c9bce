"""LiteRT files of every architecture: their contents, and that their outputs are those of Keras."""

import functools

import numpy as np
import pytest
import tensorflow as tf
from ai_edge_litert import schema_py_generated as schema

import kerazoo
from kerazoo.exporting import export_litert
from kerazoo.exporting.litert_convert import convert
from kerazoo.exporting.litert_flatbuffer import sized_while_running
from kerazoo.exporting.litert_verbs import run_exported
from kerazoo.exporting.signatures import compare
from kerazoo.utils.errors import ExportError
from kerazoo.utils.litert import LiteRTFile, read_litert_metadata
from tests.conftest import finish, python
from tests.zoo_rows import all_rows, new, one_row_a_mechanism

# Each file is written once, and by one converter.
pytestmark = [pytest.mark.xdist_group("litert"), pytest.mark.usefixtures("one_converter")]


@functools.cache
def tiny_model(architecture):
    """A model with weights that are not what it began with: biases and moving averages too."""
    model, rng = new(architecture), np.random.default_rng(0)
    model.set_weights([w + rng.uniform(0.01, 0.1, w.shape).astype(w.dtype) for w in model.get_weights()])
    return model


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """architecture -> (path, metadata) of its float32 file, each written once."""

    @functools.cache
    def export(architecture):
        path = tmp_path_factory.mktemp(architecture) / "model.tflite"
        return path, export_litert(tiny_model(architecture), path)

    return export


@pytest.mark.parametrize("architecture", one_row_a_mechanism("litert", group="litert"))
def test_an_architecture_is_one_file_that_gives_what_keras_gives(architecture, exported):
    path, metadata = exported(architecture)
    assert list(path.parent.iterdir()) == [path]
    assert read_litert_metadata(path) == metadata
    assert metadata["bytes"] == path.stat().st_size
    endpoints = tiny_model(architecture).endpoints()
    assert {*metadata["signatures"], *metadata["left_out"]} == set(endpoints)
    assert metadata["left_out"] == {name: one.server_only for name, one in endpoints.items() if one.server_only}
    fixed = {name for name, one in metadata["signatures"].items() if one["batch"] != "dynamic"}
    assert fixed == set(all_rows()[architecture].litert_fixed)
    file = LiteRTFile(path)
    for name, described in metadata["signatures"].items():
        inputs = endpoints[name].example(np.random.default_rng(7), 5)
        inputs = {key: _longer(value, described["inputs"][key]["shape"]) for key, value in inputs.items()}
        expected = {key: value.numpy() for key, value in endpoints[name](**inputs).items()}
        found = file.run(name, **inputs)
        cut = {key: value[tuple(map(slice, expected[key].shape))] for key, value in found.items()}
        compare(name, cut if name in fixed else found, expected)


def _longer(array, shape):
    """An array as long as a file with fixed sizes takes it: with zeros behind, or cut."""
    if not array.ndim:
        return array
    array = array[(slice(None), *map(slice, shape[1:]))]
    return np.pad(array, [(0, 0), *((0, (size or n) - n) for size, n in zip(shape[1:], array.shape[1:], strict=True))])


def test_a_file_is_run_without_tensorflow(exported):
    path, _ = exported("vae")
    code = (
        f"import sys; from kerazoo.litert import LiteRTFile; import numpy as np; file = LiteRTFile({str(path)!r});"
        "print(file.run('generate', z=np.zeros((2, 3)))['images'].shape);"
        "print(any(name in sys.modules for name in ('tensorflow', 'keras')))"
    )
    status, out, errors = finish(python("-c", code))
    assert (status, out) == (0, "(2, 16, 16, 1)\nFalse\n"), errors


def test_operators_are_built_in_and_weights_aligned_and_stored_once(exported):
    path, metadata = exported("vae")  # `generate`, `decode` and `reconstruct` share the decoder
    model = schema.Model.GetRootAs(path.read_bytes())
    codes = [model.OperatorCodes(i) for i in range(model.OperatorCodesLength())]
    assert not any(code.CustomCode() for code in codes)
    assert len(codes) == len(metadata["operators"])
    data = [model.Buffers(i).DataAsNumpy() for i in range(model.BuffersLength())]
    data = [one for one in data if isinstance(one, np.ndarray)]
    begin = np.frombuffer(path.read_bytes(), np.uint8).ctypes.data
    assert {one.ctypes.data % 16 for one in data} == {begin % 16}
    kernel = tiny_model("vae").decoder.layers[-1].kernel.numpy()
    assert sum(one.tobytes() in (kernel.tobytes(), kernel.T.tobytes()) for one in data) == 1


def test_sizes_that_are_known_only_while_running_are_found():
    def stacked(x):
        return {"y": tf.reshape(x + 1.0, tf.stack([tf.shape(x)[0], 3, 1])) * 2.0}

    def joined(x):
        return {"y": tf.reshape(x + 1.0, tf.concat([tf.shape(x)[:1], [3, 1]], axis=0)) * 2.0}

    def loop(x):
        return {"y": tf.while_loop(lambda i, x: i < 3, lambda i, x: (i + 1, tf.tanh(x)), (0, x))[1]}

    assert _sized(stacked=stacked, joined=joined, loop=loop) == ["loop", "stacked"]
    assert _sized(rows=2, stacked=stacked, joined=joined, loop=loop) == []


def _sized(rows=None, **functions):
    import tempfile

    spec = tf.TensorSpec((rows, 3), tf.float32, name="x")
    signatures = {name: tf.function(one).get_concrete_function(spec) for name, one in functions.items()}
    with tempfile.TemporaryDirectory() as folder:
        tf.saved_model.save(tf.Module(), folder, signatures=signatures)
        return sorted(sized_while_running(convert(folder, list(functions))))


def test_files_and_inputs_that_are_none_are_one_line(exported, tmp_path):
    path = tmp_path / "model.tflite"
    for content, message in ((None, "cannot be read"), (b"text, not a file", "not a LiteRT file")):
        if content is not None:
            path.write_bytes(content)
        with pytest.raises(ExportError, match=message):
            read_litert_metadata(path)
    whole = exported("vae")[0].read_bytes()
    for part in (8, 1000, len(whole) - 100):
        path.write_bytes(whole[:part])
        with pytest.raises(ExportError, match="damaged or truncated"):
            LiteRTFile(path)
    file = LiteRTFile(exported("vae")[0])
    for signature, inputs, message in (
        ("attend", {}, "no signature 'attend' (there are: generate, "),
        ("sample", {}, "no signature 'sample' (left out: LiteRT draws no seeded random numbers: give noise)"),
        ("encode", {"x": np.zeros(3)}, "takes images, not x"),
        ("encode", {"images": np.zeros((1, 8, 8, 1))}, "float32 of shape (None, 16, 16, 1)"),
        ("encode", {"images": np.zeros((0, 16, 16, 1))}, "(None: 1 or more)"),
        ("encode", {"images": np.zeros((1, 16, 16, 1), "O")}, "float32 of shape"),
    ):
        with pytest.raises(ExportError) as error:
            file.run(signature, **inputs)
        assert message in str(error.value)


# === Quantisation ===


def test_int8_is_calibrated_on_real_data_and_speaks_float32(tmp_path):
    model, path = tiny_model("cnn_classifier"), tmp_path / "int8.tflite"
    metadata = export_litert(model, path, quantization="int8", calibration="digits", num_calibration=40)
    assert metadata["calibration"] == {"source": "digits", "split": "train", "num": 40, "seed": 0}
    one = metadata["signatures"]["classify"]
    assert (one["inputs"]["images"]["dtype"], one["outputs"]["probabilities"]["dtype"]) == ("float32", "float32")
    images = all_rows()["cnn_classifier"].batch()["image"]
    found = LiteRTFile(path).run("classify", images=images / np.float32(255))["probabilities"]
    assert 0 < np.abs(found - model.classify(images)).max() < 0.05
    assert "QUANTIZE" in metadata["operators"]


def test_int8_goes_step_by_step_through_a_text_and_leaves_loops_out(tmp_path):
    model, path = tiny_model("lstm_char_lm"), tmp_path / "int8.tflite"
    tokens = all_rows()["lstm_char_lm"].batch()["tokens"]
    metadata = export_litert(model, path, quantization="int8", calibration={"tokens": tokens}, num_calibration=60)
    assert list(metadata["signatures"]) == ["next_token"]
    assert "loop" in metadata["left_out"]["score_tokens"]
    assert 0 < metadata["differences"]["next_token"] < 0.1


@pytest.mark.parametrize("quantization", ["float16", "dynamic"])
def test_weights_alone_are_quantised(quantization, tmp_path, exported):
    metadata = export_litert(tiny_model("cnn_classifier"), tmp_path / "model.tflite", quantization=quantization)
    assert 0 < metadata["differences"]["classify"] < 0.02
    assert exported("cnn_classifier")[1]["differences"]["classify"] < 1e-6


# === Verbs on a file ===


def test_verbs_run_on_the_file(exported):
    for architecture, verb in (("cnn_classifier", "classify"), ("vae", "score"), ("lstm_char_lm", "score")):
        path, model, row = exported(architecture)[0], tiny_model(architecture), all_rows()[architecture]
        call, batch = row.verbs[verb].call, row.batch()
        expected = call(model, batch)
        weights = model.get_weights()
        with run_exported(model, path) as file:
            model.set_weights([0 * weight for weight in weights])  # what runs is the file
            assert file.path == path
            np.testing.assert_allclose(call(model, batch), expected, rtol=1e-4, atol=1e-5)
        assert not np.allclose(call(model, batch), expected)
        model.set_weights(weights)
        np.testing.assert_array_equal(call(model, batch), expected)


def test_a_verb_that_the_file_has_not_is_one_line(exported):
    model = tiny_model("rbm")
    with run_exported(model, exported("rbm")[0]), pytest.raises(kerazoo.KerazooError) as error:
        model.generate(2, num_gibbs_steps=2, seed=0)
    assert "nothing for 'generate'" in str(error.value)
    with (
        pytest.raises(kerazoo.KerazooError, match="holds a rbm, not a vae"),
        run_exported(tiny_model("vae"), exported("rbm")[0]),
    ):
        pass
