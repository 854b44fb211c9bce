"""Named data sources, read into memory or a memory map once and served as replayable `tf.data` streams.

>>> from kerazoo.data import open_source
>>> source = open_source("digits", image_shape=(32, 32, 1))
>>> print(source)
digits[train]: 1,437 images of 32x32x1, uint8 0..255, 10 classes, licence CC BY 4.0
>>> batch = next(iter(source.batches(64, seed=0)))
>>> batch["image"].shape
TensorShape([64, 32, 32, 1])

Images are `tfds:NAME`, `folder:PATH`, `hf:PATH`, `npz:PATH`, `patches:SOURCE,SIZE`, `shapes` and `digits`; points are
`csv:PATH`, `npz:PATH`, `ring` and `grid`; text is `tfds:NAME`, `hf:PATH`, `text:PATH` and `verse`; pairs of texts are
`pairs:SOURCE,TARGET`, `reversal` and `copy`. A NumPy array or a dict of arrays is a source too. Sources of text are
raw, arrays of str; `TokenStream` and `BucketedPairs` are what models make of them. Vectors in time are `music:PATH`,
`csv:PATH,sequence=COLUMN`, `adding:T`, `copying:T`, `parity:LENGTH`, `ahead:LENGTH` and `chorale`; texts whose law is
known are `arithmetic:DIGITS` and `xml:DEPTH`. `paired:A,B` are pairs of images;
`unpaired:A,B` and `twins:SPEC` make two domains of images without pairs. Options follow behind commas:
`folder:PATH,label=COLUMN`. `open_source(..., augment="flip,crop")` augments the training stream.
A new kind of source is one function under `@source("scheme")` in a module that is imported below. Nothing here imports
TensorFlow, TensorFlow Datasets, scikit-learn or Pillow before a source needs it.
"""

from kerazoo.data import (  # noqa: F401  (imports register schemes)
    arithmetic,
    builtin,
    csv_files,
    folders,
    huggingface,
    memory_tasks,
    music,
    numpy_files,
    opinions,
    paired,
    pairs,
    patches,
    scanned,
    shapes,
    text,
    tfds,
    unpaired,
    xml_tags,
)
from kerazoo.data.adapt import as_dataset, check_batch
from kerazoo.data.arrays import from_arrays
from kerazoo.data.augmentation import augmented, check_augmentations, list_augmentations
from kerazoo.data.buckets import BucketedPairs
from kerazoo.data.info import Modes, SourceInfo
from kerazoo.data.paired import Paired
from kerazoo.data.partly_labelled import PartlyLabelled, keep_labels
from kerazoo.data.rescaling import rescaled
from kerazoo.data.schemes import Request, list_sources, names_source, open_source, source
from kerazoo.data.sequences import Sequences
from kerazoo.data.sources import Source
from kerazoo.data.streams import TokenStream
from kerazoo.data.unpaired import Unpaired
from kerazoo.data.validation import split_last

__all__ = [
    "BucketedPairs",
    "Modes",
    "Paired",
    "PartlyLabelled",
    "Request",
    "Sequences",
    "Source",
    "SourceInfo",
    "TokenStream",
    "Unpaired",
    "as_dataset",
    "augmented",
    "check_augmentations",
    "check_batch",
    "from_arrays",
    "keep_labels",
    "list_augmentations",
    "list_sources",
    "names_source",
    "open_source",
    "rescaled",
    "source",
    "split_last",
]
