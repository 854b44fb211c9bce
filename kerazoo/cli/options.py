"""Options that several commands have."""

from typing import Annotated

import typer

Model = Annotated[str, typer.Argument(help="Preset, architecture, preset or run folder, or hf://owner/name.")]
Data = Annotated[
    str | None, typer.Option("--data", help="A source: tfds:NAME, folder:PATH, text:PATH, ... (see README)")
]
Seed = Annotated[int | None, typer.Option("--seed", help="Seed of everything random, 0 to 2147483647.")]
Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]
Download = Annotated[bool, typer.Option("--download", help="Download a TFDS data set that is missing.")]
Strict = Annotated[bool, typer.Option("--strict", help="Stop at a broken image instead of leaving it out.")]
Set = Annotated[list[str] | None, typer.Option("--set", help="Override: section.key=value; may be repeated.")]
