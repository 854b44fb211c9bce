"""The command line when something is wrong: one line on stderr, a status that is not 0, nothing left half-written."""

import resource
import shlex

import pytest

from kerazoo.cli import main
from kerazoo.presets.config import write_config
from tests.conftest import TINY_OPTIONS, finish, python, tiny_config


def fails(capsys, command, *expected, status=1):
    """Check that a command fails with one line that says all that is expected; returns the line."""
    arguments = shlex.split(command) if isinstance(command, str) else [str(word) for word in command]
    assert main(arguments) == status
    stderr = capsys.readouterr().err
    assert stderr.startswith("kerazoo: ")
    assert stderr.count("\n") == 1
    for words in expected:
        assert words in stderr
    return stderr


def train_tiny(*options):
    return ["train", "dcgan", "--out", "run", *TINY_OPTIONS, *options]


class TestWrongUsage:
    @pytest.mark.parametrize(
        ("command", "expected", "hint"),
        [
            ("trian dcgan", "No such command 'trian'. Did you mean 'train'?", "kerazoo --help"),
            ("train", "Missing argument 'model'", "kerazoo train --help"),
            ("train dcgan --epochz 3", "No such option: --epochz", "kerazoo train --help"),
            ("train dcgan --epochs three", "Invalid value for '--epochs'", "kerazoo train --help"),
            ("list gan* extra", "unexpected extra argument", "kerazoo list --help"),
            ("sample dcgan --out", "'--out'", "kerazoo sample --help"),
        ],
    )
    def test_exit_status_2_and_where_to_read_on(self, here, capsys, command, expected, hint):
        fails(capsys, command, expected, f"(see {hint})", status=2)
        assert list(here.iterdir()) == []


class TestRefusedTraining:
    @pytest.mark.parametrize(
        ("options", "expected"),
        [
            ("--set model.latent_dims=3", "unknown key 'latent_dims' (value 3); did you mean latent_dim?"),
            ("--set modle.latent_dim=3", "unknown key 'modle'"),
            ("--set model.latent_dim=three", "latent_dim = 'three': input should be a valid integer"),
            ("--set model.latent_dim", "--set model.latent_dim: key=value is expected"),
            ("--set model.image_shape=[30,31,1]", "image_shape = [30, 31, 1]: a square of 16 to 128 pixels"),
            ("--set model.image_shape=5", "image_shape = 5"),
            ("--set optimizers.critic.learning_rate=1", "unknown role 'critic'"),
            ("--epochs 0", "training.epochs = 0: input should be greater than 0"),
            ("--epochs -3", "training.epochs = -3"),
            ("--steps 0", "training.steps = 0"),
            ("--steps -1", "training.steps = -1"),
            ("--batch-size 0", "training.batch_size = 0"),
            ("--batch-size -5", "training.batch_size = -5"),
            ("--seed -1", "training.seed = -1"),
            ("--seed 2147483648", "training.seed = 2147483648"),
            ("--strategy tpu", "training.strategy = 'tpu': input should be 'auto', 'one', 'mirrored' or 'multiworker'"),
            ("--precision float64", "training.precision = 'float64': input should be 'float32', 'mixed_bfloat16' or"),
            ("--set model.label_smoothing=.nan", "label_smoothing = nan: input should be a finite number"),
            ("--set training.decay_start=.nan", "training.decay_start = nan: input should be a finite number"),
            ("--set model.label_smoothing=true", "label_smoothing = True: input should be a valid number"),
            ("--set evaluation.epsilon=true", "evaluation.epsilon = True: input should be a valid number"),
            ("--set evaluation.extractor=cnn_clasifier", "unknown model 'cnn_clasifier'; did you mean cnn_classifier"),
            ("--set evaluation.extractor=mine.keras", "mine.keras: no such file"),
            ("--evaluate --set evaluation.data=folder:missing", "folder:missing: no such folder"),
            ("--evaluate --set evaluation.data=null", "no data to measure it on; give --set evaluation.data=SOURCE"),
            ("--data folder:missing", "folder:missing: no such folder"),
            ("--data folder:.", "folder:.: no images in it"),
            ("--data mnist", "unknown data source 'mnist': did you mean tfds:mnist?"),
            ("--data ring", "ring holds 2-D points"),
        ],
    )
    def test_options_and_data(self, here, capsys, options, expected):
        fails(capsys, train_tiny(*shlex.split(options)), expected)
        assert list(here.iterdir()) == []

    def test_unknown_model(self, here, capsys):
        for command in ("train dcgn", "sample dcgn", "evaluate dcgn", "info dcgn"):
            fails(capsys, command, "unknown model 'dcgn'; did you mean dcgan")
        assert list(here.iterdir()) == []

    def test_data_that_are_not_prepared(self, here, capsys, tmp_path, monkeypatch):
        monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path / "datasets"))
        fails(capsys, train_tiny("--data", "tfds:mnist"), "tfds:mnist is not prepared", "--download", "TFDS_DATA_DIR")
        assert list(here.iterdir()) == []

    def test_images_that_are_all_broken(self, here, capsys, tmp_path):
        (tmp_path / "photos").mkdir()
        for name in ("a.png", "b.jpg"):
            (tmp_path / "photos" / name).write_bytes(b"no image")
        fails(
            capsys, train_tiny("--data", f"folder:{tmp_path / 'photos'}"), "none of the 2 images can be read", "a.png"
        )
        assert list(here.iterdir()) == []

    def test_output_folders(self, run_copy, capsys):
        before = sorted(path.name for path in run_copy.iterdir())
        command = ["train", "dcgan", *TINY_OPTIONS, "--out"]
        fails(capsys, [*command, run_copy], f"{run_copy} exists already", "--overwrite")
        other = ["--resume", "--set=model.label_smoothing=0.123"]
        fails(capsys, [*command, run_copy, *other], "is a run of another configuration: ", "label_smoothing is")
        other = ["train", "rbm", "--out", run_copy, "--resume"]
        fails(capsys, other, "is a run of another configuration: it trains dcgan, not rbm")
        fails(capsys, [*command, run_copy.parent, "--overwrite"], "will not be overwritten", "no config.yaml")
        file = run_copy / "config.yaml"
        fails(capsys, [*command, file / "sub"], f"cannot write {file / 'sub'}", "a part of the path is a file")
        assert sorted(path.name for path in run_copy.iterdir()) == before
        assert list(run_copy.parent.iterdir()) == [run_copy]


