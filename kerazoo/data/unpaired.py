"""`unpaired:A,B` and `twins:SPEC`: two image domains without pairs, for translation between them."""

from collections.abc import Callable

import numpy as np

from kerazoo.data.arrays import from_arrays
from kerazoo.data.images import allocate
from kerazoo.data.info import SourceInfo
from kerazoo.data.order import with_fixed_options
from kerazoo.data.schemes import open_source, source, split_specs
from kerazoo.data.sources import Source
from kerazoo.utils.errors import DataError

DOMAINS = ("a", "b")
# Colour of the twin's strokes, dark blue. One channel is 0, so that the grey value can be read back exactly.
INK = (0.0, 0.2, 0.6)
_CHUNK = 4096  # images converted at once: bounds the float32 copy
_ADVICE = "write --data unpaired:folder:PATH_A,folder:PATH_B, or twins:SPEC for images and their inverted twin"


class Unpaired(Source):
    """Two sources of images of one shape, of any two lengths, whose rows are unrelated.

    Batches are {"a": images, "b": images}. `len` and the length of an epoch are the longer domain's.

    Args:
        a, b: Source. Images of equal shapes under "image", with "label" where there are classes.
        name: str. The spec, for messages. Defaults to `"unpaired"`.
        to_class_images: dict or None. Domain -> function from images of that domain, float32 in [0, 1], to the images
            that a classifier of the original data takes. Defaults to None: there is no such classifier.

    Raises:
        DataError: a source without images, or images of different shapes or types.

    Example:
        >>> horses, zebras = (np.zeros((n, 32, 32, 3), "uint8") for n in (10, 7))
        >>> data = Unpaired(from_arrays(horses), from_arrays(zebras))
        >>> len(data), {key: value.shape[0] for key, value in data.sample(5).items()}
        (10, {'a': 5, 'b': 5})
    """

    def __init__(self, a, b, *, name="unpaired", to_class_images: dict[str, Callable] | None = None):
        for domain, part in zip(DOMAINS, (a, b), strict=True):
            if part.info.key != "image":
                raise DataError(f"{name}: domain {domain}, {part.info.name}, holds {part.info.key}, not images")
        images = {"a": a.arrays["image"], "b": b.arrays["image"]}
        if a.info.shapes["image"] != b.info.shapes["image"] or images["a"].dtype != images["b"].dtype:
            kinds = " and ".join(f"{v.dtype} {v.shape[1:]}" for v in images.values())
            raise DataError(f"{name}: images of {kinds}: open it with image_shape=(height, width, channels)")
        info = SourceInfo(
            name=name,
            split=a.info.split,
            key="a",
            kind="image",
            shapes={key: value.shape[1:] for key, value in images.items()},
            dtypes={key: value.dtype.name for key, value in images.items()},
            value_range=a.info.value_range,
            num_examples=max(len(a), len(b)),
            class_names=a.info.class_names if a.info.class_names == b.info.class_names else None,
            licence="; ".join(dict.fromkeys((a.info.licence, b.info.licence))),
            homepage=a.info.homepage if a.info.homepage == b.info.homepage else None,
            citation=a.info.citation if a.info.citation == b.info.citation else None,
        )
        super().__init__(images, info, [*a.skipped, *b.skipped])
        self.a, self.b = a, b
        self.to_class_images = to_class_images

    def with_streams(self, wrap):
        """Return the same with both training streams wrapped; arguments and result as for `Source.with_streams`."""
        return Unpaired(wrap(self.a), wrap(self.b), name=self.info.name, to_class_images=self.to_class_images)

    def __str__(self):
        return super().__str__().replace(f"{len(self):,} images", f"{len(self.a):,} and {len(self.b):,} images", 1)

    def batches(self, batch_size, *, seed=0, **options):
        """Return the endless training stream; arguments, result and errors as for `Source.batches`.

        Each domain has an order of its own. A batch is {"a": images, "b": images}.
        """
        import tensorflow as tf

        a, b = (
            part.batches(batch_size, seed=_fold(seed, domain), **options)
            for domain, part in zip(DOMAINS, (self.a, self.b), strict=True)
        )
        pairs = tf.data.Dataset.zip((a, b)).map(lambda a, b: {"a": a["image"], "b": b["image"]})
        return with_fixed_options(pairs)

    def sample(self, num, *, seed=0):
        """Draw `num` distinct images of each domain; arguments and errors as for `Source.sample`.

        Returns:
            Dict {"a": array `(num, ...)`, "b": array `(num, ...)`} of images, drawn independently.
        """
        parts = zip(DOMAINS, (self.a, self.b), strict=True)
        return {domain: part.sample(num, seed=_fold(seed, domain))["image"] for domain, part in parts}

    def take(self, limit):
        """Return a source of the first `limit` examples of each domain; arguments and errors as for `Source.take`.

        Returns:
            An `Unpaired`.
        """
        return Unpaired(
            self.a.take(limit), self.b.take(limit), name=self.info.name, to_class_images=self.to_class_images
        )

    def split_last(self, fraction):
        """Return two sources: the first images of each domain, and its last; arguments and errors as for
        `Source.split_last`.

        Returns:
            (Unpaired, Unpaired).
        """
        halves = zip(self.a.split_last(fraction), self.b.split_last(fraction), strict=True)
        return tuple(Unpaired(*parts, name=self.info.name, to_class_images=self.to_class_images) for parts in halves)

    def _gather(self):
        # The ordered pass runs to the end of the longer domain and begins the shorter one again.
        gather_a, gather_b = self.a._gather(), self.b._gather()
        return lambda indices: {
            "a": gather_a(indices % len(self.a))["image"],
            "b": gather_b(indices % len(self.b))["image"],
        }


