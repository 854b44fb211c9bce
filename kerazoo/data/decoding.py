"""Image files of any kind as arrays of one shape, in memory that is bounded whatever the files claim to hold."""

import contextlib
import io
import math
import threading
import warnings
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import numpy as np

from kerazoo.data.images import allocate
from kerazoo.data.order import PARALLEL_CALLS
from kerazoo.data.paths import named, printable
from kerazoo.utils.errors import DataError

MAX_PIXELS = 2**26  # 256 MiB decoded as RGBA; a file of a few kilobytes may claim that many
_LARGE_PIXELS = 2**22  # larger images are decoded one at a time
_LARGE_BYTES = 2**24  # and larger files are read one at a time
_TURN = threading.RLock()
_WINDOW = 4096  # files handed to the threads at once

_NUM_PROBED = 64  # headers read to choose a shape where none is given

_ORIENTATION = 0x0112  # EXIF; values 5 to 8 are quarter turns
_BITS = 258  # of a sample, in TIFF


def decode_image(data, image_shape):
    """Decode an image file of any size and mode into one shape.

    EXIF rotation is applied, transparent parts become white, 16-bit grey is scaled to 8 bits; then the image is cropped
    about its centre to the target's aspect and resized with Lanczos (antialiased).

    Args:
        data: bytes of the file.
        image_shape: (height, width, channels), 1 or 3 channels.

    Returns:
        uint8 array of `image_shape`.

    Raises:
        Exception: whatever Pillow raises on a broken file; ValueError on an image of more than `MAX_PIXELS` pixels, or
            of values that have no known range.
    """
    from PIL import Image

    height, width, channels = image_shape
    with Image.open(io.BytesIO(data)) as image:
        if math.prod(image.size) > MAX_PIXELS:
            image.draft(None, (2 * width, 2 * height))  # JPEG files can be decoded at a fraction of their size
        pixels = math.prod(image.size)
        if pixels > MAX_PIXELS:
            raise ValueError(f"{image.width:,} x {image.height:,} pixels, more than {MAX_PIXELS:,}: make it smaller")
        with _alone(pixels > _LARGE_PIXELS):
            return np.asarray(_fitted(image, height, width, channels)).reshape(image_shape)


def image_size(data):
    """Return (width, height, is_grey) from an image file's header, as it is shown (after EXIF rotation).

    Raises:
        Exception: whatever Pillow raises on a broken header.
    """
    from PIL import Image

    with Image.open(io.BytesIO(data)) as image:
        rotated = image.getexif().get(_ORIENTATION, 1) >= 5
        width, height = image.size[::-1] if rotated else image.size
        return width, height, image.mode in ("1", "L") or image.mode.startswith("I")


def common_shape(spec, paths, read):
    """Return the shape for images where none is given, from the headers of 64 of them.

    Args:
        spec, paths, read: as for `decode_files`.

    Returns:
        (side, side, channels): a square of the shorter side of the most common size; 1 channel if all are grey, else 3.

    Raises:
        DataError: none of those headers can be read.
    """
    sizes, greys, reasons = Counter(), [], {}
    for row in np.unique(np.linspace(0, len(paths) - 1, _NUM_PROBED).astype(int)):
        try:
            width, height, is_grey = image_size(read(paths[row]))
        except Exception as error:  # a broken file: `decode_files` reports it by name
            reasons[paths[row]] = reason_of(error, str(paths[row]))
            continue
        sizes[min(width, height)] += 1
        greys.append(is_grey)
    if not sizes:
        raise none_readable(spec, reasons, len(paths))
    side = sizes.most_common(1)[0][0]
    return side, side, 1 if all(greys) else 3


