"""The command line: thin commands over the Python API, one line for each error."""

import os
import shlex
import sys
from pathlib import Path
from typing import Annotated

import typer

from kerazoo.cli.exporting import export, serve
from kerazoo.cli.options import Data, Download, Model, Overwrite, Seed, Set, Strict
from kerazoo.utils.checks import check_integer
from kerazoo.utils.console import plain_warnings
from kerazoo.utils.errors import KerazooError

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="A Keras model zoo of the classic generative and recurrent architectures.",
)


@app.command("list")
def list_command(
    names: Annotated[bool, typer.Option("--names", help="Only names that load() takes, one a line.")] = False,
):
    """Show the architectures and their presets."""
    from kerazoo.presets.cards import model_rows
    from kerazoo.presets.loading import list_models, list_presets

    if names:
        print("\n".join(name for model in list_models() for name in (model, *list_presets(model))))
        return
    rows = model_rows()
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    for row in rows:
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())


@app.command()
def info(name: Annotated[str, typer.Argument(help="A model as for load(), or a data source such as digits.")]):
    """Show what a preset (or a data source) is: data, size, training and measured figures."""
    from kerazoo.data import names_source
    from kerazoo.presets.loading import info as preset_info

    if names_source(name):
        _tensorflow()
        from kerazoo.data import open_source

        print(open_source(name))
        return
    import yaml

    print(yaml.safe_dump(preset_info(name), sort_keys=False, width=110).rstrip())


@app.command()
def train(
    model: Model,
    data: Data = None,
    out: Annotated[Path | None, typer.Option("--out", help="Run folder. Default: runs/<preset>.")] = None,
    epochs: Annotated[int | None, typer.Option("--epochs", help="Passes over the data.")] = None,
    steps: Annotated[int | None, typer.Option("--steps", help="Training steps in all, instead of epochs.")] = None,
    batch_size: Annotated[int | None, typer.Option("--batch-size", help="Examples a step, over all devices.")] = None,
    seed: Seed = None,
    strategy: Annotated[str | None, typer.Option("--strategy", help="auto, one, mirrored or multiworker.")] = None,
    precision: Annotated[
        str | None, typer.Option("--precision", help="float32, mixed_bfloat16 or mixed_float16.")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on where the run in --out stopped.")] = False,
    evaluate_after: Annotated[bool, typer.Option("--evaluate", help="Measure the result and write its card.")] = False,
    set_: Set = None,
    overwrite: Overwrite = False,
    download: Download = False,
    strict: Strict = False,
):
    """Train a preset's configuration, on its data or on yours."""
    _tensorflow()
    from kerazoo.presets.preset import find_preset
    from kerazoo.training import train as run
    from kerazoo.training.arguments import training_arguments
    from kerazoo.training.strategies import make_strategy

    if "TF_CONFIG" in os.environ:
        make_strategy(strategy or "auto")  # before anything reads data
    options = {"epochs": epochs, "steps": steps, "batch_size": batch_size, "seed": seed}
    options |= {"strategy": strategy, "precision": precision}
    preset = find_preset(model)
    flags = {"download": download, "strict": strict}
    config, opened = training_arguments(model, data=data, options=options, overrides=set_ or (), say=print, **flags)
    out = out or Path("runs") / preset.name
    command = _command_line("train", model, {**options, "data": data, "set": set_, "evaluate": evaluate_after})
    flags = {"resume": resume, "overwrite": overwrite}
    result = run(config, out, command=command, progress=True, data=opened, **flags)
    if not result.finished:
        print(f"stopped and saved at step {result.step}; go on with: {command} --out {shlex.quote(str(out))} --resume")
        raise typer.Exit(130)
    print(f"trained {result.step} steps; try: kerazoo sample {shlex.quote(str(result.folder))}")
    if evaluate_after and result.preset:
        _evaluate(str(result.preset), write=True, download=download)


@app.command(context_settings={"allow_interspersed_args": False})
def launch(
    arguments: Annotated[list[str], typer.Argument(help="train, and its arguments.", metavar="train ...")],
    workers: Annotated[int, typer.Option("--workers", help="How many processes train together.")] = 2,
):
    """Train with several worker processes on this machine: kerazoo launch --workers 2 train ..."""
    from kerazoo.training.launch import launch as run

    raise typer.Exit(run(arguments, workers))


@app.command()
def sample(
    model: Model,
    out: Annotated[Path | None, typer.Option("--out", help="File name without suffix. Default: ./<preset>.")] = None,
    num: Annotated[int | None, typer.Option("--num", help="How many. Default: what fits the task.")] = None,
    seed: Seed = 0,
    data: Data = None,
    overwrite: Overwrite = False,
):
    """Write samples: a grid of images, or whatever fits the model's task."""
    _tensorflow()
    from kerazoo.presets.loading import load
    from kerazoo.presets.preset import find_preset
    from kerazoo.tasks import Data as TaskData
    from kerazoo.tasks import task_module

    options = {} if num is None else {"num": check_integer("--num", num)}
    preset = find_preset(model)
    loaded = load(model)
    task_data = TaskData(data or preset.config.evaluation.data, loaded.image_shape)
    path = out or Path(preset.name)
    path = path.with_suffix("") if path.suffix in (".png", ".txt") else path
    options |= {"seed": seed, "data": task_data, "overwrite": overwrite}
    for file in task_module(loaded.task).sample(loaded, path, **options):
        print(f"wrote {file}")


@app.command()
def evaluate(
    model: Model,
    data: Data = None,
    num: Annotated[int | None, typer.Option("--num", help="How many examples.")] = None,
    seed: Seed = None,
    set_: Set = None,
    write: Annotated[bool, typer.Option("--write", help="Write the figures into the preset and its card.")] = False,
    download: Download = False,
):
    """Measure a preset; prints each metric with the number of examples."""
    _tensorflow()
    _evaluate(model, {"data": data, "num": num, "seed": seed}, set_ or (), write=write, download=download)


def _evaluate(model, options=None, overrides=(), *, write=False, download=False):
    from kerazoo.presets.cards import record_evaluation
    from kerazoo.tasks.evaluation import evaluate_preset

    report = evaluate_preset(model, options=options, overrides=overrides, download=download)
    for name, value in report["metrics"].items():
        print(f"{name:28} {value:.4f}" if isinstance(value, float) else f"{name:28} {value}")
    if write:
        print(f"wrote {record_evaluation(model, report)}")


app.command()(export)
app.command()(serve)


@app.command()
def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the pictures.")] = Path("demo"),
    seed: Seed = 0,
    overwrite: Overwrite = True,
):
    """Load the pretrained DCGAN, draw digits and a walk in latent space, and show the Python that does the same."""
    _tensorflow()
    from kerazoo.cli.demo import run_demo

    run_demo(out, seed=seed, overwrite=overwrite)