def require_unpaired(source):
    """`source`, if it has two domains; otherwise a `DataError` that says how to name one."""
    if not all(domain in source.arrays for domain in DOMAINS):
        raise DataError(f"{source.info.name} is one set of images where two domains are needed: {_ADVICE}")
    return source


@source("unpaired", "A,B")
def open_unpaired(request):
    """Open two image sources as domains a and b.

    Args:
        request: a `Request` whose argument is two specs with a comma between them ("folder:horses,folder:zebras").
            Splits, limit and flags go to both. Without an `image_shape` the second takes the shape of the first.

    Returns:
        An `Unpaired`.

    Raises:
        DataError: not two specs, or a source without images.
    """
    first, *rest = split_specs(request.argument)
    if len(rest) != 1:
        raise DataError(f"{request.spec!r} does not name two sources: {_ADVICE}")
    flags = _flags(request)
    a = open_source(first, image_shape=request.image_shape, **flags)
    return Unpaired(a, open_source(rest[0], image_shape=a.info.shapes.get("image"), **flags), name=request.spec)


@source("twins", "SPEC")
def open_twins(request):
    """Open the even images of a source as domain a, and the coloured, inverted odd ones as domain b; see `twin_of`.

    The two halves share no image, so nothing is paired, and a classifier of the original images can tell whether a
    translation keeps the class. Grey images become RGB, unless `image_shape` asks for one channel.

    Args:
        request: a `Request` whose argument is a spec of images ("tfds:mnist"). Splits are the source's own.

    Returns:
        An `Unpaired` with `to_class_images`; `a` and `b` keep the labels.

    Raises:
        DataError: the source has no images, or only one.
    """
    limit = request.limit and 2 * request.limit
    opened = open_source(request.argument, image_shape=request.image_shape, **_flags(request) | {"limit": limit})
    if opened.info.key != "image" or len(opened) < 2:
        raise DataError(f"{request.spec}: two images or more are needed to make two domains")
    images = opened.arrays["image"]
    grey = images.shape[-1] == 1 or all(np.array_equal(images[..., 0], images[..., c]) for c in (1, 2))
    if images.shape[-1] == 1 and request.fixed_shape is None:
        images = np.repeat(images, 3, axis=-1)
    inks = INK[: images.shape[-1]]
    halves = []
    for rows, convert in ((images[0::2], lambda x: x), (images[1::2], twin_of)):
        half = allocate(rows.shape, rows.dtype)
        for start in range(0, len(rows), _CHUNK):
            half[start : start + _CHUNK] = convert(rows[start : start + _CHUNK])
        halves.append(half)
    info = opened.info
    a, b = (
        from_arrays(
            {"image": half} | ({"label": opened.arrays["label"][i::2]} if "label" in opened.arrays else {}),
            class_names=info.class_names,
            **info.origin | {"name": f"{request.spec} ({domain})"},
        )
        for i, (domain, half) in enumerate(zip(DOMAINS, halves, strict=True))
    )
    if grey:
        to_class = {"a": lambda x: x.mean(-1, keepdims=True), "b": lambda x: 1 - x.min(-1, keepdims=True)}
    else:
        to_class = {"a": lambda x: x, "b": lambda x: np.clip((1 - x) / (1 - np.float32(inks)), 0, 1)}
    return Unpaired(a, b, name=request.spec, to_class_images=to_class)


def twin_of(images):
    """The coloured, inverted twin of images: 1 - x * (1 - INK), dark blue strokes on white paper for digits.

    For grey images it is undone by x = 1 - (the least channel), exactly also in uint8, since one channel of INK is 0.

    Args:
        images: array. uint8, or float in [0, 1], shape `(..., channels)` with 1 or 3 channels.

    Returns:
        np.ndarray. The same shape and dtype.

    Example:
        >>> twin_of(np.uint8([[[0, 0, 0], [255, 255, 255]]])).tolist()
        [[[255, 255, 255], [0, 51, 153]]]
    """
    white = 255 if images.dtype == np.uint8 else 1
    inverted = white - images * (1 - np.float32(INK[: images.shape[-1]]))
    return (np.rint(inverted) if white == 255 else inverted).astype(images.dtype)


def _flags(request):
    return {name: getattr(request, name) for name in ("split", "download", "strict", "limit")}


def _fold(seed, domain):
    """A separate seed for each domain, from 0 to 2**31 - 1; an invalid one is left for `Source` to refuse."""
    try:
        return int(np.random.SeedSequence([seed, DOMAINS.index(domain)]).generate_state(1)[0] >> 1)
    except (TypeError, ValueError):
        return seed
