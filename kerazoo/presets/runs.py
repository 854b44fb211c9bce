"""A run folder from outside: how far it is, and from which of its files the model of that moment comes."""

import re
from dataclasses import dataclass
from pathlib import Path

from kerazoo.presets.metadata import read_metadata
from kerazoo.utils.errors import PresetError
from kerazoo.utils.reading import parse_json, read_text

CONFIG, VERSIONS, RECORD = "config.yaml", "versions.json", "run.json"
RUN_PRESET = "preset"  # the folder of the result in a run folder
_NAME = re.compile(r"step-(\d{8,18})\.keras")


def is_run(folder):
    """Whether a folder is one of `kerazoo train`, in progress, stopped or finished."""
    return all(Path(folder, name).is_file() for name in (CONFIG, VERSIONS))


def saved_checkpoints(run):
    """(step, file) of each checkpoint of a run folder, oldest first."""
    files = Path(run, "checkpoints").glob("step-*.keras")
    return sorted((int(match[1]), path) for path in files if (match := _NAME.fullmatch(path.name)))


def read_record(run):
    """`run.json` of a run folder: what is known of the run beside its configuration.

    Returns:
        dict. `total_steps`; `data`, what the training data were; empty where there is no such file.

    Raises:
        PresetError: it is damaged.
    """
    path = Path(run, RECORD)
    if not path.is_file():
        return {}
    try:
        record = parse_json(read_text(path, error=PresetError))
    except ValueError as error:
        raise PresetError(f"{path}: damaged ({error})") from None
    kinds = {"total_steps": int, "data": dict}
    if not isinstance(record, dict) or any(
        not isinstance(record.get(key, kind()), kind) for key, kind in kinds.items()
    ):
        raise PresetError(f"{path}: damaged (a mapping with total_steps, a number, and data, a mapping, is expected)")
    return record


@dataclass(frozen=True)
class Standing:
    """The progress of a run.

    Attributes:
        step: int. Of the newest model that the run has saved, 0 where it has none.
        total_steps: int or None. Where the run ends, as far as that is known.
        checkpoint: Path or None. The file of that model; None where the run's `preset/` holds it, or there is none.
    """

    step: int = 0
    total_steps: int | None = None
    checkpoint: Path | None = None

    @property
    def finished(self):
        """Whether the model is that of the run's end."""
        return self.checkpoint is None and self.step >= (self.total_steps or 0) > 0

    def __str__(self):
        return f"step {self.step:,}" + (f" of {self.total_steps:,}" if self.total_steps else "")


def run_standing(run):
    """The `Standing` of a run folder, at any moment.

    Args:
        run: str or Path.

    Returns:
        Standing.
    """
    run = Path(run)
    total = read_record(run).get("total_steps")
    preset = run / RUN_PRESET
    training = read_metadata(preset).get("training", {}) if (preset / CONFIG).is_file() else {}
    done = training.get("steps", 0)
    newest = saved_checkpoints(run)[-1:]
    if newest and newest[0][0] > done:
        return Standing(newest[0][0], total, newest[0][1])
    return Standing(done, total or done or None)
