"""`patches:SOURCE,SIZE`: small squares cut out of a source's images at random places."""

import re

import numpy as np

from kerazoo.data.arrays import from_arrays
from kerazoo.data.images import allocate, fit_source
from kerazoo.data.info import check_integer
from kerazoo.data.schemes import open_source, source
from kerazoo.utils.errors import DataError

SIZE = 8
_NUM = {"train": (10_000, 0), "test": (1_000, 1)}  # split -> (number of patches, seed)
_NUM_OTHERS = (1_000, 2)
_GREY = np.array([0.299, 0.587, 0.114], np.float32)  # the ITU-R 601 weights
_HELD_OUT = 5  # the right fifth of the sample photos is "test"


@source("patches", "SOURCE,SIZE", options={"values": "raw|scaled|whitened", "num": "NUMBER"}, optional=True)
def open_patches(request):
    """Open random patches of images, such as sparse autoencoders learn from.

    "patches:folder:photos,12" cuts 12x12 pixels out of the photos of a folder, in the size in which that source gives
    them; "patches:12", without a source, out of scikit-learn's two sample photos, 427x640 each; "patches" alone takes
    8x8. The option `num=NUMBER` says how many; the default is 10,000 for "train" and 1,000 otherwise.

    The option `values` is "raw" (default), the pixels as they are; "scaled", in [0.1, 0.9], see `scaled`; or
    "whitened": images turned grey and whitened before they are cut, see `whitened`, then scaled, which is how the
    patches of Ng's lecture notes CS294A were made.

    Args:
        request: a `Request`. Splits: those of the source; of the sample photos, "test" is cut from their right fifth,
            "train" from the rest, "all" from everything. An `image_shape` resizes the patches.

    Returns:
        A `Source` of {"image": `(num, SIZE, SIZE, C)`}: the source's values for "raw", else float32 in [0.1, 0.9].

    Raises:
        DataError: the size is not a number, is larger than the images, or the source has no images.
    """
    match = re.fullmatch(r"(?:(.+),)?\s*(\d+)\s*", request.argument or str(SIZE), re.DOTALL)
    if match is None:
        raise DataError(f"{request.spec}: write patches:SOURCE,SIZE or patches:SIZE, such as patches:folder:photos,8")
    size, kind = check_integer("SIZE", int(match[2]), 1), request.options.get("values", "raw")
    if kind not in _VALUES:
        raise DataError(f"{request.spec}: values={kind}: one of {', '.join(_VALUES)} is expected")
    num, seed = _NUM.get(request.split, _NUM_OTHERS)
    if "num" in request.options:
        num = request.integer("num", request.options["num"])
    num = min(num, request.limit or num)
    images, details = _of_source(request, match[1]) if match[1] else _photos(request)
    prepare, finish = _VALUES[kind]
    if request.fixed_shape is not None and request.fixed_shape[2] == 1:
        images_as, prepare = prepare, lambda image: images_as(_grey(image))
    patches = finish(_cut(request, images, prepare, size, num, np.random.default_rng(seed)))
    opened = from_arrays(patches, key="image", name=request.spec, split=request.split, **details)
    return fit_source(opened, request.image_shape)


def scaled(patches):
    """Bring patches into [0.1, 0.9], where a sigmoid is not saturated.

    The mean of each patch is subtracted, values are clipped at three standard deviations (of all patches together), and
    the result is brought to [-1, 1] and then to [0.1, 0.9].

    Args:
        patches: array `(n, H, W, C)` of numbers.

    Returns:
        float32 array of the same shape; 0.5 is a patch's mean.

    Source: A. Ng, Sparse autoencoder, CS294A lecture notes, Stanford 2011, and its exercise's `normalizeData`.

    Example:
        >>> print(scaled(np.float32([[0, 4], [2, 2]]).reshape(2, 1, 2, 1)).ravel().round(2))
        [0.31 0.69 0.5 0.5 ]
    """
    patches = np.asarray(patches, np.float32)
    patches = patches - patches.mean(axis=(1, 2, 3), keepdims=True)
    bound = 3 * float(patches.std(dtype=np.float64)) or 1.0
    return np.float32(0.5) + np.float32(0.4 / bound) * patches.clip(-bound, bound)


