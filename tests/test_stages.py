"""Stages of training: progress, batch sizes and learning rates of their own, in a plain `fit` and in a run."""

import keras
import numpy as np
import pytest
import tensorflow as tf

from kerazoo.base.example_spaces import Points
from kerazoo.base.stages import Stage
from kerazoo.cli import main
from kerazoo.presets.config import make_config, read_config
from kerazoo.presets.runs import saved_checkpoints
from kerazoo.training import train
from kerazoo.training.callbacks import read_log
from kerazoo.training.plan import Plan, stage_batch_sizes
from kerazoo.utils.errors import ConfigError
from tests.conftest import TINY_OPTIONS, assert_same_state, state
from tests.test_model import Line


class InParts(Line):
    """Two stages, the second with a rate of its own; remembers the progress that each step sees."""

    space = Points((2,))
    tracked = ("line_loss", "progress_seen")

    def stages(self):
        return (
            Stage("first", ("line",), self.tracked),
            Stage("second", ("line",), self.tracked, batch_size=2, learning_rates={"line": 0.125}),
        )

    def train_step(self, data):
        self.track(progress_seen=self.progress)
        return super().train_step(data)


POINTS = np.arange(16, dtype="float32").reshape(8, 2)


def seen(model, **options):
    return model.fit(POINTS, verbose=0, shuffle=False, **options).history["progress_seen"]


def test_progress_runs_from_zero_to_one_within_each_stage():
    model = InParts()
    model.compile(seed=0)
    assert seen(model, batch_size=8, epochs=4) == [0.0, 0.25, 0.5, 0.75]
    assert float(model.progress) == 1.0
    model.begin_stage("second", num_steps=5)
    assert seen(model, batch_size=8, epochs=2) == pytest.approx([0.0, 0.2])
    assert seen(model, batch_size=8, epochs=3) == pytest.approx([0.4, 0.6, 0.8])


def test_progress_is_one_where_nothing_is_planned():
    model = InParts()
    model.compile(seed=0)
    assert float(model.progress) == 1.0
    endless = tf.data.Dataset.from_tensor_slices(POINTS).batch(4).filter(lambda x: True)  # of unknown length
    assert model.fit(endless, verbose=0).history["progress_seen"] == [1.0]


def test_a_stage_sets_its_learning_rates_when_it_begins():
    model = InParts()
    model.compile(seed=0)
    model.begin_stage("first")
    assert float(model.optimizers["line"].learning_rate.numpy()) == 1.0
    model.begin_stage("second")
    assert float(model.optimizers["line"].learning_rate.numpy()) == 0.125


def test_batch_sizes_of_stages_and_what_they_make_of_epochs():
    stages = InParts().stages()
    settings = make_config(
        {"architecture": "dcgan", "training": {"batch_size": 4, "stages": {"first": {"epochs": 3}}, "epochs": 2}}
    ).training
    assert stage_batch_sizes(settings, stages) == {"first": 4, "second": 2}
    plan = Plan.of(settings, stages, {"first": 2, "second": 4})
    assert plan.stage_steps == {"first": 6, "second": 8}
    assert (plan.total_steps, plan.total_epochs) == (14, 5)
    segments = [(s.stage, s.start_step, s.first_epoch, s.last_epoch, s.steps_per_epoch) for s in plan.segments(0)]
    assert segments == [("first", 0, 0, 3, 2), ("second", 6, 3, 5, 4)]
    (rest, last) = plan.segments(9)
    assert (rest.done, rest.steps_per_epoch, last.first_epoch, last.last_epoch) == (3, 1, 4, 5)


def dbn(**training):
    return make_config(
        {
            "architecture": "dbn",
            "model": {"image_shape": [8, 8, 1], "hidden_units": [6, 5]},
            "data": {"source": "digits"},
            "training": {"epochs": 1, "batch_size": 500, **training},
        }
    )


def test_a_run_gives_each_stage_its_batches_and_rates_and_goes_on_exactly(tmp_path):
    stages = {"rbm_1": {"batch_size": 250}, "rbm_2": {"epochs": 2, "learning_rates": {"rbm_2": 0.01}}}
    train(dbn(stages=stages), tmp_path / "whole")
    assert [int(row["step"]) for row in read_log(tmp_path / "whole")] == [5, 7, 9, 11]

    class Stopping(keras.callbacks.Callback):
        """Ends the run in the middle of its second stage."""

        def on_epoch_end(self, epoch, logs=None):
            if epoch == 1:
                raise KeyError

    with pytest.raises(KeyError):
        train(dbn(stages=stages), tmp_path / "part", callbacks=[Stopping()])
    assert saved_checkpoints(tmp_path / "part")
    train(dbn(stages=stages), tmp_path / "part", resume=True)
    found, expected = state(tmp_path / "part"), state(tmp_path / "whole")
    assert_same_state(found, expected)
    rates = [value for name, value in expected.items() if name.startswith("rbm_2 optimizer") and "learning" in name]
    assert rates == [pytest.approx(0.01)]


@pytest.mark.parametrize(
    ("training", "message"),
    [
        ({"stages": {"rbm_1": {"learning_rates": {"rbm": 0.1}}}}, "unknown role 'rbm'"),
        ({"stages": {"rbm_1": {"learning_rates": {"rbm_1": True}}}}, "rbm_1': True}: input should be a valid number"),
        ({"decay_start": 0.5, "stages": {"rbm_1": {"learning_rates": {"rbm_1": 0.1}}}}, "give one of both"),
        ({"stages": {"rbm_9": {"epochs": 1}}}, "unknown stage 'rbm_9'"),
    ],
)
def test_stages_that_do_not_fit_are_one_line_and_leave_nothing(training, message, tmp_path):
    with pytest.raises(ConfigError, match=message):
        train(dbn(**training), tmp_path / "run")
    assert not (tmp_path / "run").exists()


def test_augmentation_by_the_command_line(here, capsys):
    options = [*TINY_OPTIONS, "--steps", "1", "--augment", "flip,crop", "--out", "run"]
    assert main(["train", "dcgan", *options]) == 0
    assert read_config("run/config.yaml").data.augment == ["flip", "crop"]
    assert main(["train", "dcgan", *TINY_OPTIONS, "--steps", "1", "--augment", "flop", "--out", "other"]) == 1
    assert "unknown augmentation 'flop': did you mean flip?" in capsys.readouterr().err
