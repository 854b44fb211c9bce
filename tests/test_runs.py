"""A run from outside, at any moment: loaded, sampled, prolonged, compared; and what must not happen to it."""

import json
import os
import shutil
import signal
import threading
from pathlib import Path

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.cli import main
from kerazoo.presets.preset import find_preset
from kerazoo.training import train
from kerazoo.training.checkpoints import saved_checkpoints
from kerazoo.training.comparing import compare_runs, plot_runs
from kerazoo.training.folder import held
from kerazoo.utils.errors import ConfigError, PresetError, TrainingError
from kerazoo.utils.files import check_free
from tests.conftest import TINY_OPTIONS, assert_same_state, state, tiny_config


class StopAt(keras.callbacks.Callback):
    """Stops a run as Ctrl-C does, after so many steps; `look` is called before."""

    def __init__(self, step, look=lambda: None):
        super().__init__()
        self.step, self.look = step, look

    def on_train_batch_end(self, batch, logs=None):
        if int(self.model.step.numpy()) == self.step:
            self.look()
            os.kill(os.getpid(), signal.SIGINT)


def constant(steps=None, **training):
    """The tiny configuration without a schedule, by epochs of four steps or by steps."""
    return tiny_config(steps, training={"decay_start": None, "epochs": 2, **training})


def stopped_run(folder, step=3, config=None):
    result = train(config or constant(), folder, callbacks=[StopAt(step)])
    assert (result.step, result.finished) == (step + 1, False)
    return folder


class TestAtAnyMoment:
    def test_where_it_stopped_there_is_a_preset_of_the_last_step(self, tmp_path):
        run = stopped_run(tmp_path / "run")
        assert find_preset(run).folder == run / "preset"
        assert kerazoo.info(run)["training"]["steps"] == 4
        assert kerazoo.info(run)["run"] == "not finished, at step 4 of 8"
        with pytest.warns(UserWarning, match="the run is not finished; this is its model at step 4 of 8"):
            model = kerazoo.load(run)
        weights = keras.models.load_model(saved_checkpoints(run)[-1][1]).get_weights()
        for found, expected in zip(model.get_weights(), weights, strict=True):
            np.testing.assert_allclose(found, expected, rtol=2**-11, atol=2**-25)

    def test_in_progress_the_latest_checkpoint_counts(self, tmp_path, capsys, monkeypatch):
        monkeypatch.chdir(tmp_path)
        run, seen = Path("run"), []

        def look():
            seen.append(find_preset(run).standing)
            seen.append(main(["sample", "run", "--num", "1", "--out", "seen"]))
            seen.append(capsys.readouterr())

        train(constant(checkpoint_steps=3), run, callbacks=[StopAt(5, look)])
        assert (seen[0].step, seen[0].total_steps) == (4, 8)  # of the first epoch's end
        assert seen[0].checkpoint.name == "step-00000004.keras"
        assert (seen[1], seen[2].out) == (0, "wrote seen.png\n")
        assert seen[2].err == "kerazoo: warning: run: the run is not finished; this is its model at step 4 of 8\n"

    def test_before_the_first_checkpoint_one_line_says_when_there_will_be_one(self, run_copy):
        shutil.rmtree(run_copy / "preset")
        shutil.rmtree(run_copy / "checkpoints")
        with pytest.raises(PresetError, match="the run has saved no checkpoint yet; it does at the end of each epoch"):
            kerazoo.load(run_copy)
        assert kerazoo.load(run_copy, weights=None).latent_dim == 8

    def test_a_checkpoint_gives_the_averages_of_the_weights(self, tmp_path):
        run = stopped_run(tmp_path / "run", config=constant(ema_decay=0.9))
        with pytest.warns(UserWarning, match="step 4 of 8"):
            of_preset = kerazoo.load(run)
        shutil.rmtree(run / "preset")
        with pytest.warns(UserWarning, match="step 4 of 8"):
            of_checkpoint = kerazoo.load(run)
        for found, expected in zip(of_preset.get_weights(), of_checkpoint.get_weights(), strict=True):
            np.testing.assert_allclose(found, expected, rtol=2**-11, atol=2**-25)

    def test_figures_are_not_written_into_a_run_that_goes_on(self, tmp_path, run_copy):
        from kerazoo.presets.cards import record_evaluation

        shutil.rmtree(run_copy / "preset")
        with pytest.raises(PresetError, match="figures are written into presets of finished runs"):
            record_evaluation(run_copy, {"metrics": {}})
        assert not (run_copy / "metrics.json").exists()

    def test_a_finished_run_says_nothing(self, finished_run, recwarn):
        kerazoo.load(finished_run)
        assert [str(one.message) for one in recwarn if "finished" in str(one.message)] == []


