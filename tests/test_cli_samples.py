"""`kerazoo sample` and `kerazoo evaluate`: formats, sizes, prompts, tables."""

import base64
import csv
import io
import json
import re

import pytest
from PIL import Image

import kerazoo
from kerazoo.cli import main
from kerazoo.utils.tables import aligned, as_latex


def sample(*words):
    return main(["sample", *map(str, words)])


class TestFormats:
    def test_by_the_suffix(self, here, finished_run, capsys):
        for name in ("a.png", "b.pdf", "c.svg", "d", "e.v2"):
            assert sample(finished_run, "--num", 4, "--out", name) == 0
        assert sorted(path.name for path in here.iterdir()) == ["a.png", "b.pdf", "c.svg", "d.png", "e.v2.png"]
        assert (here / "b.pdf").read_bytes().startswith(b"%PDF")
        inner = re.search(r"base64,([^\"]+)", (here / "c.svg").read_text())[1]
        pictures = [Image.open(source).convert("RGB") for source in (io.BytesIO(base64.b64decode(inner)), "a.png")]
        assert pictures[0].tobytes() == pictures[1].tobytes()
        assert (here / "a.png").read_bytes() == (here / "d.png").read_bytes()
        assert sample(finished_run, "--num", 4, "--out", "again.pdf") == 0
        assert (here / "again.pdf").read_bytes() == (here / "b.pdf").read_bytes()

    def test_plots_too(self, here):
        for suffix, begin in ((".svg", b"<?xml"), (".pdf", b"%PDF")):
            for name in ("a", "b"):
                assert sample("wgan_gp_ring", "--num", 20, "--out", f"{name}{suffix}") == 0
            assert (here / f"a{suffix}").read_bytes().startswith(begin)
            assert (here / f"a{suffix}").read_bytes() == (here / f"b{suffix}").read_bytes()

    @pytest.mark.parametrize("name", ["a.jpg", "a.JPEG", "a.gif", "a.eps"])
    def test_what_is_not_written(self, here, finished_run, capsys, name):
        assert sample(finished_run, "--out", name) == 1
        assert (
            f"{name}: pictures are written as .png, .pdf, .svg; choose one of these suffixes" in capsys.readouterr().err
        )
        assert list(here.iterdir()) == []

    def test_scale(self, here, finished_run, capsys):
        assert sample(finished_run, "--num", 4, "--scale", 3, "--out", "a") == 0
        assert Image.open("a.png").size == (2 * (3 * 16 + 2) + 2,) * 2
        for wrong in (0, 65):
            assert sample(finished_run, "--scale", wrong, "--out", "b") == 1
            assert f"--scale = {wrong}: an integer from 1 to 64" in capsys.readouterr().err


class TestPrompts:
    def test_a_text_goes_on_from_it(self, here):
        assert sample("lstm_char_lm", "--prompt", "ROMEO:", "--num", 2, "--out", "a.txt") == 0
        assert (here / "a.txt").read_text().count("ROMEO:") >= 2
        assert (here / "a.txt").read_text().startswith("ROMEO:")

    def test_a_translation_is_of_it(self, here):
        assert sample("attention_seq2seq_reversal", "--prompt", "abcdefghijklmnopqrstuvwx", "--out", "a") == 0
        expected = "source       abcdefghijklmnopqrstuvwx\ntranslation  xwvutsrqponmlkjihgfedcba\n"
        assert (here / "a.txt").read_text() == expected

    def test_other_models_take_none(self, here, finished_run, capsys):
        assert sample(finished_run, "--prompt", "a cat") == 1
        line = "kerazoo: samples of image-generation have no option 'prompt'; they have num, seed, scale, overwrite\n"
        assert capsys.readouterr().err == line

    def test_a_prompt_stands_alone(self, here, capsys):
        prompt = ["attention_seq2seq_reversal", "--prompt", "abcdefghijklmnopqrstuvwx", "--out", "a"]
        for option, line in (
            (["--data", "reversal"], "data: the prompt is translated; leave it out"),
            (["--num", "2"], "num: one prompt is translated; leave it out"),
        ):
            assert sample(*prompt, *option) == 1
            assert capsys.readouterr().err == f"kerazoo: {line}\n"
        assert list(here.iterdir()) == []


class TestData:
    @pytest.mark.parametrize("name", ["dcgan", "rbm", "lstm_char_lm"])
    def test_a_task_that_draws_from_the_model_alone_takes_none(self, here, capsys, name):
        assert sample(name, "--data", "digits", "--out", "a") == 1
        assert "have no option 'data'; they have num, seed" in capsys.readouterr().err
        assert list(here.iterdir()) == []

    def test_other_models_show_them(self, here):
        for name in ("vae", "cnn_classifier"):
            for data in ("digits", "shapes"):
                assert sample(name, "--data", data, "--num", 4, "--scale", 1, "--out", f"{name}-{data}") == 0
            assert (here / f"{name}-digits.png").read_bytes() != (here / f"{name}-shapes.png").read_bytes()


class TestTables:
    def test_figures_as_json_csv_and_latex(self, here, capsys):
        command = ["evaluate", "wgan_gp_ring", "--num", "200"]
        assert main([*command, "--json"]) == 0
        captured = capsys.readouterr()
        report = json.loads(captured.out)
        assert captured.err == ""
        assert (report["preset"], report["num"], report["metrics"]["num_points"]) == ("wgan_gp_ring", 200, 200)
        assert main([*command, "--csv"]) == 0
        rows = list(csv.reader(capsys.readouterr().out.splitlines()))
        assert rows[0] == ["metric", "wgan_gp_ring"]
        assert {name: float(value) for name, value in rows[1:]} == pytest.approx(report["metrics"])
        assert main([*command, "--latex"]) == 0
        assert r"modes\_covered & 8 \\" in capsys.readouterr().out
        assert main([*command, "--csv", "--json"]) == 1
        assert capsys.readouterr().err == "kerazoo: --json and --csv: give one of them\n"

    def test_cells(self):
        rows = [("a_b", "x & y"), ("loss", 0.00001), ("n", 3)]
        assert aligned(rows) == "a_b   x & y\nloss  1.00e-05\nn     3"
        assert r"a\_b & x \& y \\" in as_latex(rows)


def test_the_version(capsys):
    assert main(["--version"]) == 0
    assert capsys.readouterr().out == f"kerazoo {kerazoo.__version__}\n"


def test_lists_of_some(capsys):
    assert main(["list", "gan*"]) == 0  # the family
    assert {line.split()[0] for line in capsys.readouterr().out.splitlines()[1:]} >= {"dcgan", "wgan_gp"}
    assert main(["list", "*_ring", "--names"]) == 0
    found = capsys.readouterr().out.split()
    assert {"wgan_gp", "wgan_gp_ring"} <= set(found)
    assert "wgan_gp_mnist" not in found
    assert main(["list", "dcgn*"]) == 1
    assert "unknown model 'dcgn*'" in capsys.readouterr().err


def test_unknown_sources_list_sources(capsys):
    for name in ("tdfs:mnist", "nothing:at/all"):
        assert main(["info", name]) == 1
        assert "copying:T, csv:PATH, digits, folder:PATH" in capsys.readouterr().err
    assert main(["info", "digitz"]) == 1
    assert "unknown data source 'digitz': did you mean digits?" in capsys.readouterr().err
