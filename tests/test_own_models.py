"""A user's own model, in a file outside the package, on the command line: train, sample, evaluate, export, serve.

The file is that of the README's section "A model of your own".
"""

import json
import re
import sys
import urllib.request
from pathlib import Path

import numpy as np
import pytest

import kerazoo
from kerazoo.base import registry
from kerazoo.cli import main
from kerazoo.models.gans.dcgan import DCGAN
from kerazoo.presets.config import read_config
from kerazoo.serving import Server
from kerazoo.utils.errors import ConfigError
from tests.conftest import TINY_OPTIONS, finish, python

README = (Path(__file__).parents[1] / "README.md").read_text(encoding="utf-8")
FILE = re.search(r"```python\n(import kerazoo\n[^`]*@kerazoo.register\([^`]*)```", README)[1]


@pytest.fixture
def project(tmp_path, monkeypatch, own_classes):
    """A working folder with `my_models.py`, whose architecture is forgotten again."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "my_models.py").write_text(FILE)
    yield tmp_path
    for name in ("my_models", "wrong"):
        sys.modules.pop(name, None)


def forget():
    registry._CLASSES.pop("my_lsgan")
    sys.modules.pop("my_models")


def test_from_training_to_serving(project, capsys):
    assert len(FILE.splitlines()) <= 40
    own = ["--import", "my_models.py"]
    assert main(["train", "my_lsgan", "--out", "runs/mine", *TINY_OPTIONS, "--steps", "2", *own]) == 0
    assert capsys.readouterr().err == ""
    assert read_config("runs/mine/config.yaml").module == "my_models.py"
    assert read_config("runs/mine/preset/config.yaml").module == "my_models.py"
    assert "--import my_models.py" in kerazoo.info("runs/mine")["training"]["command"]
    loss = kerazoo.info("runs/mine")["training"]["losses"]["generator_loss"]
    assert loss == pytest.approx(1, abs=0.1)  # (0 - 1)^2 of a fresh network; DCGAN's is ln 2

    assert main([*own, "list", "my*"]) == 0
    assert "my_lsgan" in capsys.readouterr().out
    forget()
    assert main(["info", "runs/mine"]) == 0  # the file is found again: it is in the working folder
    assert "architecture: my_lsgan" in capsys.readouterr().out
    assert main(["sample", "runs/mine", "--num", "4", "--out", "four"]) == 0
    assert (project / "four.png").stat().st_size > 100
    measured = ["--data", "digits", "--num", "100", "--set", "evaluation.extractor=extractor.keras"]
    classifier = kerazoo.create(
        "cnn_classifier", image_shape=(16, 16, 1), num_classes=10, filters=(4, 4), feature_dim=6
    )
    classifier.save("extractor.keras")
    assert main(["evaluate", "runs/mine", *measured]) == 0
    captured = capsys.readouterr()
    assert "classifier_fid " in captured.out
    assert "kerazoo: warning: classifier_fid of 100 images is biased upwards" in captured.err

    assert main(["export", "runs/mine", "--out", "models/mine"]) == 0
    assert main(["export", "runs/mine", "--format", "litert", "--out", "mine.tflite"]) == 0
    z = np.zeros((2, 8), "float32")
    with Server("models", rest_port=0, grpc_port=None) as server:
        body = json.dumps({"instances": [{"z": row.tolist()} for row in z]}).encode()
        url = f"http://127.0.0.1:{server.rest_port}/v1/models/mine:predict"
        with urllib.request.urlopen(urllib.request.Request(url, body), timeout=60) as answer:
            images = np.array(json.load(answer)["predictions"])
    np.testing.assert_allclose(images, kerazoo.load("runs/mine").decode(z), atol=1e-4)


def test_the_module_is_named_where_it_is_missing(project, capsys):
    main(["train", "my_lsgan", "--out", "run", *TINY_OPTIONS, "--steps", "1", "--import", "my_models.py"])
    (project / "my_models.py").rename(project / "elsewhere.txt")
    forget()
    capsys.readouterr()
    for command in (["sample", "run"], ["info", "run"], ["export", "run"]):
        assert main(command) == 1
        assert capsys.readouterr().err == (
            "kerazoo: run/preset: the architecture my_lsgan needs the module my_models.py: give --import FILE, or "
            "install it\n"
        )
    (project / "deeper").mkdir()
    (project / "elsewhere.txt").rename(project / "deeper" / "my_models.py")
    assert main(["info", "run", "--import=deeper/my_models.py"]) == 0


def test_the_module_is_found_from_another_folder_and_by_its_name(project, capsys, monkeypatch):
    """As a process of its own does, once what this one knows is forgotten; the slow tests have such processes."""
    main(["train", "my_lsgan", "--out", "runs/mine", *TINY_OPTIONS, "--steps", "1", "--import", "my_models.py"])
    (project / "below").mkdir()
    monkeypatch.chdir(project / "below")
    forget()
    capsys.readouterr()
    assert main(["sample", "../runs/mine", "--num", "1"]) == 0
    assert capsys.readouterr() == ("wrote mine.png\n", "")
    forget()
    monkeypatch.syspath_prepend(project)
    assert kerazoo.load("../runs/mine").architecture == "my_lsgan"
    assert sys.modules["my_models"].__file__ == str(project / "my_models.py")


@pytest.mark.slow
def test_in_a_process_of_its_own_from_another_folder(project):
    """The module is found from above the run: it is where the run's project has it."""
    main(["train", "my_lsgan", "--out", "runs/mine", *TINY_OPTIONS, "--steps", "1", "--import", "my_models.py"])
    (project / "below").mkdir()
    process = python("-m", "kerazoo.cli", "sample", "../runs/mine", "--num", "1", cwd=project / "below")
    assert finish(process) == (0, "wrote mine.png\n", "")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("import nothing_of_this_name", "wrong.py: cannot be imported (ModuleNotFoundError: No module named"),
        ("x = 1", "wrong.py: registers no architecture"),
        ("1 +", "wrong.py: cannot be imported (SyntaxError"),
    ],
)
def test_modules_that_are_none(project, capsys, text, expected):
    (project / "wrong.py").write_text(text)
    assert main(["list", "--import", "wrong.py"]) == 1
    stderr = capsys.readouterr().err
    assert expected in stderr
    assert stderr.count("\n") == 1
    assert main(["--import", "none.py", "list"]) == 1
    assert capsys.readouterr().err == "kerazoo: none.py: no such file\n"


