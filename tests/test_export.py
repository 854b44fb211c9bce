"""SavedModels: the files, when nothing is written, and that signatures give what the verbs give."""

import json
import threading

import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.base.endpoints import Endpoint
from kerazoo.base.priors import Normal
from kerazoo.exporting import export_saved_model, export_version, saved_model
from kerazoo.utils.errors import ExportError, OutputError
from tests.zoo_rows import new, tiny_images

IMAGES = tiny_images()["image"] / np.float32(255)
TEXTS = ["a b c a", "c", "e e d q"]


def test_writing_greedily_is_what_the_verb_writes():
    model = new("lstm_char_lm")
    prompts = ["abc", "", "e"]
    rows = {"num_characters": [9, 4, 1], "temperature": [0.0] * 3, "top_k": [0] * 3, "seed": [1, 2, 3]}
    found = model.endpoints()["generate"](text=prompts, **rows)["text"].numpy()
    pairs = zip(prompts, rows["num_characters"], strict=True)
    assert [text.decode() for text in found] == [model.generate(p, n, temperature=0)[0] for p, n in pairs]


def test_a_text_depends_on_its_own_seed_and_not_on_its_neighbours():
    write = new("lstm_char_lm").endpoints()["generate"]
    rows = {"num_characters": [12, 30], "temperature": [1.0, 1.0], "top_k": [0, 2], "seed": [5, 6]}
    both = write(text=["ab", "cde"], **rows)["text"].numpy()
    for i, prompt in enumerate(["ab", "cde"]):
        alone = write(text=[prompt], **{key: value[i : i + 1] for key, value in rows.items()})["text"].numpy()
        assert both[i] == alone[0]


def test_attention_maps_of_strings_are_those_of_the_verb():
    model = new("attention_seq2seq")
    found = {key: value.numpy() for key, value in model.endpoints()["attend"](text=TEXTS).items()}
    for i, (weights, source, target) in enumerate(model.attend(TEXTS)):
        height, width = weights.shape
        np.testing.assert_allclose(found["attention"][i, :height, :width], weights, atol=1e-5)
        assert not found["attention"][i, height:].any()
        assert [word.decode() for word in found["source"][i] if word] == source
        assert [word.decode() for word in found["target"][i] if word] == target


@pytest.fixture(scope="module")
def exported(tmp_path_factory):
    """The published DCGAN as version 1, and what its export returned."""
    return export_version(kerazoo.load("dcgan"), tmp_path_factory.mktemp("models") / "dcgan")


def test_what_is_written(exported):
    folder, metadata = exported
    assert folder.name == "1"
    assert json.loads((folder / "metadata.json").read_text()) == metadata
    assert metadata["preset"] == "dcgan_mnist"
    assert metadata["version"] == 1
    assert metadata["default_signature"] == "generate"
    assert metadata["signatures"]["generate"]["inputs"]["z"]["shape"] == [None, 100]
    assert max(metadata["differences"].values()) < 1e-5


def test_weights_are_stored_once(exported):
    folder, metadata = exported
    parameters = sum(int(np.prod(weight.shape)) for weight in kerazoo.load("dcgan").weights)
    assert metadata["parameters"] == parameters
    assert (folder / metadata["weights"]["file"]).stat().st_size < 1.1 * 4 * parameters


def test_the_default_signature_takes_any_batch(exported):
    signatures = tf.saved_model.load(str(exported[0])).signatures
    for rows in (1, 5):
        assert signatures["serving_default"](z=tf.zeros((rows, 100)))["images"].shape == (rows, 28, 28, 1)


