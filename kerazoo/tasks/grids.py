"""Grids of images, as pictures and as animations."""

from pathlib import Path

import numpy as np

from kerazoo.tasks.formats import save_picture, write_png
from kerazoo.utils.checks import check_integer, check_number
from kerazoo.utils.errors import DataError
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
    scale = max(1, -(-56 // height)) if scale is None else check_integer("scale", scale)
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


def write_grid(images, path, *, columns=None, scale=None, labels=None, title=None, overwrite=False):
    """Write an `image_grid`.

    Args:
        images: array. As for `image_grid`, as are `columns`, `scale`, `labels` and `title`.
        path: str or Path. Its suffix (.png, .pdf, .svg) decides the format; without one `.png` is added.
        columns, scale, labels, title: see `image_grid`.
        overwrite: bool. Whether an existing file may be replaced. Defaults to False.

    Returns:
        Path. The file.

    Raises:
        ConfigError: a suffix of another format, or a scale below 1.
        OutputError: the file exists or cannot be written.
    """
    grid = image_grid(images, columns=columns, scale=scale, labels=labels, title=title)
    return save_picture(grid, path, overwrite=overwrite)


def save_png(picture, path, *, overwrite=False):
    """Write a picture as PNG, whole or not at all; raises `OutputError` where `path` exists or cannot be written."""
    with new_file(path, overwrite=overwrite) as temporary:
        write_png(picture, temporary)


def write_gif(pictures, path, *, seconds=0.5, overwrite=False):
    """Write an animation of pictures of one size, such as the samples that training writes after each epoch.

    Args:
        pictures: sequence of str or Path. PNG files, in order, at least one.
        path: str or Path. `.gif` is added where it is missing.
        seconds: float. How long each picture stays, at least 0.02. Defaults to 0.5.
        overwrite: bool. Whether an existing file may be replaced. Defaults to False.

    Returns:
        Path. The file; it repeats without end.

    Raises:
        DataError: there is no picture, one cannot be read, or they differ in size.
        ConfigError: `seconds` is out of range.
        OutputError: the file exists or cannot be written.
    """
    seconds = check_number("seconds", seconds, 0.02)  # browsers show shorter ones more slowly
    pictures = list(pictures)
    frames = [_read_picture(Path(picture)) for picture in pictures]
    if not frames:
        raise DataError("an animation needs at least one picture, and there is none")
    for picture, frame in zip(pictures, frames, strict=True):
        if frame.size != frames[0].size:
            sizes = [f"{width}x{height}" for width, height in (frame.size, frames[0].size)]
            raise DataError(f"{picture} has {sizes[0]} pixels and {pictures[0]} {sizes[1]}: give pictures of one size")
    file = Path(path) if Path(path).suffix.lower() == ".gif" else Path(f"{path}.gif")
    with new_file(file, overwrite=overwrite) as temporary:
        first, *others = frames
        duration = round(1000 * seconds)
        first.save(temporary, format="GIF", save_all=True, append_images=others, duration=duration, loop=0)
    return file


def _read_picture(path):
    from PIL import Image

    try:
        with Image.open(path) as picture:
            return picture.convert("RGB")
    except OSError as error:
        raise DataError(f"{path}: cannot be read as a picture ({error.strerror or 'not a picture'})") from None