def test_a_class_that_is_not_registered_is_saved_as_nothing(tmp_path):
    class SpectralDCGAN(DCGAN):
        """Inherits the architecture's name of its parent."""

    model = SpectralDCGAN(image_shape=(16, 16, 1), filters=4, latent_dim=8)
    expected = (
        "class SpectralDCGAN is not registered, so nothing could load it again; put "
        '@kerazoo.register("spectral_dcgan") above it'
    )
    for save in (
        lambda: model.save_preset(tmp_path / "preset"),
        lambda: model.save(tmp_path / "model.keras"),
        lambda: model.export(tmp_path / "model"),
        lambda: model.export(tmp_path / "model.tflite", "litert"),
    ):
        with pytest.raises(ConfigError) as caught:
            save()
        assert str(caught.value) == expected
    assert list(tmp_path.iterdir()) == []


def test_an_architecture_without_a_preset_needs_data(project, capsys):
    assert main(["train", "my_lsgan", "--import", "my_models.py"]) == 1
    assert "my_lsgan has no preset that says what it is trained on; give --data" in capsys.readouterr().err
    assert sorted(path.name for path in project.iterdir() if path.name != "__pycache__") == ["my_models.py"]


@pytest.mark.slow
def test_a_script_beside_the_file_loads_its_runs(project):
    """There the module is found by its name, too, and is no other one."""
    assert main(["train", "my_lsgan", "--out", "run", *TINY_OPTIONS, "--steps", "1", "--import", "my_models.py"]) == 0
    (project / "load.py").write_text("import kerazoo\nprint(kerazoo.load('run').architecture)\n")
    assert finish(python("load.py", cwd=project))[:2] == (0, "my_lsgan\n")


def test_two_classes_of_one_name_are_refused_and_one_defined_anew_is_not():
    from kerazoo.models.gans.dcgan import DCGAN

    def define(qualname):
        return kerazoo.register("twice")(type(qualname, (DCGAN,), {"__module__": "notebook", "__qualname__": qualname}))

    define("Mine")
    define("Mine")
    with pytest.raises(ConfigError, match=r"notebook\.Mine has this name already"):
        define("Other")
    registry._CLASSES.pop("twice")
