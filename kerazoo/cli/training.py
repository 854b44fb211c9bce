"""The commands that make models: `train`, `launch`, `publish`."""

import os
import shlex
from pathlib import Path
from typing import Annotated, Any

import typer

from kerazoo.cli.measuring import measure
from kerazoo.cli.options import Data, Download, Model, Overwrite, Seed, Set, Strict
from kerazoo.utils.checks import check_seed
from kerazoo.utils.console import import_tensorflow
from kerazoo.utils.errors import ConfigError, TrainingError


def train(
    context: typer.Context,
    model: Model,
    data: Data = None,
    out: Annotated[Path | None, typer.Option("--out", help="Run folder. Default: runs/<preset>.")] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", help="Passes over the data.")] = None,
    steps: Annotated[int | None, typer.Option("--steps", help="Training steps in all, instead of epochs.")] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", help="Examples a step, over all devices.")] = None,
    seed: Seed = None,
    seeds: Annotated[
        str | None, typer.Option("--seeds", help="Several runs, OUT/seed-0 and so on: 0,1,2 (see kerazoo compare).")
    ] = None,
    strategy: Annotated[str | None, typer.Option("--strategy", help="auto, one, mirrored or multiworker.")] = None,
    precision: Annotated[
        str | None, typer.Option("--precision", help="float32, mixed_bfloat16 or mixed_float16.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the run in --out stopped.")] = False,
    evaluate_after: Annotated[bool, typer.Option("--evaluate", help="Measure the result and write its card.")] = False,
    augment: Annotated[
        str | None, typer.Option("--augment", help="Random changes of the images, such as flip,crop.")
    ] = None,
    set_: Set = None,
    overwrite: Overwrite = False,
    download: Download = False,
    strict: Strict = False,
):
    """Train a preset's configuration, on its data or on yours."""
    import_tensorflow()
    from kerazoo.presets.preset import find_recipe
    from kerazoo.tasks.evaluation import check_evaluation
    from kerazoo.training.arguments import training_arguments
    from kerazoo.training.strategies import make_strategy

    if "TF_CONFIG" in os.environ:
        make_strategy(strategy or "auto")  # before anything reads data
    chosen = _seeds(seed, seeds)
    set_ = [*(set_ or ()), *([] if augment is None else [f"data.augment=[{augment}]"])]
    options: dict[str, Any] = {"epochs": epochs, "steps": steps, "batch_size": batch_size, "seed": seed}
    options |= {"strategy": strategy, "precision": precision}
    flags = {"download": download, "strict": strict}
    recipe = find_recipe(model)
    out = out or Path("runs") / recipe.name
    folders = [out if one is None else out / f"seed-{one}" for one in chosen]
    # A run goes on as it began: what is not asked for anew is that run's own.
    base = next((str(own) for own in folders if resume and _goes_on(own, recipe.config.architecture)), model)
    config, opened = training_arguments(base, data=data, options=options, overrides=set_ or (), say=print, **flags)
    check_evaluation(config, opens=evaluate_after, download=download)
    given = {"import": context.find_root().params["import_"], **options, "seeds": None, "data": data, "set": set_}
    given |= {"evaluate": evaluate_after}
    for one, folder in zip(chosen, folders, strict=True):
        command = _command_line("train", model, given if one is None else {**given, "seed": one})
        again = f"{_command_line('train', model, {**given, 'seeds': seeds})} --out {shlex.quote(str(out))} --resume"
        settings = {} if one is None else {"seed": one}
        one_config = config.model_copy(update={"training": config.training.model_copy(update=settings)})
        begun = resume and (seeds is None or folder.exists())
        if begun and not _says_how_long(epochs, steps, set_):
            one_config = _with_own_length(one_config, folder)
        flags = {"resume": begun, "overwrite": overwrite, "command": command, "data": opened}
        _train(one_config, folder, again, evaluate_after=evaluate_after, **flags)
    if seeds is not None:
        print(f"trained {len(chosen)} runs; try: kerazoo compare {shlex.quote(str(out))}")


