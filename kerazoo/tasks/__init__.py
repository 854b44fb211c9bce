"""Tasks: sampling from a model and evaluating it, by what the model does.

`ZooModel.task` names a module here (`"image-generation"` is `image_generation`) with two functions:

- `sample(model, path, *, num, seed, data, overwrite)` writes what fits the task to `path` and returns the paths of the
  files; the suffix of `path` decides a picture's format (.png, .pdf, .svg), without one it is PNG. Where a picture is
  written, `scale` says how large: pixels a pixel of a grid of images, times as large as usual for a plot. It has the
  options that it can use, and no others: one without `data` draws from the model alone;
- `evaluate(model, data, settings)` returns a dict of metrics, name -> number;

and `HEADLINES`, the names of the metrics that a card shows of exported files.

`data` is a `Data`, which opens a named source in the shape that the model takes when it is asked for.
"""

import importlib
import inspect
from collections.abc import Callable
from dataclasses import dataclass, field, replace

from kerazoo.data import open_source
from kerazoo.utils.errors import ConfigError
from kerazoo.utils.lazy import submodules

__getattr__ = submodules(__name__)


@dataclass(frozen=True)
class Data:
    """The data of an evaluation or a picture, opened when they are asked for.

    Attributes:
        spec: str or None. A source's name.
        image_shape: tuple, callable or None. The shape that the model takes; see `kerazoo.data.open_source`.
        download: bool. Whether a missing data set may be downloaded.
        strict: bool. Whether a broken image is an error.
        asked: bool. Whether a user named this source for this picture, rather than a configuration for all.
    """

    spec: str | None = None
    image_shape: tuple | Callable | None = None
    download: bool = False
    strict: bool = False
    asked: bool = False
    _opened: dict = field(default_factory=dict, init=False, repr=False, compare=False)

    def open(self, split):
        """The source's split, as a `kerazoo.data.Source`, read once; `ConfigError` where no source is named."""
        if self.spec is None:
            raise ConfigError("no data source is configured for this; give one with --data (evaluation.data)")
        if split not in self._opened:
            self._opened[split] = open_source(
                self.spec, split=split, image_shape=self.image_shape, download=self.download, strict=self.strict
            )
        return self._opened[split]

    def of_shape(self, image_shape):
        """The same data in another shape; what was read of it in that shape already is not read again."""
        other = replace(self, image_shape=image_shape)
        for split, source in self._opened.items():
            shapes = source.info.shapes.values()
            if all(shape == image_shape for shape in shapes if len(shape) == 3):
                other._opened[split] = source
        return other


def write_samples(model, path, **options):
    """Write what fits a model's task, checking that the task has the options.

    Data that nobody asked for (`Data.asked`) are an offer, which a task may leave.

    Args:
        model: ZooModel.
        path: Path. As for the task's `sample`.
        **options: of the task's `sample`: `num`, `seed`, `data`, `overwrite`, and what it has beyond these.

    Returns:
        tuple[Path, ...]. The files.

    Raises:
        ConfigError: an option that the task's `sample` does not have, such as `scale` for a text, or data for a task
            that draws from the model alone.
    """
    sample = task_module(model.task).sample
    known = [name for name, p in inspect.signature(sample).parameters.items() if p.kind is p.KEYWORD_ONLY]
    if "data" not in known and not getattr(options.get("data"), "asked", False):
        options.pop("data", None)
    for name in options:
        if name not in known:
            raise ConfigError(f"samples of {model.task} have no option {name!r}; they have {', '.join(known)}")
    return sample(model, path, **options)


def refuse(option, value, why):
    """Raise a `ConfigError` where an option was given that this very model, or picture, cannot use.

    Args:
        option: str. Its name.
        value: what was given; None, and data that nobody asked for, are nothing.
        why: str. One phrase.
    """
    if value is not None and getattr(value, "asked", True):
        raise ConfigError(f"{option}: {why}; leave it out")


def task_module(task):
    """The module of a task."""
    return importlib.import_module(f"kerazoo.tasks.{task.replace('-', '_')}")
