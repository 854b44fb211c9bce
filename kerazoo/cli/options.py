"""Options that several commands have."""

from typing import Annotated

import typer

from kerazoo.utils.errors import ConfigError
from kerazoo.utils.tables import as_csv, as_json, as_latex

Model = Annotated[str, typer.Argument(help="Preset, architecture, preset or run folder, or hf://owner/name.")]
Data = Annotated[
    str | None, typer.Option("--data", help="A source: tfds:NAME, folder:PATH, text:PATH, ... (see README)")
]
Seed = Annotated[int | None, typer.Option("--seed", help="Seed of everything random, 0 to 2147483647.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
Download = Annotated[bool, typer.Option("--download", help="Download a TFDS data set that is missing.")]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at a broken image instead of leaving it out.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="Override: section.key=value; may be repeated.")]
Json = Annotated[bool, typer.Option("--json", help="Print as JSON.")]
Csv = Annotated[bool, typer.Option("--csv", help="Print as comma-separated values.")]
Latex = Annotated[bool, typer.Option("--latex", help="Print as a LaTeX table (booktabs).")]


def table_format(**flags):
    """The function of `kerazoo.utils.tables` that the flags `json`, `csv` and `latex` choose; None for none."""
    formats = {"json": as_json, "csv": as_csv, "latex": as_latex}
    chosen = [name for name, given in flags.items() if given]
    if len(chosen) > 1:
        raise ConfigError(f"{' and '.join(f'--{name}' for name in chosen)}: give one of them")
    return formats[chosen[0]] if chosen else None
