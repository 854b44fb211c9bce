"""Files and values that nobody would write by accident: one line, at once, and before memory is taken for them."""

import io
import json
import os
import time
import zipfile

import h5py
import numpy as np
import pytest

import kerazoo
from kerazoo.presets.config import make_config, read_config
from kerazoo.training import train
from kerazoo.training.checkpoints import saved_checkpoints
from kerazoo.utils.errors import ConfigError, PresetError, TrainingError
from kerazoo.utils.memory import machine_memory
from tests.conftest import tiny_config

DCGAN = "architecture: dcgan\n"
BOMB = "a: &a [x, x, x, x, x, x, x, x, x, x]\n" + "".join(
    f"{name}: &{name} [{', '.join(['*' + before] * 10)}]\n" for before, name in zip("abcdefgh", "bcdefghi", strict=True)
)


def fails(kind, function, *args, seconds=2, **kwargs):
    """The one line of the error that a call raises, within so many seconds."""
    began = time.monotonic()
    with pytest.raises(kind) as caught:
        function(*args, **kwargs)
    assert time.monotonic() - began < seconds
    line = str(caught.value)
    assert "\n" not in line
    assert len(line) < 600
    return line


class TestConfiguration:
    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            (DCGAN + BOMB, "stands for more than 100,000 values, or for itself"),
            (DCGAN + "model: &m {latent_dim: 3, <<: *m}", "stands for more than 100,000 values, or for itself"),
            (DCGAN + "model: {<<: {latent_dim: 3}, <<: {latent_dim: 3}, a: 1}\nx: 1", "unknown key 'x'"),
            (DCGAN + "notes: " + "[" * 100_000, "nested deeper than 32 levels"),
            (DCGAN + "model: " + "{a: " * 50 + "1" + "}" * 50, "nested deeper than 32 levels"),
            (DCGAN + "- " * 20_000, ""),
            (DCGAN + f"model: {{latent_dim: {'9' * 5000}}}", "not valid YAML"),
            (DCGAN + "summary: 2001-13-45", "not valid YAML"),
            (DCGAN + "summary: 2001-01-01", "is read as a date; put it in quotes"),
            (DCGAN + "model: {latent_dim: !!binary aGVsbG8=}", "is read as a bytes"),
            (DCGAN + "notes: !!set {a, b}", "is read as a set"),
            (DCGAN + "model: !!python/object/apply:os.system [true]", "could not determine a constructor"),
            (DCGAN + "1: 2", "the key 1: a word is expected"),
            (DCGAN + "? [a]\n: 2", "not valid YAML"),
            (DCGAN + "model: {image_shape: !!int x}", "not valid YAML"),
            ("architecture: [dcgan]", "architecture = ['dcgan']: input should be a valid string"),
            (DCGAN + "training: {epochs: 1e30}", "training.epochs = 1e+30"),
            (DCGAN + "training: {steps: 9223372036854775808}", "training.steps = 9223372036854775808"),
            (DCGAN + "x: " + "y" * 2**20, "bytes; 1,048,576 at most"),
        ],
        ids=range(19),
    )
    def test_one_line(self, tmp_path, text, expected):
        (tmp_path / "config.yaml").write_text(text)
        line = fails(ConfigError, read_config, tmp_path / "config.yaml")
        assert line.startswith(f"{tmp_path / 'config.yaml'}: ")
        assert expected in line

    def test_bytes_that_are_no_text(self, tmp_path):
        (tmp_path / "config.yaml").write_bytes(b"architecture: dcgan\n\xff\xfe")
        assert "not UTF-8 text, from byte 20 on" in fails(ConfigError, read_config, tmp_path / "config.yaml")

    def test_a_pipe_is_not_waited_for(self, tmp_path):
        os.mkfifo(tmp_path / "config.yaml")
        assert "not a file" in fails(ConfigError, read_config, tmp_path / "config.yaml")

    @pytest.mark.parametrize(
        "item",
        ["notes=" + "[" * 10_000, "model.x=&a [*a]", "summary=2020-02-30", ".".join("a" * 40) + "=1", "1=!!set {a}"],
        ids=range(5),
    )
    def test_overrides(self, item):
        assert fails(ConfigError, make_config, {"architecture": "dcgan"}, [item]).startswith("--set ")

    @pytest.mark.parametrize(
        ("text", "expected"),
        [
            ("[" * 100_000, "nested too deeply"),
            ('{"a": 1}', "a JSON list is expected"),
            ("\ud800", "JSON"),
            ("", "JSON"),
        ],
        ids=range(4),
    )
    def test_vocabularies(self, tmp_path, text, expected):
        (tmp_path / "config.yaml").write_text("architecture: lstm_char_lm\nmodel: {vocabulary: file:v.json}\n")
        (tmp_path / "v.json").write_text(text, encoding="utf-8", errors="surrogatepass")
        assert expected in fails(ConfigError, read_config, tmp_path / "config.yaml")


class TestSizes:
    @pytest.mark.parametrize(
        ("name", "arguments"),
        [
            ("dcgan", {"latent_dim": 10**9}),
            ("vae", {"latent_dim": 10**12}),
            ("dbn", {"hidden_units": (10**8, 10**8)}),
            ("lstm_char_lm", {"vocabulary": list("abc"), "units": 10**9}),
        ],
    )
    def test_models_larger_than_the_machine(self, name, arguments):
        line = fails(ConfigError, kerazoo.create, name, seconds=10, **arguments)
        assert f"the weights of {name} would take " in line
        assert f"there are {machine_memory() / 1e9:,.1f} GB" in line

    def test_batches_larger_than_the_machine(self, tmp_path):
        line = fails(ConfigError, train, tiny_config(training={"batch_size": 2**31 - 1}), tmp_path / "run", seconds=30)
        assert "one step of 2,147,483,647 examples would take" in line
        assert list(tmp_path.iterdir()) == []


