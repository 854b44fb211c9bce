"""`paired:A,B`: two folders of images matched by file name, as pairs."""

import numpy as np

from kerazoo.data.arrays import from_arrays
from kerazoo.data.images import wanted_shape
from kerazoo.data.paths import counted, named
from kerazoo.data.schemes import find_scheme, source, split_specs
from kerazoo.data.sources import Source
from kerazoo.utils.errors import DataError

SIDES = ("a", "b")  # as the domains of `kerazoo.data.unpaired`
_ADVICE = "write --data paired:folder:PATH_A,folder:PATH_B"


class Paired(Source):
    """Pairs of images: row i of "a" belongs to row i of "b".

    Batches are {"a": images, "b": images} and the other entries of both sources (labels, captions); augmentation
    changes the two images of a pair alike.

    Args:
        a, b: Source. The same number of images, of one height and width, under "image". Entries that both have come
            from `a`.
        name: str. The spec, for messages. Defaults to `"paired"`.

    Raises:
        DataError: a source without images, or images that differ in number or size.

    Example:
        >>> lines, photos = (from_arrays(np.full((5, 8, 8, 3), value, "uint8")) for value in (0, 9))
        >>> sorted(Paired(lines, photos).sample(2))
        ['a', 'b']
    """

    to_class_images = None  # see `kerazoo.data.unpaired.Unpaired`

    def __init__(self, a, b, *, name="paired"):
        for side, part in zip(SIDES, (a, b), strict=True):
            if part.info.key != "image":
                raise DataError(f"{name}: side {side}, {part.info.name}, holds {part.info.key}, not images")
        sizes = [(len(part), *part.info.shapes["image"][:2]) for part in (a, b)]
        if sizes[0] != sizes[1]:
            found = " and ".join(f"{num:,} of {height}x{width}" for num, height, width in sizes)
            raise DataError(f"{name}: images that cannot be paired, {found}: give as many of one size")
        others = {key: value for part in (b, a) for key, value in part.arrays.items() if key != "image"}
        hidden = [key for key in others if key in SIDES]
        if hidden:
            raise DataError(f"{name}: a column called {hidden[0]!r} would hide the images of that side: rename it")
        made = from_arrays(
            {"a": a.arrays["image"], "b": b.arrays["image"], **others},
            key="a",
            kind="image",
            name=name,
            split=a.info.split,
            class_names=a.info.class_names or b.info.class_names,
            value_names={**b.info.value_names, **a.info.value_names},
            licence="; ".join(dict.fromkeys((a.info.licence, b.info.licence))),
            homepage=a.info.homepage if a.info.homepage == b.info.homepage else None,
            citation=a.info.citation if a.info.citation == b.info.citation else None,
        )
        super().__init__(made.arrays, made.info, [*a.skipped, *b.skipped], a.names)
        self.a, self.b = a, b

    def __str__(self):
        return super().__str__().replace(f"{len(self):,} images", f"{len(self):,} pairs of images", 1)

    def select(self, rows):
        """Return a source of some of the pairs; arguments as for `Source.select`.

        Returns:
            A `Paired`.
        """
        return Paired(self.a.select(rows), self.b.select(rows), name=self.info.name)


