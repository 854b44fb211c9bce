"""Grids of images as files."""

import numpy as np

from kerazoo.tasks.formats import encoded, picture_file, picture_scale
from kerazoo.utils.files import new_file

INK, PAPER = (40, 40, 40), (255, 255, 255)
GAP = 2


def image_grid(images, *, columns=None, scale=None, labels=None, title=None):
    """Tile images into one picture.

    Args:
        images: array. Float in [0, 1] or uint8, shape `(num, height, width, 1 or 3)`.
        columns: int or None. Defaults to None: the square root of the number, rounded up.
        scale: int or None. Each pixel becomes a square of this side. Defaults to None: so that images are shown at 56
            pixels or more.
        labels: sequence of str or None. A caption under each image. Defaults to None.
        title: str or None. A line above the grid. Defaults to None.

    Returns:
        PIL.Image.Image. RGB.
    """
    from PIL import Image, ImageDraw, ImageFont

    images = np.asarray(images)
    if images.dtype != np.uint8:
        images = np.round(np.clip(images, 0, 1) * 255).astype(np.uint8)
    num, height, width, channels = images.shape
    columns = columns or int(np.ceil(np.sqrt(num)))
    scale = scale or max(1, -(-56 // height))
    font = ImageFont.load_default(size=12)
    cell_width = width * scale + GAP
    cell_height = height * scale + GAP + (16 if labels is not None else 0)
    top = 24 if title else 0
    rows = -(-num // columns)
    picture = Image.new("RGB", (columns * cell_width + GAP, top + rows * cell_height + GAP), PAPER)
    draw = ImageDraw.Draw(picture)
    if title:
        draw.text((GAP + 2, 5), title, INK, font)
    for index, image in enumerate(images):
        x, y = GAP + index % columns * cell_width, top + GAP + index // columns * cell_height
        tile = Image.fromarray(image[..., 0] if channels == 1 else image)
        picture.paste(tile.resize((width * scale, height * scale), Image.Resampling.NEAREST), (x, y))
        if labels is not None:
            draw.text((x + width * scale / 2, y + height * scale + 1), str(labels[index]), INK, font, anchor="ma")
    return picture


def write_grid(images, path, *, labels=None, columns=None, overwrite=False):
    """Write an `image_grid` as `<path>.png`, or in the format of `picture_format`; returns the file's path."""
    grid = image_grid(images, labels=labels, columns=columns, scale=picture_scale())
    return save_picture(grid, picture_file(path), overwrite=overwrite)


def save_picture(picture, path, *, overwrite=False):
    """Write a picture in the format of the path's suffix, whole or not at all.

    Args:
        picture: PIL.Image.Image.
        path: Path. Ends in `.png`, `.pdf` or `.svg`.
        overwrite: bool. Whether an existing file may be replaced. Defaults to False.

    Returns:
        Path. The file.

    Raises:
        OutputError: `path` exists or cannot be written.
    """
    with new_file(path, overwrite=overwrite) as temporary:
        temporary.write_bytes(encoded(picture, path.suffix))
    return path


def save_png(picture, path, *, overwrite=False):
    """`save_picture` under its older name."""
    save_picture(picture, path, overwrite=overwrite)
