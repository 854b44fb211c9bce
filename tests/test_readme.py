"""The README's Python runs as it stands, in one script, in the order of the page."""

import re
import warnings
from pathlib import Path

import numpy as np

import kerazoo

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")


def test_the_python_of_the_readme_runs(tmp_path, monkeypatch, own_classes):
    monkeypatch.chdir(tmp_path)
    blocks = re.findall(r"```python\n(.*?)```", README, re.DOTALL)
    assert len(blocks) >= 3
    images = np.random.default_rng(0).integers(0, 256, (64, 28, 28, 1), dtype=np.uint8)
    names = {"my_images": images, "my_labels": np.arange(64) % 10}
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        for block in blocks:
            exec(block, names)
    assert names["images"].shape == (16, 28, 28, 1)
    assert int(names["model"].step.numpy()) == 10  # five epochs of one step, saved, loaded, and five more
    assert kerazoo.load("mine").generate(1, seed=0).shape == (1, 28, 28, 1)
    encoders = (names["encoder"], kerazoo.load("autoencoder").encoder)
    begun, given = (encoder.get_weights()[0] for encoder in encoders)
    assert 0 < np.abs(begun - given).max() < 0.1  # the classifier began with the encoder, and trained it
    assert names["colour"].image_shape == (28, 28, 3)
    assert any("fresh values stay in" in str(warning.message) for warning in caught)
