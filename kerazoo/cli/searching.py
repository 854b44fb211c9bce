"""The command that looks for new cells: `search`."""

from pathlib import Path
from typing import Annotated, Literal

import typer

from kerazoo.cli.options import Overwrite
from kerazoo.utils.checks import check_integer, check_seed
from kerazoo.utils.console import import_tensorflow

SHOWN = 10  # cells of the table


def search(
    what: Annotated[Literal["cells"], typer.Argument(help="What to search for.")],
    out: Annotated[Path, typer.Option("--out", help="Folder of the search.")],
    tasks: Annotated[str, typer.Option("--tasks", help="Some of arithmetic,xml,text.")] = "arithmetic,xml,text",
    text: Annotated[str, typer.Option("--text", help="Source of the task text.")] = "tfds:tiny_shakespeare",
    trials: Annotated[int, typer.Option("--trials", help="How many cells and settings to try.")] = 200,
    steps: Annotated[int, typer.Option("--steps", help="Of each training.")] = 600,
    settings: Annotated[int, typer.Option("--settings", help="Random hyperparameters for a new cell.")] = 3,
    population: Annotated[int, typer.Option("--population", help="Cells that may have descendants.")] = 100,
    workers: Annotated[int, typer.Option("--workers", help="Processes, each of which trains one cell at a time.")] = 1,
    address: Annotated[str | None, typer.Option("--address", help="Of a Ray cluster; local begins one here.")] = None,
    seed: Annotated[int, typer.Option("--seed", help="Seed of everything random.")] = 0,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the search in --out.")] = False,
    overwrite: Overwrite = False,
):
    """Search for recurrent cells: mutations of LSTM and GRU, ranked by their smallest ratio to GRU over the tasks."""
    numbers = {"trials": trials, "steps": steps, "settings": settings, "population": population, "workers": workers}
    for name, value in numbers.items():
        check_integer(f"--{name}", value)
    import_tensorflow()
    from kerazoo.training.cell_search import BEST, Plan
    from kerazoo.training.cell_search import search as run
    from kerazoo.utils.tables import aligned

    plan = Plan(
        tasks=tuple(tasks.split(",")),
        num_trials=trials,
        steps=steps,
        num_settings=settings,
        population=population,
        seed=check_seed(seed),
        text=text,
    )
    flags = {"workers": workers, "address": address, "resume": resume, "overwrite": overwrite}
    cells = run(plan, out, **flags, say=lambda line: print(line, flush=True))
    rows = [
        (place + 1, cell.ratio, len(cell.graph["nodes"]), *(cell.scores[task] for task in plan.tasks))
        for place, cell in enumerate(cells[:SHOWN])
    ]
    print(aligned([("rank", "ratio to GRU", "nodes", *plan.tasks), *rows]))
    if cells:
        print(f"wrote {out / BEST}; try: kerazoo train lstm_char_lm --set model.cell={out / BEST}")