def test_the_same_seed_gives_the_same_bytes_from_any_thread(exported):
    sample, results = tf.saved_model.load(str(exported[0])).signatures["sample"], [None] * 8

    def call(index):
        answers = [sample(seed=tf.constant(7), num_samples=tf.constant(2))["images"].numpy() for _ in range(20)]
        results[index] = {answer.tobytes() for answer in answers}

    threads = [threading.Thread(target=call, args=(index,)) for index in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len(set().union(*results)) == 1
    assert sample(seed=tf.constant(8), num_samples=tf.constant(2))["images"].numpy().tobytes() not in results[0]


@pytest.mark.parametrize("num_samples", [0, 1025])
def test_bounds_of_numbers_hold_in_the_graph(exported, num_samples):
    sample = tf.saved_model.load(str(exported[0])).signatures["sample"]
    with pytest.raises(tf.errors.InvalidArgumentError, match=r"at least 1|at most 1024"):
        sample(seed=tf.constant(7), num_samples=tf.constant(num_samples))


def test_warm_up_requests_run(exported):
    from tensorflow_serving.apis import prediction_log_pb2

    folder, metadata = exported
    signatures, seen = tf.saved_model.load(str(folder)).signatures, set()
    for record in tf.data.TFRecordDataset(str(folder / "assets.extra/tf_serving_warmup_requests")):
        request = prediction_log_pb2.PredictionLog.FromString(record.numpy()).predict_log.request
        assert request.model_spec.name == "dcgan"
        inputs = {key: tf.make_ndarray(value) for key, value in request.inputs.items()}
        signatures[request.model_spec.signature_name](**{key: tf.constant(value) for key, value in inputs.items()})
        seen.add(request.model_spec.signature_name)
    assert seen == {name for name, signature in metadata["signatures"].items() if signature["batchable"]}


def test_a_version_that_no_server_loads_is_not_written(tmp_path):
    for name in ("9" * 23, str(2**63), "\u0663"):
        with pytest.raises(OutputError, match="no server loads this version; a version is a number from 0 to 92233720"):
            export_saved_model(new("dbn"), tmp_path / "dbn" / name)
    assert not (tmp_path / "dbn").exists()
    (tmp_path / "dbn" / ("9" * 23)).mkdir(parents=True)
    assert export_version(new("dbn"), tmp_path / "dbn")[0].name == "1"


def test_versions_count_on(tmp_path):
    (tmp_path / "dbn" / "7").mkdir(parents=True)
    (tmp_path / "dbn" / ".8-unfinished").mkdir()
    folder, metadata = export_version(new("dbn"), tmp_path / "dbn")
    assert (folder.name, metadata["version"]) == ("8", 8)


def test_a_model_in_mixed_precision_is_exported_in_float32(tmp_path):
    model = new("cnn_classifier", dtype="mixed_bfloat16")
    model.export(tmp_path / "1")
    found = tf.saved_model.load(str(tmp_path / "1")).signatures["classify"](images=tf.constant(IMAGES))
    twin = new("cnn_classifier")
    twin.set_weights(model.get_weights())
    np.testing.assert_allclose(found["probabilities"].numpy(), twin.classify(IMAGES), atol=1e-6)


def test_a_signature_that_differs_leaves_nothing_behind(tmp_path, monkeypatch):
    model, calls = new("dbn"), []

    def unsteady(z):  # another function each time it is traced or run
        calls.append(1)
        return z + len(calls)

    monkeypatch.setattr(model, "endpoints", lambda: {"shift": Endpoint(unsteady, {"z": Normal(2).input()}, "z")})
    with pytest.raises(ExportError, match="signature 'shift', output 'z': differs from Keras by"):
        model.export(tmp_path / "models" / "1")
    assert list(tmp_path.iterdir()) == []


def test_numbers_that_are_not_finite_are_refused(tmp_path):
    model = new("dbn")
    model.head.layers[-1].bias.assign([np.nan, 0, 0])
    with pytest.raises(ExportError, match="'classify', output 'probabilities': values that are not finite"):
        model.export(tmp_path / "1")


def test_what_was_there_stays(tmp_path):
    (tmp_path / "1").mkdir()
    (tmp_path / "1" / "thesis.txt").write_text("mine")
    with pytest.raises(OutputError, match="exists already"):
        new("dbn").export(tmp_path / "1")
    with pytest.raises(OutputError, match="will not be overwritten"):
        new("dbn").export(tmp_path / "1", overwrite=True)
    assert (tmp_path / "1" / "thesis.txt").read_text() == "mine"


def test_an_unknown_format(tmp_path):
    with pytest.raises(ExportError, match="format = 'onnx': one of saved_model"):
        new("dbn").export(tmp_path / "x", "onnx")


def test_versions_exported_at_once_get_a_number_each(tmp_path, monkeypatch):
    """The second one is exported, whole, while the first one is being written."""
    write, model = saved_model._write, new("cnn_classifier")

    def slow(*arguments):
        metadata = write(*arguments)
        monkeypatch.setattr(saved_model, "_write", write)
        assert export_version(model, tmp_path / "cnn")[0].name == "1"
        return metadata

    monkeypatch.setattr(saved_model, "_write", slow)
    path, metadata = export_version(model, tmp_path / "cnn")
    assert (path.name, metadata["version"]) == ("2", 2)
    for number in (1, 2):
        assert json.loads((tmp_path / "cnn" / str(number) / "metadata.json").read_text())["version"] == number
    assert sorted(entry.name for entry in (tmp_path / "cnn").iterdir()) == ["1", "2"]
