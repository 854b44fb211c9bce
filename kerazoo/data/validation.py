"""What `fit(validation_split=...)` trains on, and what it validates on."""

import numpy as np

from kerazoo.data.adapt import as_source, is_dataset
from kerazoo.utils.errors import DataError


def split_last(x, fraction, *, key="image", image_shape=None):
    """Divide data as Keras's `validation_split` does: the last part for validation, before anything is shuffled.

    Args:
        x: as for `as_dataset`, but no `tf.data.Dataset`.
        fraction: float in (0, 1). The part of the examples at the end.
        key, image_shape: as for `as_dataset`.

    Returns:
        (Source, Source). What is trained on, and the rest.

    Raises:
        DataError: a dataset, a fraction out of range, or one that leaves a part without examples.

    Example:
        >>> [len(part) for part in split_last(np.zeros((10, 28, 28, 1), "uint8"), 0.2)]
        [8, 2]
    """
    if isinstance(fraction, bool) or not isinstance(fraction, (int, float, np.floating)) or not 0 < fraction < 1:
        raise DataError(f"validation_split = {fraction!r}: a number above 0 and below 1 is expected")
    if is_dataset(x):
        raise DataError(
            "validation_split: a tf.data.Dataset cannot be divided by a fraction: train on dataset.skip(n), with "
            "validation_data=dataset.take(n)"
        )
    return as_source(x, key, image_shape).split_last(float(fraction))