class TestRefusedSamples:
    def test_refusals_leave_nothing(self, here, run_copy, capsys):
        (here / "mine.png").write_bytes(b"work")
        command = ["sample", run_copy, "--out"]
        fails(capsys, [*command, "mine"], "mine.png exists already")
        fails(capsys, [*command, "mine.png/x"], "cannot write mine.png/x.png: a part of the path is a file")
        fails(capsys, [*command, "x", "--num", "0"], "--num = 0: an integer of at least 1")
        fails(capsys, [*command, "x", "--num", "-4"], "--num = -4")
        fails(capsys, [*command, "x", "--num", 10**15], "not enough memory")
        for seed in (-1, 2**31):
            fails(capsys, [*command, "x", "--seed", seed], f"seed = {seed}: an integer from 0 to 2147483647")
        weights = run_copy / "preset" / "model.weights.h5"
        weights.write_bytes(weights.read_bytes()[:-1])
        fails(capsys, [*command, "x"], f"{weights}: truncated or altered")
        assert [path.name for path in here.iterdir()] == ["mine.png"]
        assert (here / "mine.png").read_bytes() == b"work"


class TestFullDisk:
    """A limit on the size of files stands for a disk that fills up; the kernel raises both as errors of `write`."""

    @pytest.mark.slow  # a process, as below
    def test_sample(self, here, finished_run):
        def small_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (200, 200))

        process = python("-m", "kerazoo.cli", "sample", finished_run, "--out", here / "b", preexec_fn=small_files)
        line = f"kerazoo: cannot write {here / 'b.png'}: the file would be larger than allowed here\n"
        assert finish(process) == (1, "", line)
        assert list(here.iterdir()) == []

    def test_checkpoint(self, here):
        def small_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (30_000, 30_000))

        (here / "preset").mkdir()
        write_config(tiny_config(2), here / "preset" / "config.yaml")
        process = python("-m", "kerazoo.cli", "train", "preset", "--out", "run", preexec_fn=small_files, cwd=here)
        status, _, stderr = finish(process)
        checkpoint = "run/checkpoints/step-00000002.keras"
        assert (status, stderr) == (
            1, f"kerazoo: cannot write {checkpoint}: the file would be larger than allowed here\n"
        )  # fmt: skip
        assert not (here / "run" / "checkpoints").exists()
        assert not (here / "run" / "preset").exists()
