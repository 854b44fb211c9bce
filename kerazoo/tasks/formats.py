"""Formats of pictures: the suffix of a path decides, and PNG is written where it has none."""

import io
from pathlib import Path

from kerazoo.utils.errors import ConfigError
from kerazoo.utils.files import new_file

FORMATS = (".png", ".pdf", ".svg")
DEFAULT = FORMATS[0]
# Without dates and versions, the same picture is the same file.
_METADATA = {".pdf": {"CreationDate": None}, ".svg": {"Date": None}}
# Pixels of a raster figure an inch, and points of a PDF: with 72 a pixel of a grid is a point.
PLOT_DPI, GRID_DPI = 100, 72


def picture_file(path):
    """The file that a picture is written to.

    Args:
        path: str or Path. With one of the suffixes .png, .pdf and .svg, which decides the format, or without one.

    Returns:
        Path. `path` itself, or with `.png` behind its name; in place of `.txt`, for what goes with a text.

    Raises:
        ConfigError: the suffix is that of another format of pictures.

    Example:
        >>> picture_file("samples").name, picture_file("samples.svg").name, picture_file("rate-0.5").name
        ('samples.png', 'samples.svg', 'rate-0.5.png')
    """
    from PIL import Image

    path = Path(path)
    suffix = path.suffix.lower()
    if suffix in FORMATS:
        return path
    if suffix in Image.registered_extensions():
        raise ConfigError(f"{path}: pictures are written as {', '.join(FORMATS)}; choose one of these suffixes")
    return path.with_suffix(DEFAULT) if suffix == ".txt" else path.with_name(path.name + DEFAULT)


def text_file(path):
    """The text that goes with a picture: `path` with `.txt` in place of a picture's suffix, or behind its name.

    Args:
        path: str or Path. As for `picture_file`.

    Returns:
        Path.

    Example:
        >>> text_file("samples.pdf").name, text_file("samples").name, text_file("samples.txt").name
        ('samples.txt', 'samples.txt', 'samples.txt')
    """
    path = Path(path)
    return path.with_suffix(".txt") if path.suffix.lower() in (*FORMATS, ".txt") else path.with_name(f"{path.name}.txt")


def save_picture(picture, path, *, overwrite=False):
    """Write a picture as PNG, PDF or SVG, whole or not at all.

    Args:
        picture: PIL.Image.Image. RGB.
        path: str or Path. As for `picture_file`.
        overwrite: bool. Whether an existing file may be replaced. Defaults to False.

    Returns:
        Path. The file.

    Raises:
        ConfigError: a suffix of another format.
        OutputError: the file exists or cannot be written.
    """
    file = picture_file(path)
    with new_file(file, overwrite=overwrite) as temporary:
        if file.suffix.lower() == DEFAULT:
            write_png(picture, temporary)
        else:
            _save_figure(_as_figure(picture), temporary, file.suffix, GRID_DPI)
    return file


def write_png(picture, path):
    """Write a picture as PNG without loss, as small as it goes: grey where it has no colours, and no transparency.

    Args:
        picture: PIL.Image.Image. Opaque.
        path: str or Path.
    """
    import numpy as np
    from PIL import Image

    colours = np.asarray(picture.convert("RGB"))
    grey = (np.ptp(colours, axis=-1) == 0).all()
    Image.fromarray(colours[..., 0] if grey else colours).save(path, format="PNG", optimize=True)


def save_figure(figure, path, *, scale=None, overwrite=False):
    """Write a matplotlib figure as PNG, PDF or SVG, whole or not at all.

    Args:
        figure: matplotlib.figure.Figure.
        path: str or Path. As for `picture_file`.
        scale: float or None. How many times as large as usual. Defaults to None, once.
        overwrite: bool. Whether an existing file may be replaced. Defaults to False.

    Returns:
        Path. The file.

    Raises:
        ConfigError: a suffix of another format.
        OutputError: the file exists or cannot be written.
    """
    file = picture_file(path)
    with new_file(file, overwrite=overwrite) as temporary:
        if file.suffix.lower() != DEFAULT and scale is not None:
            figure.set_size_inches(*(scale * figure.get_size_inches()))  # of a vector format dots mean nothing
        _save_figure(figure, temporary, file.suffix, PLOT_DPI * (scale or 1))
    return file


def _save_figure(figure, path, suffix, dpi):
    import matplotlib
    from PIL import Image

    suffix = suffix.lower()
    if suffix == DEFAULT:
        drawn = io.BytesIO()
        figure.savefig(drawn, format="png", dpi=dpi)
        write_png(Image.open(drawn), path)
        return
    # The names of an SVG's parts are random without a salt.
    with matplotlib.rc_context({"svg.hashsalt": "kerazoo"}):
        figure.savefig(path, format=suffix[1:], dpi=dpi, metadata=_METADATA[suffix])


def _as_figure(picture):
    """A figure that holds a picture, pixel for pixel and without loss (Pillow's own PDF is a JPEG)."""
    import numpy as np
    from matplotlib.figure import Figure

    width, height = picture.size
    figure = Figure(figsize=(width / GRID_DPI, height / GRID_DPI), dpi=GRID_DPI)
    figure.figimage(np.asarray(picture))
    return figure
