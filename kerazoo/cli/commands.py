"""The command line: thin commands over the Python API, one line for each error."""

import sys
from typing import Annotated

import typer

from kerazoo.cli.comparing import compare
from kerazoo.cli.exporting import export, serve
from kerazoo.cli.measuring import embed, evaluate, sample
from kerazoo.cli.models import demo, info, list_command
from kerazoo.cli.searching import search
from kerazoo.cli.training import launch, publish, train
from kerazoo.utils.console import plain_warnings, tolerant_output
from kerazoo.utils.errors import KerazooError

app = typer.Typer(
    add_completion=False,
    rich_markup_mode=None,
    pretty_exceptions_enable=False,
    help="A Keras model zoo of the classic generative and recurrent architectures.",
)

app.command("list")(list_command)
for command in (info, train, publish, sample, evaluate, embed, compare, search, export, serve, demo):
    app.command()(command)
app.command(context_settings={"allow_interspersed_args": False})(launch)


def _print_version(value):
    if value:
        import kerazoo

        print(f"kerazoo {kerazoo.__version__}")
        raise typer.Exit


@app.callback()
def options(
    version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Show the version and exit.")
    ] = False,
    import_: Annotated[
        list[str] | None,
        typer.Option("--import", help="File or module with models of your own; any command takes it."),
    ] = None,
):
    """A Keras model zoo of the classic generative and recurrent architectures."""
    if import_:
        from kerazoo.base.registry import import_models
        from kerazoo.utils.console import import_tensorflow

        import_tensorflow()
        for module in import_:
            import_models(module)


def main(arguments=None):
    """Entry point: run a command; an error is one line on stderr and exit status 1 (2 for wrong usage)."""
    arguments = _imports_first(sys.argv[1:] if arguments is None else list(arguments))
    tolerant_output()
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


def _imports_first(words):
    """The words of a command line with every `--import MODULE` before the command, wherever it stands."""
    first, others = [], []
    rest = iter(words)
    for word in rest:
        if word == "--import":
            first += [word, *[value for value in [next(rest, None)] if value is not None]]
        else:
            (first if word.startswith("--import=") else others).append(word)
    return first + others


def _command(words):
    known = {command.name or command.callback.__name__ for command in app.registered_commands}
    return next((f"{word} " for word in words if word in known), "")


def _fail(message, status):
    print(f"kerazoo: {message}", file=sys.stderr)
    return status
