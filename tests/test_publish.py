"""`kerazoo publish`: from a finished run to a preset folder, and into the README of a checkout."""

import shutil
from pathlib import Path

import pytest

import kerazoo
from kerazoo.cli import main
from kerazoo.exporting import export_litert
from kerazoo.presets.cards import render_card
from kerazoo.presets.preset import find_preset
from kerazoo.training import export_figures
from kerazoo.utils.errors import ExportError
from tests.conftest import finish, python

# One run for all, and one converter.
pytestmark = [pytest.mark.xdist_group("litert"), pytest.mark.usefixtures("one_converter")]

ROOT = Path(kerazoo.__file__).parents[1]
RECIPE = """\
# Tiny.
architecture: wgan_gp
summary: Points on a grid
model:
  num_features: 2
  latent_dim: 2  # as the data
  generator_units: [8, 8]
  critic_units: [8, 8]
data: {source: grid}
training: {steps: 6, batch_size: 32}
evaluation: {data: grid, num: 100}
notes:
  - One of a test.
"""
FILES = ["card.md", "config.yaml", "metrics.json", "model.weights.h5", "samples.png"]


def write_recipe(folder, text=RECIPE):
    folder.mkdir(parents=True)
    (folder / "config.yaml").write_text(text)
    return folder


@pytest.fixture(scope="module")
def run(tmp_path_factory):
    folder = tmp_path_factory.mktemp("published")
    recipe = write_recipe(folder / "wgan_gp_grid")
    assert main(["train", str(recipe), "--out", str(folder / "run")]) == 0
    return folder / "run"


@pytest.fixture
def float32_alone(monkeypatch):
    """The other files take their time; that they are made is measured by the slow test."""

    def export(model, path, *, quantization=None):
        if quantization is not None:
            raise ExportError("not in this test")
        return export_litert(model, path)

    monkeypatch.setattr(export_figures, "export_litert", export)


def refused(capsys, words, *expected):
    capsys.readouterr()
    assert main([str(word) for word in words]) == 1
    stderr = capsys.readouterr().err
    assert stderr.count("\n") == 1
    for text in expected:
        assert text in stderr


def test_a_recipe_gets_its_weights_and_stays_as_it_was_written(run, tmp_path, float32_alone, capsys):
    folder = write_recipe(tmp_path / "wgan_gp_grid")
    assert main(["publish", str(run), "wgan_gp_grid", "--out", str(folder)]) == 0
    assert sorted(path.name for path in folder.iterdir()) == FILES
    assert (folder / "config.yaml").read_text() == RECIPE
    assert [path.name for path in tmp_path.iterdir()] == ["wgan_gp_grid"]
    preset = find_preset(folder)
    assert (folder / "card.md").read_text() == render_card(preset)
    assert preset.metadata["evaluation"]["num"] == 100
    assert preset.metadata["evaluation"]["metrics"]["num_points"] == 100
    litert = preset.metadata["exports"]["litert"]
    assert litert["float32"]["bytes"] > 1000
    assert litert["int8"] == {"reason": "not in this test"}
    assert preset.metadata["training"]["command"].startswith("kerazoo train ")
    assert kerazoo.load(folder).generate(3, seed=0).shape == (3, 2)
    out = capsys.readouterr().out.splitlines()
    assert out[-1] == f"look at {folder / 'card.md'} before you commit it"


def test_without_a_recipe_the_configuration_states_what_differs_from_the_defaults(run, tmp_path, float32_alone):
    folder = tmp_path / "wgan_gp_mine"
    options = ["--set", "evaluation.num=50", "--set", "summary=Mine"]
    assert main(["publish", str(run), "wgan_gp_mine", "--out", str(folder), *options]) == 0
    assert (folder / "config.yaml").read_text() == (
        "architecture: wgan_gp\nsummary: Mine\nmodel:\n  num_features: 2\n  latent_dim: 2\n  generator_units: [8, 8]\n"
        "  critic_units: [8, 8]\ndata:\n  source: grid\ntraining:\n  steps: 6\n  batch_size: 32\n"
        "evaluation:\n  data: grid\n  num: 50\nnotes:\n- One of a test.\n"
    )


def test_what_a_recipe_says_beside_training_may_change_after_the_run(run, tmp_path, float32_alone):
    folder = write_recipe(tmp_path / "wgan_gp_grid", RECIPE.replace("One of a test.", "Looked at."))
    assert main(["publish", str(run), "wgan_gp_grid", "--out", str(folder)]) == 0
    assert "Looked at." in (folder / "card.md").read_text()


