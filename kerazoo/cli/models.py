"""The commands that show what there is: `list`, `info`, `demo`."""

from pathlib import Path
from typing import Annotated

import typer

from kerazoo.cli.options import Overwrite, Seed
from kerazoo.utils.console import import_tensorflow


def list_command(
    pattern: Annotated[
        str, typer.Argument(help="Only these architectures, presets or families, such as 'gan*'.", show_default=False)
    ] = "*",
    names: Annotated[bool, typer.Option("--names", help="Only names that load() takes, one a line.")] = False,
):
    """Show the architectures and their presets."""
    from kerazoo.presets.cards import model_rows
    from kerazoo.utils.tables import aligned

    rows = model_rows(pattern)
    if names:
        found = [name for row in rows[1:] for name in row[:2] if name != "-"]
        print("\n".join(dict.fromkeys(found)))
        return
    print(aligned(rows))


def info(name: Annotated[str, typer.Argument(help="A model as for load(), or a data source such as digits.")]):
    """Show what a preset (or a data source) is: data, size, training and measured figures."""
    from kerazoo.data import names_source

    if names_source(name):
        import_tensorflow()
        from kerazoo.data import open_source

        print(open_source(name))
        return
    print(_preset_text(name))


def _preset_text(name):
    import yaml

    from kerazoo.base.registry import index, unknown_name
    from kerazoo.data import list_sources
    from kerazoo.presets.loading import info as preset_info
    from kerazoo.presets.preset import shipped_presets
    from kerazoo.utils.errors import UnknownNameError

    try:
        information = preset_info(name)
    except UnknownNameError as error:
        if "did you mean" in str(error):
            raise
        known = [*index(), *shipped_presets(), *list_sources()]
        raise UnknownNameError(unknown_name("model or data source", name, known)) from None
    return yaml.safe_dump(information, sort_keys=False, width=110).rstrip()


def demo(
    out: Annotated[Path, typer.Option("--out", help="Folder for the pictures.")] = Path("demo"),
    seed: Seed = 0,
    overwrite: Overwrite = True,
):
    """Load the pretrained DCGAN, draw digits and a walk in latent space, and show the Python that does the same."""
    import_tensorflow()
    from kerazoo.cli.demo import run_demo

    run_demo(out, seed=seed, overwrite=overwrite)