class TestLength:
    def test_without_a_schedule_a_run_may_be_prolonged(self, tmp_path):
        train(constant(), tmp_path / "run")
        longer = constant(epochs=3)
        assert train(longer, tmp_path / "run", resume=True).step == 12
        train(longer, tmp_path / "whole")
        assert_same_state(state(tmp_path / "run"), state(tmp_path / "whole"))
        assert "epochs: 3" in (tmp_path / "run" / "config.yaml").read_text()
        assert json.loads((tmp_path / "run" / "run.json").read_text())["total_steps"] == 12
        assert train(longer, tmp_path / "run", resume=True).finished  # which is its length now

    def test_steps_for_epochs(self, tmp_path):
        stopped_run(tmp_path / "run")
        assert train(constant(6), tmp_path / "run", resume=True).step == 6

    def test_by_the_command_line_it_keeps_its_length_unless_one_is_given(self, here, capsys):
        tiny = ["train", "dcgan", "--out", "run", *TINY_OPTIONS, "--set", "training.decay_start=null", "--resume"]
        assert main([*tiny[:-1], "--epochs", "1"]) == 0
        for options, step in ([], 4), (["--epochs", "2"], 8), ([], 8), (["--set", "training.epochs=3"], 12):
            assert main([*tiny, *options]) == 0
            assert f"trained {step} steps" in capsys.readouterr().out
        assert main([*tiny, "--epochs", "1"]) == 1
        assert capsys.readouterr().err == "kerazoo: run: it stands at step 12 already; 4 were asked for\n"
        assert main([*tiny, "--out", "none"]) == 1
        assert "no run to resume" in capsys.readouterr().err

    def test_not_below_what_is_done(self, tmp_path):
        train(constant(), tmp_path / "run")
        with pytest.raises(TrainingError, match="it stands at step 8 already; 4 were asked for"):
            train(constant(epochs=1), tmp_path / "run", resume=True)
        assert "epochs: 2" in (tmp_path / "run" / "config.yaml").read_text()

    def test_with_a_schedule_it_says_why_not(self, run_copy):
        with pytest.raises(TrainingError) as caught:
            train(tiny_config(9), run_copy, resume=True)
        assert str(caught.value) == (
            f"{run_copy}: training.steps is 6 there and 9 here; the learning rates fall linearly to the end of the run "
            "(training.decay_start = 0.5), so its length cannot change: resume it as it is"
        )


