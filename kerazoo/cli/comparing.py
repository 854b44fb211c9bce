"""The command that puts runs side by side: `compare`."""

from pathlib import Path
from typing import Annotated

import typer

from kerazoo.cli.options import Csv, Json, Latex, Overwrite, table_format
from kerazoo.utils.console import import_tensorflow


def compare(
    runs: Annotated[list[Path], typer.Argument(help="Run folders, or folders of train --seeds.")],
    out: Annotated[
        Path | None,
        typer.Option("--out", help="Plot of the losses: NAME.png, NAME.pdf or NAME.svg."),
    ] = None,
    json: Json = False,
    csv: Csv = False,
    latex: Latex = False,
    overwrite: Overwrite = False,
):
    """Compare runs: last losses and recorded figures, mean and spread of several seeds."""
    shown = table_format(json=json, csv=csv, latex=latex)
    import_tensorflow()
    from kerazoo.training.comparing import compare_runs, plot_runs
    from kerazoo.utils.tables import aligned

    rows, report = compare_runs(runs)
    print(shown(rows, report) if shown else aligned(rows))
    if out is not None:
        print(f"wrote {plot_runs(runs, out, overwrite=overwrite)}")
