"""`train`: the contents of a run folder, that a seed repeats them, and how it refuses and fails."""

import csv
import json
import math
import re

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import kerazoo
from kerazoo.base.optimizers import LinearDecay
from kerazoo.base.stages import Stage
from kerazoo.presets.config import TrainingConfig, read_config, write_config
from kerazoo.training import train
from kerazoo.training.checkpoints import save_checkpoint, saved_checkpoints
from kerazoo.training.folder import held
from kerazoo.training.pictures import write_pictures
from kerazoo.training.plan import Plan, Segment
from kerazoo.training.setup import compile_new, new_model
from kerazoo.training.strategies import STRATEGIES, cluster_workers, make_strategy
from kerazoo.utils.errors import ConfigError, DataError, KerazooError, OutputError, TrainingError
from tests.conftest import assert_same_state, finish, model_state, python, state, tiny_config


def compiled(config, steps):
    """The model of a run of so many steps, as it is before the first."""
    model = new_model(config)
    compile_new(model, config, Plan({"training": steps}, 10))
    return model


def log_rows(run):
    with open(run / "log.csv", newline="") as file:
        return list(csv.DictReader(file))


class TestRunFolder:
    def test_configuration_is_resolved(self, finished_run):
        assert read_config(finished_run / "config.yaml") == tiny_config()
        text = (finished_run / "config.yaml").read_text()
        assert "precision: float32" in text  # a default, written out

    def test_versions(self, finished_run):
        import tensorflow as tf

        versions = json.loads((finished_run / "versions.json").read_text())
        assert versions["tensorflow"] == tf.__version__
        assert set(versions) == {"kerazoo", "python", "tensorflow", "keras", "numpy"}

    def test_log_has_a_row_an_epoch(self, finished_run):
        rows = log_rows(finished_run)
        assert list(rows[0]) == ["epoch", "step", "seconds", "discriminator_loss", "generator_loss"]
        assert [(row["epoch"], row["step"]) for row in rows] == [("1", "4"), ("2", "6")]
        for row in rows:  # two untrained networks are near chance: 2 ln 2 and ln 2
            assert float(row["discriminator_loss"]) == pytest.approx(2 * math.log(2), abs=0.1)
            assert float(row["generator_loss"]) == pytest.approx(math.log(2), abs=0.1)

    def test_tensorboard_has_the_numbers_of_the_log(self, finished_run):
        import tensorflow as tf

        found = {}
        for file in (finished_run / "tensorboard").iterdir():
            for event in tf.compat.v1.train.summary_iterator(str(file)):
                for value in event.summary.value:
                    found[value.tag, event.step] = tf.make_ndarray(value.tensor)
        pictures = {step: found.pop(("samples", step)) for step in (4, 6)}
        for epoch, (width, height, _) in enumerate(pictures.values(), 1):
            picture = Image.open(finished_run / "samples" / f"epoch-{epoch:04d}.png")
            assert picture.size == (int(width), int(height))
        found = {key: float(value) for key, value in found.items()}
        rows = log_rows(finished_run)
        losses = ("discriminator_loss", "generator_loss")
        expected = {(name, int(row["step"])): float(row[name]) for row in rows for name in losses}
        assert found == pytest.approx(expected, rel=1e-5)

    def test_samples_after_every_epoch_show_the_same_seed(self, finished_run):
        names = sorted(path.name for path in (finished_run / "samples").iterdir())
        assert names == ["epoch-0001.png", "epoch-0002.png"]
        # 8x8 images of 16 pixels, each shown at 64, with gaps of 2
        assert Image.open(finished_run / "samples" / "epoch-0001.png").size == (8 * 66 + 2, 8 * 66 + 2)
        last, preset = finished_run / "samples" / "epoch-0002.png", finished_run / "preset" / "samples.png"
        assert last.read_bytes() == preset.read_bytes()

    def test_pictures_of_the_whole_run(self, finished_run):
        assert min(Image.open(finished_run / "losses.png").size) >= 400
        assert Image.open(finished_run / "samples.gif").size == Image.open(finished_run / "preset" / "samples.png").size

    def test_a_film_has_a_hundred_frames_at_most_the_first_and_the_last_among_them(self, tmp_path):
        (tmp_path / "samples").mkdir()
        for epoch in range(1, 151):
            Image.new("RGB", (8, 8), (epoch, 0, 255 - epoch)).save(tmp_path / "samples" / f"epoch-{epoch:04d}.png")
        write_pictures(tmp_path)
        assert not (tmp_path / "losses.png").exists()  # there is no log
        film = Image.open(tmp_path / "samples.gif")
        assert film.n_frames == 100
        assert film.convert("RGB").getpixel((0, 0))[0] == pytest.approx(1, abs=3)
        film.seek(99)
        assert film.convert("RGB").getpixel((0, 0))[0] == pytest.approx(150, abs=3)
        assert film.info["duration"] == 1500

    def test_at_most_two_checkpoints_stay(self, tmp_path):
        train(tiny_config(5, training={"checkpoint_steps": 1}), tmp_path / "run")
        assert [step for step, _ in saved_checkpoints(tmp_path / "run")] == [4, 5]
        assert len(list((tmp_path / "run" / "checkpoints").iterdir())) == 2

    def test_preset_is_the_last_checkpoint_in_half_precision(self, finished_run):
        model = kerazoo.load(finished_run)
        trained = [value for name, value in state(finished_run).items() if name.startswith("weights")]
        for found, expected in zip(model.get_weights(), trained, strict=True):
            np.testing.assert_allclose(found, expected, rtol=2**-11, atol=2**-25)  # half of float16's last bit

    def test_preset_records_the_training(self, finished_run):
        training = kerazoo.info(finished_run)["training"]
        assert training["command"] == "kerazoo train tiny"
        assert (training["steps"], training["batch_size"], training["seed"]) == (6, 300, 0)
        assert training["losses"]["generator_loss"] == float(log_rows(finished_run)[-1]["generator_loss"])


