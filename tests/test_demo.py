"""Files and output of `make demo`."""

import re

from PIL import Image

from kerazoo.cli.demo import run_demo


def test_pictures_and_both_exports(tmp_path):
    lines = []
    run_demo(tmp_path, say=lines.append)
    for name in ("samples.png", "interpolation.png"):
        assert min(Image.open(tmp_path / name).size) > 400
    assert (tmp_path / "models" / "dcgan" / "1" / "saved_model.pb").is_file()
    assert (tmp_path / "dcgan.tflite").is_file()
    said = [re.search(r"(\S+): (\S+) MB, loaded again; .* digits (\S+)", line) for line in lines]
    said = [match for match in said if match]
    assert [match[1] for match in said] == [str(tmp_path / "models/dcgan/1"), str(tmp_path / "dcgan.tflite")]
    assert all(float(match[2]) > 5 and float(match[3]) < 1e-4 for match in said)
    run_demo(tmp_path, say=lines.append)  # again, over what it wrote
