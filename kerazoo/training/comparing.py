"""Runs side by side: their last losses and their figures, with mean and spread, and a plot of the losses."""

import math
import re
import statistics
from pathlib import Path

from kerazoo.presets.config import read_config
from kerazoo.presets.preset import find_preset
from kerazoo.presets.runs import CONFIG, is_run
from kerazoo.tasks.plots import line_plot
from kerazoo.training.pictures import losses_of
from kerazoo.utils.errors import ConfigError, TrainingError
from kerazoo.utils.tables import number

_SEED = re.compile(r"seed-(\d+)")


def groups_of(paths):
    """Runs that are compared: those of one `kerazoo train --seeds` together, and of others those that differ in their
    seed alone.

    Args:
        paths: sequence of Path. Run folders, and folders of `seed-0`, `seed-1`, ...

    Returns:
        dict[str, list[Path]]. Name of each group -> its run folders.

    Raises:
        TrainingError: a folder that is neither.
    """
    alike, groups = {}, {}
    for path in map(Path, paths):
        seeds = [each for each in path.glob("seed-*") if _SEED.fullmatch(each.name) and is_run(each)]
        if is_run(path):
            alike.setdefault(_without_seed(path), []).append(path)
        elif seeds:
            groups[str(path)] = sorted(seeds, key=lambda each: int(_SEED.fullmatch(each.name)[1]))
        else:
            raise TrainingError(f"{path}: neither a run folder of kerazoo train nor one of its --seeds")
    if len(alike) == 1 and not groups:
        return {"all": next(iter(alike.values()))}
    return {**{" + ".join(map(str, runs)): runs for runs in alike.values()}, **groups}


def _without_seed(run):
    """A run's configuration but for its seed, as text."""
    config = read_config(run / CONFIG)
    return config.model_copy(update={"training": config.training.model_copy(update={"seed": 0})}).model_dump_json()


def values_of(run):
    """The numbers of a run: its step, the last row of its log, and the figures that were recorded of it.

    Returns:
        dict[str, float].
    """
    preset = find_preset(run)
    losses = {name: values[-1] for name, (_, values) in losses_of(run).items()}
    figures = preset.metadata.get("evaluation", {}).get("metrics", {})
    numbers = {name: value for name, value in figures.items() if isinstance(value, (int, float))}
    return {"step": preset.standing.step, **losses, **numbers}


def compare_runs(paths):
    """A table of runs.

    Args:
        paths: as of `groups_of`.

    Returns:
        (list of rows, dict). A header and one row a number; a column a run and, for a group of several, one of their
        mean and sample standard deviation. The dict holds the same: group -> `runs` (run -> numbers), `mean`, `std`.

    Raises:
        TrainingError: a folder that is no run.
    """
    report, columns = {}, []
    for name, runs in groups_of(paths).items():
        values = {str(run): values_of(run) for run in runs}
        group = {"runs": values}
        columns += values.items()
        if len(runs) > 1:
            shared = [key for key in next(iter(values.values())) if all(key in found for found in values.values())]
            numbers = {key: [found[key] for found in values.values()] for key in shared}
            group["mean"] = {key: statistics.fmean(each) for key, each in numbers.items()}
            group["std"] = {key: statistics.stdev(each) for key, each in numbers.items()}
            spread = {key: f"{number(group['mean'][key])} ± {number(group['std'][key])}" for key in shared}
            columns.append((f"{name}: mean ± sd", spread))
        report[name] = group
    names = dict.fromkeys(key for _, found in columns for key in found)
    rows = [
        ("", *(name for name, _ in columns)),
        *((key, *(found.get(key, "") for _, found in columns)) for key in names),
    ]
    return rows, report


def plot_runs(paths, file, *, overwrite=False):
    """Plot each loss of each group over the epochs: the mean of its runs, and one standard deviation around it.

    Args:
        paths: as of `groups_of`.
        file: Path. Ends in `.png`, `.pdf` or `.svg`.
        overwrite: bool. Whether an existing file may be replaced. Defaults to False.

    Returns:
        Path. The file.

    Raises:
        ConfigError: no run has a whole epoch yet.
    """
    curves, bands = {}, {}
    groups = groups_of(paths)
    for name, runs in groups.items():
        found = [losses_of(run) for run in runs]
        for loss in dict.fromkeys(key for one in found for key in one):
            label = loss if len(groups) == 1 else f"{name}: {loss}"
            by_epoch = {}
            for one in found:
                for epoch, value in zip(*one.get(loss, ((), ())), strict=True):
                    by_epoch.setdefault(epoch, []).append(value)
            epochs = sorted(epoch for epoch, values in by_epoch.items() if len(values) == len(runs))
            mean = [statistics.fmean(by_epoch[epoch]) for epoch in epochs]
            spread = [statistics.stdev(by_epoch[epoch]) if len(runs) > 1 else math.nan for epoch in epochs]
            if epochs:
                curves[label] = (epochs, mean)
                bands[label] = (
                    [m - s for m, s in zip(mean, spread, strict=True)],
                    [m + s for m, s in zip(mean, spread, strict=True)],
                )
    if not curves:
        raise ConfigError(f"{', '.join(map(str, paths))}: no whole epoch in the logs yet, so there is nothing to plot")
    return line_plot(curves, file, x_label="epoch", bands=bands, overwrite=overwrite)
