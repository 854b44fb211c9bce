"""The command line: `kerazoo`, also as `python -m kerazoo.cli`."""

from kerazoo.cli.commands import main

__all__ = ["main"]
