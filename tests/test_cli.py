"""The command line: its output, and the files that it writes."""

import json
import shlex

import numpy as np
import pytest
from PIL import Image

import kerazoo
from kerazoo.cli import main
from kerazoo.data import decoding, open_source
from kerazoo.presets.preset import find_preset
from tests.conftest import TINY_MODEL, TINY_OPTIONS, finish, python


def colour_images(folder, num=24, size=(26, 20)):
    folder.mkdir()
    for index in range(num):
        pixels = np.random.default_rng(index).integers(0, 256, (size[1], size[0], 3), np.uint8)
        Image.fromarray(pixels).save(folder / f"{index:02d}.png")


class TestSample:
    def test_same_seed_same_picture(self, here, capsys):
        model = kerazoo.create("dcgan", **TINY_MODEL)
        model.set_weights([30 * value for value in model.get_weights()])  # fresh ones draw grey, whatever the seed
        model.save_preset("bold")
        for name, seed in (("a", 3), ("b", 3), ("c", 4)):
            assert main(["sample", "bold", "--out", name, "--num", "5", "--seed", str(seed)]) == 0
        captured = capsys.readouterr()
        assert captured.out == "wrote a.png\nwrote b.png\nwrote c.png\n"
        assert captured.err == ""
        a, b, c = ((here / f"{name}.png").read_bytes() for name in "abc")
        assert a == b != c
        # five images of 16 pixels, each shown at 64: three columns and two rows, with gaps of 2
        picture = Image.open(here / "a.png")
        picture.load()
        assert picture.size == (3 * 66 + 2, 2 * 66 + 2)

    def test_default_name_is_the_model(self, here, finished_run):
        assert main(["sample", str(finished_run), "--num", "1"]) == 0
        assert [path.name for path in here.iterdir()] == ["tiny.png"]

    def test_stderr_stays_empty(self, here, finished_run):
        """In a process of its own, where TensorFlow starts as noisily as it does for a user."""
        command = ("-m", "kerazoo.cli", "sample", finished_run, "--out", here / "a")
        process = python(*command, env={"TF_CPP_MIN_LOG_LEVEL": "0"})
        assert finish(process) == (0, f"wrote {here / 'a.png'}\n", "")


class TestTrain:
    def test_a_preset_configuration_on_other_data(self, here, capsys):
        assert main(["train", "dcgan", "--out", "run", *TINY_OPTIONS, "--steps", "2", "--seed", "7"]) == 0
        captured = capsys.readouterr()
        assert captured.err == ""
        assert captured.out.splitlines()[-1] == "trained 2 steps; try: kerazoo sample run"
        assert find_preset("run").config.summary == "dcgan trained on digits"
        information = kerazoo.info("run")
        assert information["model"].items() >= TINY_MODEL.items()
        assert information["data"] == "digits"
        assert information["training"]["seed"] == 7
        recorded = shlex.split(information["training"]["command"])
        assert recorded[:3] == ["kerazoo", "train", "dcgan"]
        assert {"--steps", "--seed", "--data", "model.filters=4"} <= set(recorded)

    def test_a_folder_of_colour_images_gives_the_model_its_shape(self, here, capsys, tmp_path):
        colour_images(tmp_path / "photos")
        (tmp_path / "photos" / "broken.png").write_bytes(b"no image")
        options = ["--data", f"folder:{tmp_path / 'photos'}", "--steps", "2", "--batch-size", "8"]
        assert main(["train", "dcgan", "--out", "run", *options, "--set", "model.filters=4"]) == 0
        captured = capsys.readouterr()
        assert captured.out.startswith(
            "image_shape = [20, 20, 3], from the data; --set model.image_shape=... changes it"
        )
        assert captured.err.startswith("kerazoo: warning: folder:")
        assert captured.err.endswith(
            "images that cannot be read: broken.png (not an image, or one of an unknown kind)\n"
        )
        assert captured.err.count("\n") == 1
        assert kerazoo.load("run").generate(2, seed=0).shape == (2, 20, 20, 3)

    @pytest.mark.parametrize(("options", "shape"), [([], (32, 32, 3)), (["model.image_shape=[16,16,1]"], (16, 16, 1))])
    def test_images_are_decoded_once_in_the_size_that_the_model_takes(self, here, monkeypatch, options, shape):
        (here / "photos #1").mkdir()
        for i in range(20):
            Image.fromarray(np.full((32, 45, 3), i, np.uint8)).save(here / "photos #1" / f"{i}.png")
        decoded, decode = [], decoding.decode_image
        monkeypatch.setattr(decoding, "decode_image", lambda data, shape: decoded.append(shape) or decode(data, shape))
        overrides = [word for item in ["model.filters=2", *options] for word in ("--set", item)]
        command = ["train", "dcgan", "--data", "folder:photos #1", "--steps", "1", "--batch-size", "4"]
        assert main([*command, "--out", "run", "--strict", *overrides]) == 0
        assert set(decoded) == {shape}
        assert len(decoded) == len(open_source("folder:photos #1"))


class TestListAndInfo:
    def test_names_are_those_that_load_takes(self, capsys):
        assert main(["list", "--names"]) == 0
        names = capsys.readouterr().out.splitlines()
        assert sorted(names) == sorted([*kerazoo.list_models(), *kerazoo.list_presets()])
        assert {"dcgan", "dcgan_mnist"} <= set(names)

    def test_table_has_a_line_a_preset(self, capsys):
        assert main(["list"]) == 0
        header, *lines = capsys.readouterr().out.splitlines()
        assert header.split() == ["architecture", "preset", "what", "it", "is", "parameters", "weights"]
        assert sorted(line.split()[1] for line in lines) == sorted(kerazoo.list_presets())

    def test_info_of_presets_and_sources(self, here, finished_run, capsys, tmp_path):
        assert main(["info", str(finished_run)]) == 0
        out = capsys.readouterr().out
        assert "architecture: dcgan\n" in out
        assert f"sha256: {kerazoo.info(finished_run)['sha256']}\n" in out
        assert main(["info", "digits"]) == 0
        assert capsys.readouterr().out.startswith("digits[train]: 1,437 images of 8x8x1, uint8 0..255, 10 classes")
        colour_images(tmp_path / "photos")
        assert main(["info", f"folder:{tmp_path / 'photos'}"]) == 0
        assert "images of 20x20x3" in capsys.readouterr().out

    def test_commands_that_need_no_tensorflow_do_not_import_it(self, finished_run):
        script = (
            "import json, sys; from kerazoo.cli import main\n"
            "commands = (['list'], ['list', '--names'], ['info', 'dcgan'], ['info', sys.argv[1]], ['--help'])\n"
            "status = [main(command) for command in commands]\n"
            "heavy = [name for name in ('tensorflow', 'keras', 'sklearn', 'PIL') if name in sys.modules]\n"
            "print(json.dumps([status, heavy]), file=sys.stderr)"
        )
        status, _, stderr = finish(python("-c", script, finished_run))
        assert status == 0
        assert json.loads(stderr) == [[0] * 5, []]