class TestPresets:
    @pytest.mark.parametrize(
        "data",
        [
            b"[" * 100_000,
            b"\xff",
            b'{"weights": {"bytes": 1e999}}',
            b"9" * 5000,
            b'{"training": {"steps": "many"}}',
            b'{"evaluation": {"metrics": [1]}}',
            b'{"exports": {"litert": 3}}',
        ],
        ids=range(7),
    )
    def test_metrics(self, run_copy, data):
        path = run_copy / "preset" / "metrics.json"
        path.write_bytes(data)
        assert fails(PresetError, kerazoo.load, run_copy / "preset").startswith(f"{path}: damaged (")

    @pytest.mark.parametrize(
        ("stored", "expected"),
        [
            (
                {"shape": (10**7, 10**5), "chunks": (1000, 1000), "dtype": "float32"},
                "declares 4,000,000,000,000 bytes and holds 0",
            ),
            ({"data": np.zeros((2000, 2000)), "compression": "gzip"}, "declares 32,000,000 bytes and holds"),
        ],
        ids=["nothing", "zeros"],
    )
    def test_weights_that_declare_more_than_they_hold(self, run_copy, stored, expected):
        path = run_copy / "preset" / "model.weights.h5"
        with h5py.File(path, "w") as file:
            file.create_dataset("layers/dense/vars/0", **stored)
        metadata = json.loads((run_copy / "preset" / "metrics.json").read_text())
        metadata["weights"] |= {"bytes": path.stat().st_size, "sha256": kerazoo.utils.files.sha256(path)}
        (run_copy / "preset" / "metrics.json").write_text(json.dumps(metadata))
        line = fails(PresetError, kerazoo.load, run_copy / "preset", seconds=10)
        assert expected in line


def rewritten(file, compression=zipfile.ZIP_STORED, **parts):
    """Replace parts of a `.keras` file (name without suffix -> bytes)."""
    with zipfile.ZipFile(file) as archive:
        entries = {name: archive.read(name) for name in archive.namelist()}
    entries |= {name: parts[name.partition(".")[0]] for name in entries if name.partition(".")[0] in parts}
    with zipfile.ZipFile(file, "w", compression) as archive:
        for name, data in entries.items():
            archive.writestr(name, data)


def changed_config(file, change):
    with zipfile.ZipFile(file) as archive:
        values = json.loads(archive.read("config.json"))
    change(values)
    rewritten(file, config=json.dumps(values).encode())


def hdf5_bytes():
    buffer = io.BytesIO()
    with h5py.File(buffer, "w") as file:
        file.create_dataset("a", shape=(10**6, 10**6), chunks=(10, 10), dtype="float32")
    return buffer.getvalue()


class TestCheckpoints:
    @pytest.mark.parametrize(
        ("damage", "expected"),
        [
            (lambda file: file.write_bytes(b""), "damaged (File is not a zip file)"),
            (lambda file: rewritten(file, config=b"[" * 100_000), "damaged (nested too deeply)"),
            (lambda file: rewritten(file, config=b"{}"), "damaged ("),
            (lambda file: rewritten(file, config=b"\xff"), "damaged ("),
            (lambda file: rewritten(file, model=b"nothing"), "damaged ("),
            (lambda file: rewritten(file, model=hdf5_bytes()), "declares 4,000,000,000,000 bytes"),
            (lambda file: rewritten(file, zipfile.ZIP_DEFLATED, metadata=b"0" * 10**7), "is larger than Keras writes"),
            (
                lambda file: changed_config(file, lambda c: c.update(registered_name="kerazoo>vae")),
                "not a checkpoint of this run (architecture is 'vae' there)",
            ),
            (
                lambda file: changed_config(file, lambda c: c["config"].update(latent_dim=10**9)),
                "not a checkpoint of this run (latent_dim is 1000000000 there and 8 in the configuration)",
            ),
            (
                lambda file: changed_config(file, lambda c: c["compile_config"].update(seed=1)),
                "not a checkpoint of this run (seed is 1 there and 0 in the configuration)",
            ),
        ],
        ids=range(10),
    )
    def test_one_line_for_load_and_resume(self, run_copy, damage, expected):
        file = saved_checkpoints(run_copy)[-1][1]
        damage(file)
        line = fails(TrainingError, train, tiny_config(), run_copy, resume=True, seconds=10)
        assert line.startswith(f"{file}: ")
        assert expected in line
        (run_copy / "preset" / "config.yaml").unlink()  # so that the checkpoint is what there is
        assert expected in fails(PresetError, kerazoo.load, run_copy, seconds=10)


@pytest.mark.parametrize(
    "data",
    [
        b"\xff\xfe",
        b"epoch,step\nx,y\n",
        b"a,b\n1,2\n",
        b"epoch,step,seconds\n1,4,1,5,6\n",
        b"epoch,step,seconds\n1,4,nan\n",
    ],
    ids=range(5),
)
def test_logs(run_copy, data):
    (run_copy / "log.csv").write_bytes(data)
    line = fails(TrainingError, train, tiny_config(), run_copy, resume=True, seconds=20)
    assert line.startswith(f"{run_copy / 'log.csv'}: ")


def test_run_records(run_copy):
    for data in (b"[1]", b"{", b"\xff", b'{"total_steps": "many"}', b'{"data": 3}', b"[" * 100_000):
        (run_copy / "run.json").write_bytes(data)
        assert str(run_copy / "run.json") in fails(PresetError, kerazoo.load, run_copy)