def whitened(image):
    """Flatten the spectrum of an image, which falls with frequency in photos, and damp the highest frequencies.

    Args:
        image: array `(H, W, C)`, uint8 or in [0, 1]; colours become grey.

    Returns:
        float32 array `(H, W, 1)` of variance 1 and mean 0: the image filtered by R(f) = f exp(-(f / f0)^4), with f0 at
        0.4 cycles per pixel.

    Source: Olshausen and Field 1997, Sparse coding with an overcomplete basis set, section 3.1 (whose f0 is 200 cycles
    a picture of 512 pixels).
    """
    grey = _grey(image)[..., 0].astype(np.float64)
    frequency = np.hypot(np.fft.fftfreq(grey.shape[0])[:, None], np.fft.rfftfreq(grey.shape[1])[None])
    filtered = np.fft.irfft2(np.fft.rfft2(grey) * frequency * np.exp(-((frequency / 0.4) ** 4)), s=grey.shape)
    filtered -= filtered.mean()
    return (filtered / (filtered.std() or 1)).astype(np.float32)[..., None]


def _grey(image):
    """Return an image with one channel, of the same type."""
    if image.shape[-1] == 1:
        return image
    grey = (image @ _GREY)[..., None]
    return np.rint(grey).astype(np.uint8) if image.dtype == np.uint8 else grey


def _photos(request):
    """Return (a list of images, details of `SourceInfo`) of the split of scikit-learn's sample photos."""
    from sklearn.datasets import load_sample_images

    photos = load_sample_images().images
    border = photos[0].shape[1] * (_HELD_OUT - 1) // _HELD_OUT
    columns = {"train": slice(border), "test": slice(border, None), "all": slice(None)}
    if request.split not in columns:
        raise request.no_split(columns)
    details = {
        "licence": "CC BY 2.0 (photos by danielbuechele and vultilion on Flickr)",
        "homepage": "https://scikit-learn.org/stable/modules/generated/sklearn.datasets.load_sample_images.html",
    }
    return [photo[:, columns[request.split]] for photo in photos], details


def _of_source(request, spec):
    opened = open_source(spec, split=request.split, download=request.download, strict=request.strict)
    if opened.info.key != "image":
        raise DataError(f"{request.spec}: {opened.info.name} holds {opened.info.key}, not images")
    origin = {key: value for key, value in opened.info.origin.items() if key not in ("name", "split")}
    return opened.arrays["image"], {**origin, "skipped": opened.skipped}


def _cut(request, images, prepare, size, num, rng):
    """Return `num` squares, each of a random image and at a random place; `prepare` is applied to whole images."""
    height, width = images[0].shape[:2]
    if size > min(height, width):
        raise DataError(f"{request.spec}: patches of {size}x{size} do not fit into images of {height}x{width}")
    rows = rng.integers(len(images), size=num)
    tops, lefts = rng.integers(height - size + 1, size=num), rng.integers(width - size + 1, size=num)
    first = prepare(images[0])
    patches = allocate((num, size, size, first.shape[-1]), first.dtype)
    for row in np.unique(rows):  # one image at a time, however many there are
        image = prepare(images[row])
        for place in np.flatnonzero(rows == row):
            patches[place] = image[tops[place] : tops[place] + size, lefts[place] : lefts[place] + size]
    return patches


def _as_it_is(array):
    return array


# The option `values` -> (what is done to a whole image, and to all patches).
_VALUES = {"raw": (_as_it_is, _as_it_is), "scaled": (_as_it_is, scaled), "whitened": (whitened, scaled)}