class TestWhatMustNotHappen:
    def test_a_run_in_progress_is_not_taken(self, run_copy):
        before = state(run_copy)
        with held(run_copy), pytest.raises(TrainingError, match="is being trained in by another process"):
            train(tiny_config(2), run_copy, overwrite=True)
        assert_same_state(state(run_copy), before)

    def test_it_is_held_from_its_first_moment_on(self, tmp_path):
        refused = []

        def look():
            try:
                train(constant(), tmp_path / "run", overwrite=True)
            except TrainingError as error:
                refused.append(str(error))

        train(constant(), tmp_path / "run", callbacks=[StopAt(1, look)])
        assert refused == [f"{tmp_path / 'run'} is being trained in by another process; wait, or give another --out"]

    def test_another_runs_checkpoint_is_not_gone_on_from(self, run_copy, tmp_path):
        train(tiny_config(training={"seed": 1}), tmp_path / "other")
        file = saved_checkpoints(tmp_path / "other")[-1][1]
        shutil.copy(file, run_copy / "checkpoints" / file.name)
        with pytest.raises(TrainingError, match=r"not a checkpoint of this run \(seed is 1 there and 0 in the config"):
            train(tiny_config(), run_copy, resume=True)

    def test_files_of_others_are_not_pruned(self, run_copy):
        for _, file in saved_checkpoints(run_copy):
            file.rename(file.with_name("kept-" + file.name))
        late = run_copy / "checkpoints" / "step-00000099.keras"

        def look():  # another program's, while this one trains
            late.write_bytes(b"of another")

        train(tiny_config(), run_copy, resume=True, callbacks=[StopAt(1, look)])
        assert late.read_bytes() == b"of another"
        assert len(list((run_copy / "checkpoints").glob("kept-*"))) == 2

    def test_a_folder_that_is_replaced_meanwhile_is_not_written_into(self, tmp_path):
        def look():
            (tmp_path / "run").rename(tmp_path / "moved")
            (tmp_path / "run").mkdir()

        with pytest.raises(TrainingError, match="was removed or replaced while it was trained in"):
            train(constant(), tmp_path / "run", callbacks=[StopAt(1, look)])
        assert not (tmp_path / "run" / "checkpoints").exists()

    def test_data_that_changed_since_the_run_began(self, tmp_path):
        text = tmp_path / "novel.txt"
        text.write_text("a tale of two cities " * 200)
        values = {"architecture": "lstm_char_lm", "data": {"source": f"text:{text}"}}
        values["model"] = {
            "units": 8,
            "embedding_dim": 4,
            "sequence_length": 16,
            "vocabulary": sorted(set(text.read_text())),
        }
        values["training"] = {"steps": 2, "batch_size": 4}
        config = kerazoo.config.make_config(values)
        train(config, tmp_path / "run")
        text.write_text("a tale of two cities " * 150)
        with pytest.raises(
            TrainingError, match=r"the data have changed since the run began \(they were text:"
        ) as caught:
            train(config, tmp_path / "run", resume=True)
        assert "restore them, or begin a new run" in str(caught.value)
        text.write_text("a tale of two cities " * 200)
        assert train(config, tmp_path / "run", resume=True).finished

    def test_in_a_thread_of_a_notebook_or_a_server(self, tmp_path):
        results = []
        thread = threading.Thread(target=lambda: results.append(train(constant(2), tmp_path / "run")))
        thread.start()
        thread.join()
        assert [result.step for result in results] == [2]


def test_an_epoch_of_one_step_is_warned_of(tmp_path):
    with pytest.warns(UserWarning, match="an epoch is one step") as caught:
        train(constant(batch_size=1000, epochs=3), tmp_path / "run")
    (line,) = [str(one.message) for one in caught if "examples" in str(one.message)]
    assert line == (
        "digits: 1,437 examples, and a step takes 1,000: an epoch is one step, and the run 3; set --batch-size lower "
        "(training.batch_size), or give --steps"
    )


@pytest.fixture(scope="module")
def seeds(tmp_path_factory):
    out = tmp_path_factory.mktemp("several") / "run"
    command = ["train", "dcgan", "--out", str(out), *TINY_OPTIONS, "--steps", "8", "--seeds", "0,2,5"]
    assert main(command) == 0
    return out


