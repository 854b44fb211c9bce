"""`shapes`: pictures of one shape each, drawn from six factors that are known, with captions made of them."""

import itertools

import numpy as np

from kerazoo.data.arrays import from_arrays
from kerazoo.data.images import wanted_shape
from kerazoo.data.schemes import source
from kerazoo.data.text import text_array

SHAPE = (32, 32, 3)
_SAMPLES = 4  # along each side of a pixel, for smooth edges
_SEED = 0  # of the order of the combinations, and so of the splits

COLOURS = {
    "red": (214, 39, 40),
    "orange": (255, 150, 20),
    "yellow": (240, 220, 30),
    "green": (44, 160, 44),
    "blue": (31, 90, 200),
    "purple": (140, 60, 190),
}
SCALES = {"tiny": 0.12, "small": 0.16, "medium": 0.2, "large": 0.24}  # half the width, in sides of the picture
ANGLES = tuple(range(0, 90, 15))  # degrees, anticlockwise; below 90, where a square looks the same again
_ROWS = {"top": 0.28, "middle": 0.5, "bottom": 0.72}
_COLUMNS = {"left": 0.28, "middle": 0.5, "right": 0.72}


def _square(x, y):
    return np.maximum(np.abs(x), np.abs(y)) < 0.8


def _triangle(x, y):
    return (y > -0.6) & (y < 1.1 - 2 * np.abs(x))


def _ellipse(x, y):
    return x**2 + (y / 0.55) ** 2 < 1


def _heart(x, y):
    x, y = 1.2 * x, 1.2 * y + 0.29  # its centre of mass is at 0
    return (x**2 + y**2 - 1) ** 3 < x**2 * y**3


SHAPES = {"square": _square, "triangle": _triangle, "ellipse": _ellipse, "heart": _heart}
FACTORS = {
    "shape": tuple(SHAPES),
    "colour": tuple(COLOURS),
    "scale": tuple(SCALES),
    "angle": tuple(str(angle) for angle in ANGLES),
    "row": tuple(_ROWS),
    "column": tuple(_COLUMNS),
}


@source("shapes")
def open_shapes(request):
    """Open pictures of a square, a triangle, an ellipse or a heart on white, drawn on the spot; needs no files.

    Six factors make a picture: shape (4), colour (6), scale (4), angle (6, from 0 to 75 degrees), and the row (3) and
    column (3) of its place on a grid. Every combination occurs once, 5,184 in all, so each factor is independent of the
    others.

    Args:
        request: a `Request`. Splits: "test" is a tenth of the combinations (518), drawn by a fixed permutation, "train"
            the other 4,666, "all" every one. Pictures are drawn in the size of `image_shape`, 32x32x3 by default.

    Returns:
        A `Source` of {"image": uint8 `(n, H, W, C)`, "label": int64 `(n,)`, the shape, "text": object array `(n,)` of
        captions such as "a small red heart at the top left, turned by 15 degrees", "shape", "colour", "scale", "angle",
        "row", "column": int64 `(n,)`}; `info.value_names` names the values of the factors.
    """
    codes = np.array(list(itertools.product(*(range(len(names)) for names in FACTORS.values()))), np.int64)
    order = np.random.default_rng(_SEED).permutation(len(codes))
    num_test = len(codes) // 10
    rows = {"train": order[num_test:], "test": order[:num_test], "all": order}
    if request.split not in rows:
        raise request.no_split(rows)
    codes = codes[rows[request.split][: request.limit]]
    factors = dict(zip(FACTORS, codes.T.copy(), strict=True))
    images = _draw(factors, *wanted_shape(request.image_shape, SHAPE))
    arrays = {
        "image": images,
        "label": factors["shape"],
        "text": text_array([caption(*row) for row in codes]),
        **factors,
    }
    return from_arrays(
        arrays,
        name=request.spec,
        split=request.split,
        class_names=FACTORS["shape"],
        value_names=dict(FACTORS),
        licence="none needed (synthetic)",
    )


def caption(shape, colour, scale, angle, row, column):
    """Return the caption of a picture.

    Args:
        shape, colour, scale, angle, row, column: int. Values of the factors, indices into `FACTORS`.

    Returns:
        str.

    Example:
        >>> caption(3, 0, 1, 1, 0, 0)
        'a small red heart at the top left, turned by 15 degrees'
        >>> caption(2, 4, 0, 0, 1, 1)
        'a tiny blue ellipse in the middle'
    """
    sides = [side for side in (FACTORS["row"][row], FACTORS["column"][column]) if side != "middle"]
    where = f"at the {' '.join(sides)}" if sides else "in the middle"
    turned = f", turned by {ANGLES[angle]} degrees" if angle else ""
    return f"a {FACTORS['scale'][scale]} {FACTORS['colour'][colour]} {FACTORS['shape'][shape]} {where}{turned}"


def _draw(factors, height, width, channels):
    """Return uint8 images `(n, height, width, channels)` of the factors."""
    forms = np.stack([factors[name] for name in ("shape", "scale", "angle", "row", "column")], axis=1)
    distinct, rows = np.unique(forms, axis=0, return_inverse=True)
    covered = np.stack([_coverage(*form, height, width) for form in distinct])
    palette = np.array(list(COLOURS.values()), np.float32)
    if channels == 1:
        palette = palette @ np.float32([[0.299], [0.587], [0.114]])
    images = np.empty((len(forms), height, width, channels), np.uint8)
    for row, form in enumerate(rows.reshape(-1)):  # one at a time: all of them as floats would take four times as much
        share = covered[form][..., None]
        images[row] = np.rint(255 * (1 - share) + palette[factors["colour"][row]] * share)
    return images


def _coverage(shape, scale, angle, row, column, height, width):
    """Return the part of each pixel that a form covers, float32 `(height, width)` in [0, 1]."""
    side = min(height, width)
    radius = list(SCALES.values())[scale] * side
    centres = [(np.arange(size * _SAMPLES) + 0.5) / _SAMPLES for size in (height, width)]
    y = (list(_ROWS.values())[row] * height - centres[0])[:, None] / radius  # upwards
    x = (centres[1] - list(_COLUMNS.values())[column] * width)[None] / radius
    turn = np.deg2rad(ANGLES[angle])
    inside = list(SHAPES.values())[shape](x * np.cos(turn) + y * np.sin(turn), y * np.cos(turn) - x * np.sin(turn))
    return inside.reshape(height, _SAMPLES, width, _SAMPLES).mean(axis=(1, 3), dtype=np.float32)
