"""Images of which some have a label: the others' labels are -1, `UNLABELLED`."""

import dataclasses

import numpy as np

from kerazoo.data.info import UNLABELLED, check_integer
from kerazoo.data.order import with_fixed_options
from kerazoo.data.sources import Source
from kerazoo.utils.checks import check_seed
from kerazoo.utils.errors import DataError

# Folded into the seed of the labelled examples' order.
_LABELLED = 1


def keep_labels(source, per_class, *, seed=0):
    """A source with the labels of a few examples of each class, drawn at random; the others become -1.

    Args:
        source: Source. With labels.
        per_class: int. Labels to keep of each class, 1 or more.
        seed: int. Which ones; independent of the order of training. Defaults to 0.

    Returns:
        Source. Of all examples; its `str` says how many have labels.

    Raises:
        DataError: there are no labels, or a class has fewer examples.

    Example:
        >>> print(keep_labels(kerazoo.data.open_source("digits"), 10))
        digits[train]: 1,437 images of 8x8x1, uint8 0..255, 10 classes, 100 labelled, licence CC BY 4.0
    """
    per_class = check_integer("labels_per_class", per_class, 1)
    rng = np.random.default_rng(check_seed(seed, error=DataError))
    if "label" not in source.arrays:
        raise DataError(f"{source.info.name} has no labels, of which labels_per_class={per_class} could be kept")
    labels = np.asarray(source.arrays["label"])
    kept = np.full_like(labels, UNLABELLED)
    for c in np.unique(labels[labels != UNLABELLED]):
        rows = np.flatnonzero(labels == c)
        if len(rows) < per_class:
            name = source.info.class_names[c] if source.info.class_names else c
            raise DataError(
                f"labels_per_class={per_class}: class {name} of {source.info.name} has {len(rows)} examples"
            )
        kept[rng.choice(rows, per_class, replace=False)] = c
    return Source({**source.arrays, "label": kept}, source.info, source.skipped, source.names)


def without_class(spec, labels, class_names, name):
    """Labels and class names without one class, that of the examples without a label.

    Args:
        spec: str. For messages.
        labels: int array, shape `(num,)`.
        class_names: tuple of str, or None.
        name: str. One of them.

    Returns:
        (int64 array, tuple of str). Labels of that class are -1, those of classes behind it one less.

    Raises:
        DataError: there is no such class.

    Example:
        >>> without_class("folder:animals", np.array([0, 1, 2]), ("cat", "rest", "zebra"), "rest")
        (array([ 0, -1,  1]), ('cat', 'zebra'))
    """
    if name not in (class_names or ()):
        raise DataError(f"{spec}: no class {name!r} (it has: {', '.join(class_names or ('none',))})")
    index = class_names.index(name)
    moved = np.where(labels == index, UNLABELLED, labels - (labels > index))
    return moved, class_names[:index] + class_names[index + 1 :]


class PartlyLabelled(Source):
    """Images, and beside each another one that has a label: what a semi-supervised step takes.

    A batch is {"image": images, "labelled": images, "label": their labels}. All images, also the labelled ones, come
    as "image" once an epoch, in the order that the seed gives; the labelled ones run through orders of their own, again
    and again, so that few of them are seen many times an epoch (Salimans et al. replicate them likewise).

    Args:
        source: Source. Of images, with labels of which some are -1.

    Raises:
        DataError: no image has a label.

    Example:
        >>> data = PartlyLabelled(keep_labels(kerazoo.data.open_source("digits"), 1))
        >>> {key: value.shape[0] for key, value in next(iter(data.batches(64))).items()}
        {'image': 64, 'labelled': 64, 'label': 64}
    """

    def __init__(self, source):
        rows = np.flatnonzero(np.asarray(source.arrays["label"]) != UNLABELLED)
        if not len(rows):
            raise DataError(f"{source.info.name}: none of its {len(source):,} images has a label")
        self._join(source, source.select(rows))

    def _join(self, everything, labelled):
        """Take up the parts: all images, and those with labels."""
        images, labels = labelled.arrays["image"], labelled.arrays["label"]
        arrays = {"image": everything.arrays["image"], "labelled": images, "label": labels}
        shapes = {key: value.shape[1:] for key, value in arrays.items()}
        dtypes = {key: value.dtype.name for key, value in arrays.items()}
        info = dataclasses.replace(everything.info, shapes=shapes, dtypes=dtypes)
        super().__init__(arrays, info, everything.skipped, everything.names)
        self.everything, self.labelled = everything, labelled

    def __str__(self):
        return str(self.everything)

    def with_streams(self, wrap):
        """Return the same with both training streams wrapped; arguments and result as for `Source.with_streams`."""
        wrapped = PartlyLabelled.__new__(PartlyLabelled)
        wrapped._join(wrap(self.everything), wrap(self.labelled))
        return wrapped

    def batches(self, batch_size, *, seed=0, **options):
        """Return the endless training stream; arguments, result and errors as for `Source.batches`."""
        import tensorflow as tf

        seed = check_seed(seed, error=DataError)
        other = int(np.random.SeedSequence([seed, _LABELLED]).generate_state(1)[0] >> 1)
        streams = (
            self.everything.batches(batch_size, seed=seed, **options),
            self.labelled.batches(batch_size, seed=other, **options),
        )
        return with_fixed_options(tf.data.Dataset.zip(streams).map(_beside))

    def sample(self, num, *, seed=0):
        """Draw distinct images with their labels, -1 for none; arguments and result as for `Source.sample`."""
        return self.everything.sample(num, seed=seed)

    def select(self, rows):
        """Return a source of some of the examples; arguments as for `Source.select`.

        Returns:
            A `PartlyLabelled`.
        """
        return PartlyLabelled(self.everything.select(rows))

    def _gather(self):
        # The ordered pass runs through all images, and begins the labelled ones again and again.
        everything, labelled = self.everything._gather(), self.labelled._gather()
        return lambda indices: _beside(everything(indices), labelled(indices % len(self.labelled)))


def _beside(one, labelled):
    return {"image": one["image"], "labelled": labelled["image"], "label": labelled["label"]}