class TestSeeds:
    def test_same_seed_same_weights_other_seed_others(self, finished_run, tmp_path):
        train(tiny_config(), tmp_path / "same")
        train(tiny_config(training={"seed": 1}), tmp_path / "other")
        assert_same_state(state(tmp_path / "same"), state(finished_run))
        first, other = state(finished_run), state(tmp_path / "other")
        kernels = [name for name in first if name.endswith("kernel")]
        assert kernels
        assert not any(np.array_equal(first[name], other[name]) for name in kernels)

    def test_two_replicas_train_like_one_device(self, tmp_path):
        config = tiny_config(3)
        (tmp_path / "preset").mkdir()
        write_config(config, tmp_path / "preset" / "config.yaml")
        two_devices = (
            "import sys, tensorflow as tf;"
            "cpu = tf.config.list_physical_devices('CPU')[0];"
            "tf.config.set_logical_device_configuration(cpu, [tf.config.LogicalDeviceConfiguration()] * 2);"
            "from kerazoo.cli import main; sys.exit(main(sys.argv[1:]))"
        )
        options = ["train", tmp_path / "preset", "--out", tmp_path / "two", "--strategy", "mirrored"]
        process = python("-c", two_devices, *options)
        train(config, tmp_path / "one")
        status, _, stderr = finish(process)
        assert status == 0, stderr
        assert kerazoo.info(tmp_path / "two")["training"]["devices"] == "CPU, 2 replicas"
        one, two = state(tmp_path / "one"), state(tmp_path / "two")
        assert one.keys() == two.keys()
        for name, value in one.items():
            np.testing.assert_allclose(two[name], value, atol=1e-5, err_msg=name)
        for row, expected in zip(log_rows(tmp_path / "two"), log_rows(tmp_path / "one"), strict=True):
            assert float(row["generator_loss"]) == pytest.approx(float(expected["generator_loss"]), rel=1e-5)
            assert float(row["discriminator_loss"]) == pytest.approx(float(expected["discriminator_loss"]), rel=1e-5)


class TestRefusals:
    @pytest.mark.parametrize(
        ("sections", "error", "expected"),
        [
            ({"model": {"image_shape": [30, 31, 1]}}, ConfigError, r"image_shape = \[30, 31, 1\]: a square"),
            ({"model": {"image_shape": 5}}, ConfigError, "image_shape = 5"),
            ({"model": {"dtype": "float32"}}, ConfigError, "unknown key 'dtype'"),
            ({"optimizers": {"critic": {"learning_rate": 1}}}, ConfigError, "unknown role 'critic'"),
            ({"optimizers": {"generator": {"rate": 1}}}, ConfigError, "unknown optimizer argument 'rate'"),
            ({"data": {"split": "dev"}}, DataError, "digits has no split 'dev': it has train, test, all"),
            ({"data": {"source": "ring"}}, DataError, "ring holds 2-D points where images"),
            ({"training": {"strategy": "multiworker"}}, TrainingError, "needs TF_CONFIG"),
        ],
    )
    def test_nothing_is_left_of_a_run_that_cannot_start(self, tmp_path, sections, error, expected):
        with pytest.raises(error, match=expected) as caught:
            train(tiny_config(**sections), tmp_path / "run")
        assert "\n" not in str(caught.value)
        assert list(tmp_path.iterdir()) == []

    def test_a_run_that_cannot_start_replaces_none(self, run_copy):
        before = state(run_copy)
        with pytest.raises(KerazooError):
            train(tiny_config(optimizers={"critic": {}}), run_copy, overwrite=True)
        assert_same_state(state(run_copy), before)

    def test_an_existing_run_is_replaced_only_where_asked(self, run_copy):
        with pytest.raises(OutputError, match="exists already"):
            train(tiny_config(1), run_copy)
        assert train(tiny_config(1), run_copy, overwrite=True).step == 1
        assert [step for step, _ in saved_checkpoints(run_copy)] == [1]