def test_what_is_refused(run, tmp_path, capsys):
    out = ["--out", tmp_path / "wgan_gp_grid"]
    refused(capsys, ["publish", run, "dcgan_grid", *out], "the name dcgan_grid: wgan_gp_<something> is expected")
    refused(capsys, ["publish", run, "wgan_gp_", *out], "wgan_gp_<something> is expected")
    refused(capsys, ["publish", run, "wgan_gp_../x", *out], "wgan_gp_<something> is expected")
    refused(capsys, ["publish", run / "preset", "wgan_gp_grid", *out], "not a run folder of kerazoo train")
    refused(capsys, ["publish", tmp_path / "none", "wgan_gp_grid", *out], "not a run folder of kerazoo train")
    changed = ["--set", "training.steps=9"]
    refused(capsys, ["publish", run, "wgan_gp_grid", *out, *changed], "--set training", "may be set")
    assert list(tmp_path.iterdir()) == []
    unmeasured = [*out, "--set", "evaluation.data=null"]
    refused(capsys, ["publish", run, "wgan_gp_grid", *unmeasured], "what are its figures of? --set evaluation.data=")
    assert list(tmp_path.iterdir()) == []
    write_recipe(tmp_path / "wgan_gp_grid", RECIPE.replace("steps: 6", "steps: 7"))
    expected = "says otherwise than the run: training.steps is 7 there and 6 here"
    refused(capsys, ["publish", run, "wgan_gp_grid", *out], expected)
    (tmp_path / "wgan_gp_grid" / "metrics.json").write_text("{}")
    refused(capsys, ["publish", run, "wgan_gp_grid", *out], "is a preset already")
    assert sorted(path.name for path in (tmp_path / "wgan_gp_grid").iterdir()) == ["config.yaml", "metrics.json"]


def test_a_run_that_is_not_finished(run, tmp_path, capsys):
    copy = shutil.copytree(run, tmp_path / "run")
    (copy / "run.json").write_text('{"total_steps": 8}')
    refused(
        capsys, ["publish", copy, "wgan_gp_grid", "--out", tmp_path / "x"], "not finished (it stands at step 6 of 8)"
    )


def test_nothing_is_left_of_figures_that_fail(run, tmp_path, capsys, monkeypatch):
    folder = write_recipe(tmp_path / "wgan_gp_grid")

    def fail(*arguments):
        raise ExportError("no space for a model")

    monkeypatch.setattr("kerazoo.training.publishing.measure_exports", fail)
    refused(capsys, ["publish", run, "wgan_gp_grid", "--out", folder], "no space for a model")
    assert [path.name for path in folder.iterdir()] == ["config.yaml"]
    assert [path.name for path in tmp_path.iterdir()] == ["wgan_gp_grid"]


@pytest.mark.slow
def test_a_checkout_gets_the_preset_and_a_row_in_its_readme(tmp_path):
    """The steps of CONTRIBUTING.md: train, then publish, in a copy of the checkout."""
    checkout = tmp_path / "checkout"
    shutil.copytree(ROOT / "kerazoo", checkout / "kerazoo", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "zoo_configs", checkout / "zoo_configs")
    for name in ("README.md", "pyproject.toml"):
        shutil.copy(ROOT / name, checkout / name)
    write_recipe(checkout / "zoo_configs" / "wgan_gp_grid")
    for words in (["train", "wgan_gp_grid"], ["publish", "runs/wgan_gp_grid", "wgan_gp_grid"]):
        status, stdout, stderr = finish(
            python("-m", "kerazoo.cli", *words, cwd=checkout, env={"PYTHONPATH": str(checkout)}), timeout=300
        )
        assert status == 0, stderr
    assert stdout.splitlines()[-2] == f"wrote {checkout / 'README.md'}"
    before, after = (folder.joinpath("README.md").read_text().splitlines() for folder in (ROOT, checkout))
    added = [line for line in after if line not in before]
    assert [line.split(" | ")[1:3] for line in added] == [["wgan_gp_grid", "Points on a grid"]]
    assert [line for line in after if line not in added] == before
    folder = checkout / "zoo_configs" / "wgan_gp_grid"
    assert sorted(path.name for path in folder.iterdir()) == FILES
    report = find_preset(folder).metadata["exports"]["litert"]
    assert all(report[label]["bytes"] > 1000 for label in ("float32", "float16", "dynamic", "int8"))
