"""What it means to sample from and to evaluate a model of each task.

`ZooModel.task` names a module here (`"image-generation"` is `image_generation`) with two functions:

- `sample(model, path, *, num, seed, data, overwrite)` writes what fits the task to `path` (without a suffix) and
  returns the paths of the files;
- `evaluate(model, data, settings)` returns a dict of metrics, name -> number.

`data` is a `Data`, which opens a named source in the shape that the model takes when it is asked for.
"""

import importlib
from dataclasses import dataclass, field

from kerazoo.data import open_source
from kerazoo.errors import ConfigError


@dataclass(frozen=True)
class Data:
    """How to open the data of an evaluation or a picture.

    Attributes:
        spec: str or None. A source's name.
        image_shape: tuple or None. The shape that the model takes.
        download: bool. Whether a missing data set may be downloaded.
        strict: bool. Whether a broken image is an error.
    """

    spec: str | None = None
    image_shape: tuple | None = None
    download: bool = False
    strict: bool = False
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


def task_module(task):
    """The module of a task."""
    return importlib.import_module(f"kerazoo.tasks.{task.replace('-', '_')}")