class TestNonFinite:
    def test_a_loss_that_explodes_ends_the_run_before_it_is_saved(self, tmp_path):
        config = tiny_config(
            30, optimizers={"generator": {"learning_rate": 1e30}}, training={"batch_size": 100, "checkpoint_steps": 1}
        )
        with pytest.raises(
            TrainingError, match=r"_loss is (nan|inf) at step \d+; the last good checkpoint is"
        ) as caught:
            train(config, tmp_path / "run")
        step = int(str(caught.value).split("at step ")[1].split(";")[0])
        checkpoints = saved_checkpoints(tmp_path / "run")
        assert checkpoints[-1][0] == step - 1
        assert str(checkpoints[-1][1]) in str(caught.value)
        assert all(np.isfinite(value).all() for value in state(tmp_path / "run").values())
        assert not (tmp_path / "run" / "preset").exists()

    def test_weights_that_are_not_finite_are_not_saved(self, run_copy):
        model = compiled(tiny_config(), 6)
        model.step.assign(7)
        model.generator.weights[0].assign(np.full(model.generator.weights[0].shape, np.nan))
        before = saved_checkpoints(run_copy)
        with pytest.raises(TrainingError, match=r"kernel is not finite at step 7; the last good .*step-00000006"):
            save_checkpoint(model, run_copy)
        assert saved_checkpoints(run_copy) == before


class TestSegments:
    def test_every_step_is_covered_once_and_in_its_epoch(self):
        for steps_per_epoch in (1, 2, 3, 7):
            for total in range(25):
                for start in range(total + 3):
                    step = start
                    for segment in Plan({"training": total}, steps_per_epoch).segments(start):
                        assert segment.start_step == step
                        for epoch in range(segment.first_epoch, segment.last_epoch):
                            assert epoch == step // steps_per_epoch
                            step += segment.steps_per_epoch
                            assert (step - 1) // steps_per_epoch == epoch
                    assert step == max(start, total)

    def test_whole_epochs_are_one_call_of_fit(self):
        segments = Plan({"training": 43}, 10).segments(3)
        calls = [(s.start_step, s.first_epoch, s.last_epoch, s.steps_per_epoch) for s in segments]
        assert calls == [(3, 0, 1, 7), (10, 1, 4, 10), (40, 4, 5, 3)]

    def test_stages_follow_one_another_and_a_run_begins_in_any(self):
        plan = Plan({"first": 20, "none": 0, "last": 13}, 10)
        assert (plan.total_steps, plan.total_epochs) == (33, 4)
        assert list(plan.segments(0)) == [
            Segment("first", 0, 0, 2, 10),
            Segment("last", 20, 2, 3, 10),
            Segment("last", 30, 3, 4, 3),
        ]
        assert list(plan.segments(15)) == [Segment("first", 15, 1, 2, 5, 5), *list(plan.segments(0))[1:]]
        assert next(iter(plan.segments(24))) == Segment("last", 24, 2, 3, 6, 4)
        assert list(plan.segments(33)) == []

    def test_stages_take_their_epochs_or_their_share_of_the_steps(self):
        stages = [Stage(name, (), ()) for name in ("first", "second", "last")]
        settings = TrainingConfig(epochs=4, stages={"first": {"epochs": 2}, "second": {"epochs": 0}})
        assert Plan.of(settings, stages, 10).stage_steps == {"first": 20, "second": 0, "last": 40}
        settings = settings.model_copy(update={"steps": 9})
        assert Plan.of(settings, stages, 10).stage_steps == {"first": 3, "second": 0, "last": 6}
        with pytest.raises(ConfigError, match="unknown stage 'middle'; the stages are first, second, last"):
            Plan.of(TrainingConfig(stages={"middle": {"epochs": 1}}), stages, 10)


