"""Named data sources, read into memory or a memory map once and served as replayable `tf.data` streams.

>>> from kerazoo.data import open_source
>>> source = open_source("digits", image_shape=(32, 32, 1))
>>> print(source)
digits[train]: 1,437 images of 32x32x1, uint8 0..255, 10 classes, licence CC BY 4.0
>>> batch = next(iter(source.batches(64, seed=0)))
>>> batch["image"].shape
TensorShape([64, 32, 32, 1])

The sources are `tfds:NAME`, `folder:PATH`, `digits`, `ring` and `grid`; a NumPy array or a dict of arrays is one too.
A new kind of source is one function under `@source("scheme")` in a module that is imported below. Nothing here imports
TensorFlow, TensorFlow Datasets, scikit-learn or Pillow before a source needs it.
"""

from kerazoo.data import builtin, folders, tfds  # noqa: F401  (importing them registers their schemes)
from kerazoo.data.adapt import as_dataset, check_batch
from kerazoo.data.info import Modes, SourceInfo
from kerazoo.data.schemes import Request, list_sources, open_source, source
from kerazoo.data.sources import Source, from_arrays

__all__ = [
    "Modes",
    "Request",
    "Source",
    "SourceInfo",
    "as_dataset",
    "check_batch",
    "from_arrays",
    "list_sources",
    "open_source",
    "source",
]