@source("paired", "A,B")
def open_paired(request):
    """Open two image folders whose files have the same names, as pairs.

    Names are compared without their suffix ("1.jpg" and "1.png" are a pair) and with their folders below the split.
    Where neither folder has split folders, the names of `a` say which tenth is "test". Names that one side lacks are
    counted and named in one warning.

    Args:
        request: a `Request` whose argument is two specs of files with a comma between them
            ("folder:lines.zip,folder:photos.zip"). Without `image_shape` both take the common size of `a`, and three
            channels if one of them has colours.

    Returns:
        A `Paired` of {"a": uint8 `(n, H, W, C)`, "b": the same}, and the labels, captions and attributes of both.

    Raises:
        DataError: not two specs, sources without file names, no names in common, one name twice on a side, or `strict`
            is set and a name has no partner.
    """
    specs = split_specs(request.argument)
    if len(specs) != 2:
        raise DataError(f"{request.spec!r} does not name two sources: {_ADVICE}")
    schemes = [
        find_scheme(spec, request.split, request.image_shape, request.download, request.strict) for spec in specs
    ]
    for scheme, one in schemes:
        if scheme.files is None:
            raise DataError(f"{request.spec}: {one.spec} has no file names to pair by: {_ADVICE}")
    with schemes[0][0].files(schemes[0][1]) as a, schemes[1][0].files(schemes[1][1]) as b:
        pools, chosen = _matched(request, a, b)
        chosen = chosen[: request.limit]
        sides = [(folder, [pool[key] for key in chosen]) for folder, pool in zip((a, b), pools, strict=True)]
        shape = request.fixed_shape
        if shape is None:
            shapes = [folder.common_shape(entries) for folder, entries in sides]
            shape = wanted_shape(request.image_shape, (*shapes[0][:2], max(own[2] for own in shapes)))
        names = ["/".join(filter(None, key)) for key in chosen]
        a, b = (folder.load(entries, shape, names=names) for folder, entries in sides)
    common = set(a.names) & set(b.names)  # without pairs of which one side cannot be read
    if not common:
        raise DataError(f"{request.spec}: no pair has two images that can be read")
    parts = (part if len(part) == len(common) else _of_names(part, common) for part in (a, b))
    return Paired(*parts, name=request.spec)


def _of_names(part, names):
    return part.select(np.flatnonzero([name in names for name in part.names]))


def _matched(request, a, b):
    """Return ((pool of a, pool of b), keys of the split's pairs); a pool is a dict, (split, name) -> `Entry`.

    The keys include the split where both have split folders, so that the same name may occur in each split.
    """
    divided = ["" not in folder.parts for folder in (a, b)]
    pools, keys = zip(*(_pool(folder, all(divided)) for folder in (a, b)), strict=True)
    common = [key for key in pools[0] if key in pools[1]]
    if not common:
        first = " and ".join(repr(next(iter(pool))[1]) for pool in pools)
        raise DataError(
            f"{request.spec}: no file names in common (first of each: {first}): name the files of a pair alike"
        )
    _report(request, pools, all(divided))
    # A side without split folders follows the other; where neither has any, a tenth of the names of a is held out.
    deciding = [folder for folder, has in zip((a, b), divided, strict=True) if has] or [a]
    paths = [{entry.path for entry in folder.choose()} for folder in deciding]
    allowed = [
        {keys[(a, b).index(folder)][path] for path in part} for folder, part in zip(deciding, paths, strict=True)
    ]
    chosen = [key for key in common if all(key in part for part in allowed)]
    if not chosen:
        raise DataError(
            f"{request.spec}: none of its {len(common):,} pairs fall into {request.split!r}: use split 'all'"
        )
    return pools, chosen


def _pool(folder, with_split):
    """Return (dict key -> `Entry`, dict path -> key) of a folder."""
    pool, keys = {}, {}
    for split, entries in sorted(folder.parts.items()):
        for entry in entries:
            key = (split if with_split else "", entry.name)
            if key in pool:
                both = named([pool[key].path, entry.path])
                raise DataError(
                    f"{folder.request.spec}: two files of one name: {both}; give each pair a name of its own"
                )
            pool[key], keys[entry.path] = entry, key
    return pool, keys


def _report(request, pools, divided):
    """Count and name what is on one side only, of the split where both sides have split folders."""
    lines = []
    for side, own, other in (("a", *pools), ("b", *pools[::-1])):
        alone = [key for key in own if key not in other and not (divided and request.split not in ("all", key[0]))]
        if alone:
            lines.append(f"{counted(len(alone), 'image')} only in {side}: {named([own[key].path for key in alone])}")
    request.left_out(lines, "what has no partner", stacklevel=4)
