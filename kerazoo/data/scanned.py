"""`rows:SOURCE` and `pixels:SOURCE`: images as sequences, read from the top row by row, or pixel by pixel."""

import numpy as np

from kerazoo.data.arrays import from_arrays
from kerazoo.data.images import allocate
from kerazoo.data.schemes import open_source, source
from kerazoo.utils.errors import DataError

_BLOCK = 4096  # images turned into numbers at once


@source("rows", "SOURCE")
def open_rows(request):
    """Open the images of a source as sequences of their rows: a step has the pixels of a row, in [0, 1].

    Args:
        request: a `Request`. Splits and labels are those of the source, whose images must be of one size.

    Returns:
        A `Source` of {"sequence": float32 `(n, height, width * channels)`, "label" where the source has labels}.

    Raises:
        DataError: the source has no images.

    Source: Le, Jaitly and Hinton 2015, arXiv:1504.00941, section 4.2, pixel by pixel; by rows it is an exercise.
    """
    return _scanned(request, lambda height, width, channels: (height, width * channels))


@source("pixels", "SOURCE")
def open_pixels(request):
    """Open the images of a source as sequences of their pixels, in the order of reading.

    Args:
        request: a `Request`. As for `rows`.

    Returns:
        A `Source` of {"sequence": float32 `(n, height * width, channels)`, "label" where the source has labels}.

    Raises:
        DataError: the source has no images.

    Source: Le, Jaitly and Hinton 2015, "A Simple Way to Initialize Recurrent Networks of Rectified Linear Units",
    arXiv:1504.00941, section 4.2.
    """
    return _scanned(request, lambda height, width, channels: (height * width, channels))


def _scanned(request, shape_of):
    request.refuse_images("sequences")
    options = {"download": request.download, "strict": request.strict, "limit": request.limit}
    opened = open_source(request.argument, split=request.split, **options)
    shape = opened.info.shapes.get("image")
    if shape is None or None in shape:
        raise DataError(f"{request.spec}: {request.argument} has no images of one size")
    from kerazoo.utils.images import as_float_array  # imports TensorFlow

    images = opened.arrays["image"]
    sequence = allocate((len(images), *shape_of(*shape)), np.float32)
    for start in range(0, len(images), _BLOCK):
        part = as_float_array(images[start : start + _BLOCK])
        sequence[start : start + _BLOCK] = part.reshape(len(part), *sequence.shape[1:])
    labels = {"label": opened.arrays["label"]} if "label" in opened.arrays else {}
    names = opened.info.class_names if labels else None
    details = {**opened.info.origin, "name": request.spec, "class_names": names}
    return from_arrays({"sequence": sequence, **labels}, **details)