def decode_files(spec, paths, read, shape, *, size=None, strict=False):
    """Decode image files in parallel.

    Args:
        spec: str, for messages.
        paths: list of the files' paths, or of whatever `read` takes and messages can show.
        read: function path -> bytes.
        shape: (height, width, channels).
        size: function path -> number of bytes, or None (default). Large files are read one at a time.
        strict: bool, default False. Make a file that cannot be read an error.

    Returns:
        (images, broken): uint8 array `(n, *shape)` of the files that could be read, and a dict, row of `paths` ->
        reason, of the others, which one warning counts and names.

    Raises:
        DataError: no file can be read, or one cannot and `strict` is set.
    """
    images, broken = allocate((len(paths), *shape)), {}

    def decode(row):
        try:
            with _alone(size is not None and size(paths[row]) > _LARGE_BYTES):
                images[row] = decode_image(read(paths[row]), shape)
        except Exception as error:  # Pillow raises many types, and one bad file must not end the pass
            return reason_of(error, str(paths[row]))
        return None

    with contextlib.closing(_in_threads(decode, len(paths))) as reasons:
        for row, reason in enumerate(reasons):
            if reason is None:
                if broken:
                    images[row - len(broken)] = images[row]
                continue
            if strict:
                raise DataError(f"{spec}: {printable(paths[row])} cannot be read ({reason}): repair or remove it")
            broken[row] = reason
    reasons = {paths[row]: reason for row, reason in broken.items()}
    if len(broken) == len(paths):
        raise none_readable(spec, reasons, len(paths))
    if broken:
        warnings.warn(
            f"{spec}: skipped {len(broken):,} of {len(paths):,} images that cannot be read: {named(reasons)}",
            stacklevel=5,
        )
    return images[: len(paths) - len(broken)], broken


def _in_threads(function, num):
    """Yield `function(row)` of the rows in order; if the caller stops early, rows that have not begun are dropped."""
    threads = ThreadPoolExecutor(PARALLEL_CALLS)  # Pillow releases the interpreter lock while it decodes and resizes
    try:
        for start in range(0, num, _WINDOW):
            yield from threads.map(function, range(start, min(start + _WINDOW, num)))
    finally:
        threads.shutdown(cancel_futures=True)


def none_readable(spec, reasons, num):
    """The error of `num` images of which none can be read, from a dict, path -> reason, of some."""
    path, reason = next(iter(reasons.items()))
    return DataError(f"{spec}: none of the {num:,} images can be read (first: {printable(path)}, {reason})")


def reason_of(error, name):
    """Return a few words on why an image file cannot be read."""
    from PIL import UnidentifiedImageError

    if isinstance(error, UnidentifiedImageError):
        suffix = name.lower().rpartition(".")[2]
        kind = f"{suffix.upper()} files are not supported" if suffix in ("heic", "heif", "jxl", "svg") else None
        return f"{kind}: convert it to PNG" if kind else "not an image, or one of an unknown kind"
    if isinstance(error, MemoryError):
        return "not enough memory"
    return " ".join(str(error).split()) or type(error).__name__


def _alone(needed):
    """A context that only one thread at a time can enter, if `needed`."""
    return _TURN if needed else contextlib.nullcontext()


def _fitted(image, height, width, channels):
    """Return an opened image at its size, upright, in mode "L" or "RGB"."""
    from PIL import Image, ImageOps

    image.load()
    # Resized before anything else: each copy of a large image takes as much memory as the image.
    orientation = image.getexif().get(_ORIENTATION, 1)
    size = (height, width) if orientation >= 5 else (width, height)
    mode = "L" if channels == 1 else "RGB"
    if image.mode.startswith(("I", "F")):
        image = _eight_bits(image)
    clear = "transparency" in image.info or not {"A", "a"}.isdisjoint(image.getbands())
    wanted = "RGBA" if clear else mode
    if image.mode != wanted:  # `convert` would copy the image
        image = image.convert(wanted)
    image = ImageOps.fit(image, size, method=Image.Resampling.LANCZOS)
    if clear:
        image = Image.alpha_composite(Image.new("RGBA", size, "white"), image).convert(mode)
    image.getexif()[_ORIENTATION] = orientation
    return ImageOps.exif_transpose(image)


def _eight_bits(image):
    """Return an image of 16-bit grey, or of larger numbers that lie in 0..255, in 8 bits."""
    from PIL import Image

    if image.mode == "F":
        raise ValueError("floating-point images have no known range")
    values = np.asarray(image)
    bits = getattr(image, "tag_v2", {}).get(_BITS, 16)
    bits = bits[0] if isinstance(bits, tuple) else bits
    if bits > 16:
        if values.min() < 0 or values.max() > 255:
            found = f"{values.min()} to {values.max()}"
            raise ValueError(f"{bits}-bit values from {found} have no known range: save it with 8 or 16 bits")
        return Image.fromarray(values.astype(np.uint8))
    return Image.fromarray((values.astype(np.uint32) * 255 // (2**bits - 1)).astype(np.uint8))