@pytest.mark.xdist_group("seeds")  # which are trained once
class TestSeveral:
    def test_seeds_train_a_run_each(self, seeds, capsys):
        assert sorted(path.name for path in seeds.iterdir()) == ["seed-0", "seed-2", "seed-5"]
        for seed in (0, 2, 5):
            training = kerazoo.info(seeds / f"seed-{seed}")["training"]
            assert training["seed"] == seed
            assert f"--seed {seed}" in training["command"]
        one = ["train", "dcgan", "--out", str(seeds / "alone"), *TINY_OPTIONS, "--steps", "8", "--seed", "2"]
        assert main(one) == 0
        assert_same_state(state(seeds / "seed-2"), state(seeds / "alone"))
        shutil.rmtree(seeds / "alone")

    def test_mean_and_spread(self, seeds):
        rows, report = compare_runs([seeds])
        values = [kerazoo.info(seeds / f"seed-{seed}")["training"]["losses"]["generator_loss"] for seed in (0, 2, 5)]
        (group,) = report.values()
        assert group["mean"]["generator_loss"] == pytest.approx(np.mean(values), rel=1e-5)
        assert group["std"]["generator_loss"] == pytest.approx(np.std(values, ddof=1), rel=1e-3)
        assert [row[0] for row in rows] == ["", "step", "discriminator_loss", "generator_loss"]
        assert rows[0][-1] == f"{seeds}: mean ± sd"
        assert rows[1][1:] == (8, 8, 8, "8.0000 ± 0.0000")

    def test_runs_that_differ_in_more_than_their_seed_have_no_mean(self, seeds, finished_run):
        each = [seeds / "seed-0", seeds / "seed-5"]
        assert list(compare_runs(each)[1]) == ["all"]
        report = compare_runs([*each, finished_run])[1]
        assert list(report) == [" + ".join(map(str, each)), str(finished_run)]
        assert "mean" not in report[str(finished_run)]

    def test_by_the_command_line(self, seeds, finished_run, here, capsys):
        assert main(["compare", str(seeds), str(finished_run), "--out", "losses.pdf", "--csv"]) == 0
        lines = capsys.readouterr().out.splitlines()
        assert lines[0].count(",") == 5
        assert lines[-1] == "wrote losses.pdf"
        assert (here / "losses.pdf").read_bytes().startswith(b"%PDF")
        assert main(["compare", str(seeds), "--latex"]) == 0
        assert "\\toprule" in capsys.readouterr().out
        assert main(["compare", str(seeds), "--json"]) == 0
        assert list(json.loads(capsys.readouterr().out)) == [str(seeds)]

    def test_stopped_it_says_how_to_go_on_with_all(self, here, capsys, monkeypatch):
        from kerazoo.training import run as module

        stop, fit = StopAt(2), module._fit
        monkeypatch.setattr(module, "_fit", lambda *arguments: fit(*arguments[:-1], (stop,)))
        command = ["train", "dcgan", *TINY_OPTIONS, "--steps", "6", "--seeds", "3,4"]
        assert main([*command, "--out", "run"]) == 130
        line = capsys.readouterr().out.splitlines()[-1]
        assert line.startswith("stopped and saved at step 3; go on with: kerazoo train dcgan --steps 6 ")
        assert " --seeds 3,4 " in line
        assert line.endswith("--out run --resume")
        stop.step = None
        assert main([*command, "--out", "run", "--resume"]) == 0
        assert "trained 2 runs; try: kerazoo compare run" in capsys.readouterr().out

    def test_refusals(self, seeds, here, capsys):
        with pytest.raises(TrainingError, match="neither a run folder of kerazoo train nor one of its --seeds"):
            compare_runs([here])
        tiny = ["train", "dcgan", "--out", "run", *TINY_OPTIONS, "--steps", "1"]
        for seeds_given in ("", "a", "0,", "-1", "1,1", str(2**31)):
            assert main([*tiny, f"--seeds={seeds_given}"]) == 1
            assert "--seeds" in capsys.readouterr().err or seeds_given == str(2**31)
        assert main([*tiny, "--seeds", "0,1", "--seed", "3"]) == 1
        assert "--seed and --seeds: give one of them" in capsys.readouterr().err
        assert list(here.iterdir()) == []

    def test_a_plot_needs_an_epoch(self, run_copy, tmp_path):
        (run_copy / "log.csv").unlink()
        with pytest.raises(ConfigError, match="no whole epoch in the logs yet"):
            plot_runs([run_copy], tmp_path / "plot.png")
        check_free(tmp_path / "plot.png")
