"""Files and output of `make demo`."""

import re

import pytest
from PIL import Image

from kerazoo.cli.demo import run_demo

FILES = ("samples.png", "interpolation.png", "models/dcgan/1/saved_model.pb", "dcgan.tflite")


def test_pictures_and_both_exports(tmp_path):
    """Over what an earlier one wrote."""
    for name in FILES:
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_bytes(b"earlier")
    check_demo(tmp_path)


@pytest.mark.slow
def test_again(tmp_path):
    for _ in range(2):
        check_demo(tmp_path / "demo")


def check_demo(out):
    lines = []
    run_demo(out, say=lines.append)
    for name in ("samples.png", "interpolation.png"):
        assert min(Image.open(out / name).size) > 400
    assert all((out / name).is_file() for name in FILES)
    said = [re.search(r"(\S+): (\S+) MB, loaded again; .* digits (\S+)", line) for line in lines]
    said = [match for match in said if match]
    assert [match[1] for match in said] == [str(out / "models/dcgan/1"), str(out / "dcgan.tflite")]
    assert all(float(match[2]) > 5 and float(match[3]) < 1e-4 for match in said)
