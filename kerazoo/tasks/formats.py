"""In which format pictures are written: PNG, unless `picture_format` says otherwise."""

import base64
import contextlib
import contextvars
import io

from kerazoo.utils.errors import ConfigError

FORMATS = (".png", ".pdf", ".svg")
OTHERS = (".jpg", ".jpeg", ".gif", ".webp", ".bmp", ".tif", ".tiff", ".eps", ".ps")  # nothing writes these here
_CHOSEN = contextvars.ContextVar("picture_format", default=(".png", None))


def split_format(path):
    """A path without the suffix of a format, and that suffix, `.png` where it has none.

    Args:
        path: Path. `fig.pdf`, or a name without a suffix; `.txt` goes too, since texts have their own.

    Returns:
        (Path, str).

    Raises:
        ConfigError: a format that nothing here writes.
    """
    if path.suffix.lower() in OTHERS:
        raise ConfigError(f"{path}: {', '.join(FORMATS)} are written, not {path.suffix}")
    if path.suffix.lower() in FORMATS:
        return path.with_suffix(""), path.suffix.lower()
    return (path.with_suffix("") if path.suffix == ".txt" else path), ".png"


@contextlib.contextmanager
def picture_format(suffix, scale=None):
    """Inside, tasks write their pictures in another format or size.

    Args:
        suffix: str. One of `FORMATS`.
        scale: int or None. Side of the square that each pixel of an image becomes; None takes what shows well.
    """
    token = _CHOSEN.set((suffix, scale))
    try:
        yield
    finally:
        _CHOSEN.reset(token)


def picture_file(path):
    """The file of a picture: `path`, without a suffix, with that of the format."""
    return path.with_name(path.name + _CHOSEN.get()[0])


def picture_scale():
    """The scale given to `picture_format`, or None."""
    return _CHOSEN.get()[1]


def encoded(picture, suffix):
    """A `PIL.Image.Image` as the bytes of a file of that format; the same picture gives the same bytes."""
    return _ENCODERS[suffix](picture)


def _png(picture):
    buffer = io.BytesIO()
    picture.save(buffer, format="PNG")
    return buffer.getvalue()


def _pdf(picture):
    buffer = io.BytesIO()
    picture.save(buffer, format="PDF", creationDate=None, modDate=None)
    return buffer.getvalue()


def _svg(picture):
    """The pixels as they are, inside an SVG: a grid of images has no lines to draw."""
    width, height = picture.size
    data = base64.b64encode(_png(picture)).decode()
    return (
        f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}">'
        f'<image width="{width}" height="{height}" style="image-rendering: pixelated" '
        f'href="data:image/png;base64,{data}"/></svg>\n'
    ).encode()


_ENCODERS = {".png": _png, ".pdf": _pdf, ".svg": _svg}