def _tensorflow():
    from kerazoo.utils.console import import_tensorflow

    import_tensorflow()


def main(arguments=None):
    """Entry point: run a command; an error is one line on stderr and exit status 1 (2 for wrong usage)."""
    arguments = sys.argv[1:] if arguments is None else arguments
    try:
        with plain_warnings():
            status = app(arguments or ["--help"], standalone_mode=False)
    except typer.TyperException as error:
        return _fail(f"{error.format_message().rstrip('.')} (see kerazoo {_command(arguments)}--help)", 2)
    except KerazooError as error:
        return _fail(str(error), 1)
    except OSError as error:
        from kerazoo.utils.files import reason

        return _fail(f"{error.filename or 'a file'}: {reason(error)}", 1)
    except MemoryError as error:
        return _fail(f"not enough memory ({error}); ask for less", 1)
    except (KeyboardInterrupt, typer.Abort):
        return _fail("interrupted", 130)
    return status if isinstance(status, int) else 0


def _command_line(command, model, options):
    """The command that does the same again; where files go is left out."""
    words = [*shlex.split(os.environ.get("KERAZOO_LAUNCHER", "kerazoo")), command, model]
    for name, value in options.items():
        option = f"--{name.replace('_', '-')}"
        if value is True:
            words.append(option)
        elif isinstance(value, (list, tuple)):
            words += [word for item in value for word in (option, item)]
        elif value not in (None, False):
            words += [option, str(value)]
    return shlex.join(words)


def _command(words):
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    return f"{words[0]} " if words and words[0] in known else ""


def _fail(message, status):
    print(f"kerazoo: {message}", file=sys.stderr)
    return status
