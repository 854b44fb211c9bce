"""The commands that use a model: `sample`, `evaluate` and `embed`."""

from pathlib import Path
from typing import Annotated

import typer

from kerazoo.cli.options import Csv, Data, Download, Json, Latex, Model, Overwrite, Seed, Set, table_format
from kerazoo.utils.checks import check_integer
from kerazoo.utils.console import import_tensorflow, working


def sample(
    model: Model,
    out: Annotated[
        Path | None, typer.Option("--out", help="File: NAME, NAME.png, NAME.pdf or NAME.svg. Default: ./<preset>.")
    ] = None,
    num: Annotated[int | None, typer.Option("--num", help="How many. Default: what fits the task.")] = None,
    seed: Seed = 0,
    data: Data = None,
    prompt: Annotated[
        str | None, typer.Option("--prompt", help="Models of text: what it goes on from, or translates.")
    ] = None,
    scale: Annotated[int | None, typer.Option("--scale", help="Images: side of the square of each pixel.")] = None,
    overwrite: Overwrite = False,
):
    """Write samples: a grid of images, or whatever fits the model's task."""
    options = {} if num is None else {"num": check_integer("--num", num)}
    if scale is not None:
        check_integer("--scale", scale, 1, 64)
    import_tensorflow()
    from kerazoo.presets.loading import load
    from kerazoo.presets.preset import find_preset
    from kerazoo.tasks import Data as TaskData
    from kerazoo.tasks import write_samples

    preset = find_preset(model)
    loaded = load(model)
    asked = {"prompt": prompt, "scale": scale, "epsilon": preset.config.evaluation.epsilon}
    options |= {name: value for name, value in asked.items() if value is not None}
    task_data = TaskData(data or preset.config.evaluation.data, loaded.image_shape, asked=data is not None)
    options |= {"seed": seed, "data": task_data, "overwrite": overwrite}
    for file in write_samples(loaded, out or Path(preset.name), **options):
        print(f"wrote {file}")


def evaluate(
    model: Model,
    data: Data = None,
    num: Annotated[int | None, typer.Option("--num", help="How many examples.")] = None,
    seed: Seed = None,
    set_: Set = None,
    write: Annotated[bool, typer.Option("--write", help="Write the figures into the preset and its card.")] = False,
    json: Json = False,
    csv: Csv = False,
    latex: Latex = False,
    download: Download = False,
):
    """Measure a preset; prints each metric with the number of examples."""
    shown = table_format(json=json, csv=csv, latex=latex)
    import_tensorflow()
    options = {"data": data, "num": num, "seed": seed}
    measure(model, options, set_ or (), write=write, download=download, shown=shown)


def measure(model, options=None, overrides=(), *, write=False, download=False, shown=None):
    """Measure a preset and print its figures, plainly or by a function of `kerazoo.utils.tables`."""
    from kerazoo.presets.cards import record_evaluation
    from kerazoo.presets.preset import find_preset
    from kerazoo.tasks.evaluation import evaluate_preset

    with working(f"measuring {find_preset(model).name}"):
        report = evaluate_preset(model, options=options, overrides=overrides, download=download)
    if shown is None:
        for name, value in report["metrics"].items():
            print(f"{name:28} {value:.4f}" if isinstance(value, float) else f"{name:28} {value}")
    else:
        about = {"preset": find_preset(model).name, **{k: v for k, v in report.items() if k != "metrics"}}
        print(shown([("metric", about["preset"]), *report["metrics"].items()], {**about, "metrics": report["metrics"]}))
    if write:
        print(f"wrote {record_evaluation(model, report)}")


def embed(
    model: Model,
    data: Data = None,
    out: Annotated[
        Path | None, typer.Option("--out", help="NAME or NAME.npz. Default: ./<preset>-features.npz.")
    ] = None,
    num: Annotated[int, typer.Option("--num", help="How many examples.")] = 2000,
    split: Annotated[str, typer.Option("--split", help="Split of the data.")] = "test",
    seed: Seed = 0,
    method: Annotated[str, typer.Option("--method", help="Map: pca or tsne.")] = "pca",
    download: Download = False,
    overwrite: Overwrite = False,
):
    """Write features of data, their map coloured by label, and a TensorBoard projector."""
    import_tensorflow()
    from kerazoo.presets.loading import load
    from kerazoo.presets.preset import find_preset
    from kerazoo.tasks import Data as TaskData
    from kerazoo.tasks.embedding import write_embedding

    preset = find_preset(model)
    loaded = load(model)
    source = TaskData(data or preset.config.evaluation.data, loaded.image_shape, download=download).open(split)
    options = {"num": num, "seed": seed, "method": method, "overwrite": overwrite}
    for path in write_embedding(loaded, source, out or Path(f"{preset.name}-features"), **options):
        print(f"wrote {path}")
