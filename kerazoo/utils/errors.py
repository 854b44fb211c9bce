"""The errors of kerazoo: one line each that names what is wrong, what was expected and what to do next.

The command line prints the line and exits with status 1; in Python each error is also the built-in exception that
one would expect (`ValueError`, `FileExistsError`, ...), so that ordinary `except` clauses work.
"""


class KerazooError(Exception):
    """Base of every error that kerazoo raises on purpose. `str(error)` is one line."""

    def __str__(self):
        # KeyError's own __str__ would quote the message.
        return str(self.args[0]) if self.args else ""


class UnknownNameError(KerazooError, KeyError):
    """No architecture, preset or data source has this name; the message gives the nearest ones."""


class ConfigError(KerazooError, ValueError):
    """A configuration or an argument is wrong; the message names the key, the value and what is allowed."""


class DataError(KerazooError, ValueError):
    """Data are missing, empty, broken, or of a shape or range that the model does not take."""


class UnknownSplitError(DataError):
    """The data have no split of this name; the message lists those that they have."""


class PresetError(KerazooError, ValueError):
    """A preset folder is missing, damaged, incomplete, or does not match its model."""


class OutputError(KerazooError, OSError):
    """Something cannot be written: it exists already, the folder is not writable, the disk is full."""


class TrainingError(KerazooError, RuntimeError):
    """Training cannot start, go on or be resumed."""


class ExportError(KerazooError, RuntimeError):
    """An export does not give what Keras gives, or cannot be made; nothing was written."""


class MissingDependencyError(KerazooError, ImportError):
    """An optional package is needed; the message says which extra installs it."""