def _goes_on(run, architecture):
    """Whether there is a run of an architecture to go on with; a `TrainingError` if it is one of another."""
    from kerazoo.presets.config import read_config
    from kerazoo.presets.runs import CONFIG

    if not (run / CONFIG).is_file():
        return False
    own = read_config(run / CONFIG).architecture
    if own != architecture:
        raise TrainingError(f"{run} is a run of another configuration: it trains {own}, not {architecture}")
    return True


def _train(config, out, again, *, evaluate_after, **flags):
    from kerazoo.training import train as run

    result = run(config, out, progress=True, **flags)
    if not result.finished:
        print(f"stopped and saved at step {result.step}; go on with: {again}")
        raise typer.Exit(130)
    print(f"trained {result.step} steps; try: kerazoo sample {shlex.quote(str(result.folder))}")
    if evaluate_after and result.preset:
        measure(str(result.preset), write=True, download=flags["data"].download)


def _says_how_long(epochs, steps, overrides):
    keys = ("training.epochs", "training.steps", "training.stages")
    return epochs is not None or steps is not None or any(item.strip().startswith(keys) for item in overrides or ())


def _with_own_length(config, run):
    """The configuration with the length that a run has, which may be another one than its preset's by now."""
    from kerazoo.presets.config import read_config
    from kerazoo.presets.runs import CONFIG

    if not (run / CONFIG).is_file():
        return config  # `train` says that there is nothing to resume
    own = read_config(run / CONFIG).training
    length = {"epochs": own.epochs, "steps": own.steps, "stages": own.stages}
    return config.model_copy(update={"training": config.training.model_copy(update=length)})


def _seeds(seed, seeds):
    """The seeds to train with, `[None]` where the configuration's own or `--seed` counts."""
    if seeds is None:
        return [None]
    if seed is not None:
        raise ConfigError("--seed and --seeds: give one of them")
    try:
        chosen = [check_seed(int(text)) for text in seeds.split(",")]
    except ValueError:
        raise ConfigError(f"--seeds {seeds}: numbers from 0 to 2147483647 are expected, such as 0,1,2") from None
    if len(set(chosen)) < len(chosen):
        raise ConfigError(f"--seeds {seeds}: each seed once")
    return chosen


def launch(
    context: typer.Context,
    arguments: Annotated[list[str], typer.Argument(help="train, and its arguments.", metavar="train ...")],
    workers: Annotated[int, typer.Option("--workers", help="How many processes train together.")] = 2,
):
    """Train with several worker processes on this machine: kerazoo launch --workers 2 train ..."""
    from kerazoo.training.launch import launch as run

    imports = [word for module in context.find_root().params["import_"] or () for word in ("--import", module)]
    raise typer.Exit(run([*arguments, *imports], workers))


def publish(
    run: Annotated[Path, typer.Argument(help="Folder of a finished run.")],
    name: Annotated[str, typer.Argument(help="The preset's name: <architecture>_<something>.")],
    out: Annotated[
        Path | None, typer.Option("--out", help="The preset's folder. Default: zoo_configs/NAME of the checkout.")
    ] = None,
    set_: Set = None,
    overwrite: Overwrite = False,
    download: Download = False,
):
    """Make a preset of a finished run: configuration, weights, figures, exports, samples, card."""
    import_tensorflow()
    from kerazoo.training.publishing import publish as run_publish

    options = {"overrides": set_ or (), "overwrite": overwrite, "download": download}
    folder = run_publish(run, name, out=out, say=print, **options)
    print(f"look at {folder / 'card.md'} before you commit it")


def _command_line(command, model, options):
    """The command that does the same again; where files go is left out."""
    words = [*shlex.split(os.environ.get("KERAZOO_LAUNCHER", "kerazoo")), command, model]
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(option)
        elif isinstance(value, (list, tuple)):
            words += [word for item in value for word in (option, item)]
        elif value is not None and value is not False:
            words += [option, str(value)]
    return shlex.join(words)