class TestLinearDecay:
    @pytest.mark.parametrize(("step", "rate"), [(0, 2e-4), (50, 2e-4), (75, 1e-4), (90, 4e-5), (100, 0), (120, 0)])
    def test_constant_then_a_line_to_zero(self, step, rate):
        assert float(LinearDecay(2e-4, 100, 0.5)(step)) == pytest.approx(rate, abs=1e-10)

    def test_every_optimizer_of_a_run_follows_it(self):
        model = compiled(tiny_config(optimizers={"generator": {"learning_rate": 1e-3}}), 100)
        for role, rate in (("discriminator", 2e-4), ("generator", 1e-3)):
            optimizer = model.optimizers[role]
            optimizer.iterations.assign(75)
            assert float(optimizer.learning_rate) == pytest.approx(rate / 2, rel=1e-5)

    def test_without_decay_the_rate_stays(self):
        model = compiled(tiny_config(training={"decay_start": None}), 100)
        model.optimizers["generator"].iterations.assign(99)
        assert float(model.optimizers["generator"].learning_rate) == pytest.approx(2e-4)

    def test_configuration_round_trip(self):
        config = LinearDecay(2e-4, 100, 0.25).get_config()
        assert config == {"learning_rate": 2e-4, "total_steps": 100, "start": 0.25}
        assert LinearDecay(**config).get_config() == config


def test_the_state_compared_here_is_all_that_training_changes():
    """Guards the helper itself: it must see the weights, both moments of both optimizers, and the step."""
    model = compiled(tiny_config(), 6)
    num_trainable, num_weights = len(model.trainable_weights), len(model.weights)
    # Adam: two moments a variable, and for each optimizer the iterations (the rate is a schedule);
    # and five states: the step, the stage, its first step and its planned steps, and whether it was adapted
    assert len(model_state(model)) == num_weights + 2 * num_trainable + 2 * 1 + 5


CLUSTER = {"cluster": {"worker": ["a:1", "b:2"]}, "task": {"type": "worker", "index": 0}}


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ("no JSON", "TF_CONFIG = 'no JSON': expected "),
        ("[1]", "expected "),
        (
            json.dumps({**CLUSTER, "task": {"type": "worker", "index": 5}}),
            "index 5 of 2 workers; they are counted from 0",
        ),
        (json.dumps({**CLUSTER, "task": {"type": "ps", "index": 0}}), "TF_CONFIG names more than workers"),
        (json.dumps({**CLUSTER, "cluster": {"worker": ["a:1", "b:2"], "ps": ["c:3"]}}), "names more than workers"),
    ],
)
def test_wrong_clusters(monkeypatch, config, message):
    monkeypatch.setenv("TF_CONFIG", config)
    with pytest.raises(TrainingError, match=re.escape(message)):
        cluster_workers()


def test_a_cluster_of_one_trains_like_no_cluster(monkeypatch):
    for config in ("{}", json.dumps({**CLUSTER, "cluster": {"worker": ["a:1"]}})):
        monkeypatch.setenv("TF_CONFIG", config)
        assert STRATEGIES["auto"]() is tf.distribute.get_strategy()
    monkeypatch.setenv("TF_CONFIG", json.dumps(CLUSTER))
    with pytest.raises(TrainingError, match="strategy one trains alone, and TF_CONFIG names several workers: use auto"):
        make_strategy.__wrapped__("one")


def test_two_processes_do_not_train_in_one_folder(run_copy):
    with held(run_copy), pytest.raises(TrainingError, match="is being trained in by another process"):
        train(tiny_config(), run_copy, resume=True)
    train(tiny_config(), run_copy, resume=True)


def test_one_number_that_is_not_finite_anywhere_in_an_array_is_refused():
    """Not only in the first batch: it would spoil every weight."""
    model, images = new_model(tiny_config()), np.full((40, 16, 16, 1), 0.5, "float32")
    images[37, 3, 3, 0] = np.nan
    model.compile(seed=0)
    before = model.get_weights()
    with pytest.raises(DataError, match="not finite, in 1 of 40 examples"):
        model.fit(images, batch_size=8, verbose=0)
    images[37] = 200.0
    with pytest.raises(DataError, match=r"whose values run from 0\.5 to 200"):
        model.fit(images, batch_size=8, verbose=0)
    for a, b in zip(before, model.get_weights(), strict=True):
        np.testing.assert_array_equal(a, b)


def test_a_run_that_fails_at_its_first_step_leaves_no_folder(tmp_path):
    """The corrected command has the same name."""

    class Fails(tf.keras.callbacks.Callback):
        def on_train_batch_begin(self, batch, logs=None):
            raise ValueError("a mistake of the user's own")

    with pytest.raises(ValueError, match="a mistake"):
        train(tiny_config(), tmp_path / "run", callbacks=[Fails()])
    assert list(tmp_path.iterdir()) == []
    assert train(tiny_config(), tmp_path / "run").finished
