"""`kerazoo export` and what `kerazoo serve` says before it serves."""

import json

import pytest

from kerazoo.cli import main


def test_versions_and_what_is_said(here, capsys):
    assert main(["export", "cnn_classifier", "--out", "models/cnn"]) == 0
    assert main(["export", "cnn_classifier", "--out", "models/cnn"]) == 0
    said = capsys.readouterr().out
    assert "wrote models/cnn/1" in said
    assert "wrote models/cnn/2" in said
    assert "classify(images) -> probabilities; largest difference" in said
    metadata = json.loads((here / "models/cnn/2/metadata.json").read_text())
    assert (metadata["preset"], metadata["version"]) == ("cnn_classifier_mnist", 2)


@pytest.mark.xdist_group("litert")
@pytest.mark.usefixtures("one_converter")
def test_a_litert_file(here, capsys):
    command = ["export", "cnn_classifier", "--format", "litert", "--quantization", "float16"]
    file = here / "cnn_classifier_mnist.tflite"
    file.write_text("mine")
    assert main(command) == 1
    assert "exists already" in capsys.readouterr().err
    assert main([*command, "--overwrite"]) == 0
    assert 100_000 < file.stat().st_size < 1_000_000


@pytest.mark.parametrize(
    ("command", "words"),
    [
        (["export", "dgan"], "did you mean dcgan"),
        (["export", "dcgan", "--format", "onnx"], "one of saved_model, tf_saved_model, litert"),
        (["export", "dcgan", "--quantization", "int8"], "--quantization: only for --format litert"),
        (["export", "dcgan", "--out", "dcgan.tflite"], "add --format litert"),
        (["export", "dcgan", "--format", "litert", "--quantization", "int4"], "'int4'"),
        (["serve", "nowhere"], "nowhere"),
        (["serve", "nowhere", "--max-rows", "0"], "max_rows = 0: 1 or more is expected"),
        (["serve", "nowhere", "--max-length", "-1"], "max_length = -1: 1 or more is expected"),
        (["serve", "nowhere", "--max-request-mb", "0"], "max_request_mb = 0: 1 or more is expected"),
        (["serve", "nowhere", "--max-seconds", "nan"], "max_seconds = nan: 0.01 or more is expected"),
    ],
)
def test_one_line_says_what_is_wrong(command, words, here, capsys):
    assert main(command) == 1
    captured = capsys.readouterr()
    assert len(captured.err.splitlines()) == 1
    assert words in captured.err
    assert list(here.iterdir()) == []


def test_the_help_of_serve_says_whom_to_trust(capsys):
    assert main(["serve", "--help"]) == 0
    said = " ".join(capsys.readouterr().out.split())
    assert "A SavedModel is a program, which runs when it is loaded: serve only models that you trust." in said
    for option in ("--max-rows", "--max-length", "--max-request-mb", "--max-seconds", "--allowed-host"):
        assert option in said
