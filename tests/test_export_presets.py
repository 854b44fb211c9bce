"""Every preset as a SavedModel: through the C API, through Python, and as `saved_model_cli` shows it."""

import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

import kerazoo
from tests.exports import check_saved_model
from tests.zoo_rows import published

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("preset", published())
def test_a_preset_is_exported_whole(preset, tmp_path):
    model, folder = kerazoo.load(preset), tmp_path / preset / "1"
    metadata = check_saved_model(model, folder)
    assert metadata["preset"] == preset
    assert metadata["parameters"] <= sum(int(np.prod(weight.shape)) for weight in model.weights)
    assert metadata["weights"]["bytes"] < 1.1 * 4 * metadata["parameters"]
    shown = _show(folder)
    for name, signature in metadata["signatures"].items():
        assert f"signature_def['{name}']:" in shown
        for key in (*signature["inputs"], *signature["outputs"]):
            assert f"['{key}'] tensor_info:" in shown


def _show(folder):
    tool = Path(sys.executable).parent / "saved_model_cli"
    command = [tool, "show", "--dir", folder, "--tag_set", "serve", "--all"]
    return subprocess.run(list(map(str, command)), check=True, capture_output=True, text=True).stdout
