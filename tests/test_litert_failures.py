"""Failing exports to LiteRT: the message, in one line, and that nothing is left behind."""

import dataclasses
import sys

import pytest
import tensorflow as tf

from kerazoo.base.endpoints import Endpoint
from kerazoo.exporting import export_litert, litert
from kerazoo.utils.errors import DataError, ExportError, OutputError
from tests.conftest import finish, python
from tests.test_litert import tiny_model

pytestmark = [pytest.mark.xdist_group("litert"), pytest.mark.usefixtures("one_converter")]


def with_endpoints(monkeypatch, model, **functions):
    """The model with other functions behind the inputs of its first endpoint."""
    first = next(iter(model.endpoints().values()))
    endpoints = {name: dataclasses.replace(first, function=one) for name, one in functions.items()}
    monkeypatch.setattr(type(model), "endpoints", lambda self: endpoints)
    return model


@pytest.mark.parametrize(
    ("architecture", "options", "message"),
    [
        ("dbn", {"quantization": "int4"}, "quantization = 'int4': one of None, 'float16', 'dynamic', 'int8'"),
        ("dbn", {"quantization": "int8"}, "give calibration= (--calibration), for example 'tfds:mnist'"),
        ("dbn", {"calibration": "digits"}, "only int8 is calibrated"),
        ("dbn", {"batch_size": 0}, "batch_size = 0"),
        ("dbn", {"quantization": "int8", "calibration": "ring"}, "ring holds 2-D points"),
        ("attention_seq2seq", {"quantization": "int8"}, "score_tokens: the converter's calibration cannot follow"),
    ],
)
def test_arguments_that_do_not_fit_are_one_line(architecture, options, message, tmp_path):
    with pytest.raises((ExportError, DataError, ValueError)) as error:
        export_litert(tiny_model(architecture), tmp_path / "model.tflite", **options)
    assert message in str(error.value)
    assert "\n" not in str(error.value)
    assert not list(tmp_path.iterdir())


def test_the_signature_that_cannot_be_converted_is_named_with_its_operator(monkeypatch, tmp_path):
    model = with_endpoints(
        monkeypatch, tiny_model("vae"), good=lambda z: 2.0 * z, bad=lambda z: tf.linalg.svd(z, compute_uv=False)
    )
    with pytest.raises(ExportError) as error:
        export_litert(model, tmp_path / "model.tflite")
    assert str(error.value) == "signature 'bad' cannot be converted to LiteRT: ops: Svd"
    assert not list(tmp_path.iterdir())


def test_a_crash_of_the_converter_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setattr(litert, "CONVERTER", "tests.litert_crash")
    with pytest.raises(ExportError) as error:
        export_litert(tiny_model("cnn_classifier"), tmp_path / "model.tflite")
    expected = "signature 'features' cannot be converted to LiteRT: it crashed (Segmentation fault)"
    assert str(error.value) == expected
    assert not list(tmp_path.iterdir())


def test_numbers_that_are_not_finite_are_refused(monkeypatch, tmp_path):
    model = with_endpoints(monkeypatch, tiny_model("vae"), log=lambda z: tf.math.log(0.0 * z))
    with pytest.raises(ExportError, match="signature 'log', output 'images': values that are not finite"):
        export_litert(model, tmp_path / "model.tflite", quantization="dynamic")
    assert not list(tmp_path.iterdir())


def test_a_file_that_exists_is_kept_before_anything_is_converted(tmp_path, monkeypatch):
    path = tmp_path / "model.tflite"
    path.write_text("mine")
    monkeypatch.setattr(litert, "trace", None)  # nothing gets as far
    with pytest.raises(OutputError, match="exists already"):
        export_litert(tiny_model("dbn"), path)
    assert path.read_text() == "mine"


@pytest.mark.skipif(sys.platform == "win32", reason="limits of the file size are POSIX's")
def test_a_full_disk_is_one_line_and_leaves_nothing(tmp_path):
    code = (
        "import resource, signal, sys, kerazoo; from kerazoo.exporting import export_litert;"
        "model = kerazoo.create('dbn', image_shape=(16, 16, 1), hidden_units=(64,), num_classes=3);"
        "signal.signal(signal.SIGXFSZ, signal.SIG_IGN); resource.setrlimit(resource.RLIMIT_FSIZE, (40_000, 40_000));"
        "export_litert(model, sys.argv[1])"
    )
    (tmp_path / "out").mkdir()
    (tmp_path / "scratch").mkdir()
    process = python("-c", code, tmp_path / "out" / "model.tflite", env={"TMPDIR": str(tmp_path / "scratch")})
    status, _, errors = finish(process)
    assert status == 1
    line = errors.splitlines()[-1]
    assert "OutputError: cannot write" in line, errors
    assert line.endswith("/saved_model: the file would be larger than allowed here")
    assert not list((tmp_path / "out").iterdir())
    assert not list((tmp_path / "scratch").glob("kerazoo*"))  # TensorFlow leaves bytecode of its own there


def test_an_endpoint_of_strings_or_seeds_alone_has_no_file(monkeypatch, tmp_path):
    model = tiny_model("dcgan")
    endpoints = {"sample": model.endpoints()["sample"]}
    assert isinstance(endpoints["sample"], Endpoint)
    monkeypatch.setattr(type(model), "endpoints", lambda self: endpoints)
    with pytest.raises(ExportError, match="sample: LiteRT draws no seeded random numbers"):
        export_litert(model, tmp_path / "model.tflite")
