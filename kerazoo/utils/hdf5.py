"""HDF5 files of weights: a check that they hold what they declare, before anything is read."""

import h5py

from kerazoo.utils.files import reason

LARGEST_RATIO = 8  # of an array's bytes to those that are stored of it


def check_stored(file, where, *, error):
    """Check that no array of an HDF5 file claims more bytes than are stored for it.

    Keras writes weights uncompressed, and presets have them compressed by less than `LARGEST_RATIO`, so a file of a few
    kilobytes that declares gigabytes was written by neither.

    Args:
        file: str, Path or binary file.
        where: str or Path. Names the file in the message.
        error: type. The error to raise.

    Raises:
        error: an array that declares more than it holds, links into other files, or a file that is not HDF5.
    """
    try:
        with h5py.File(file, "r") as opened:
            for name, item in _items(opened):
                if isinstance(item, (h5py.ExternalLink, h5py.SoftLink)):
                    raise error(f"{where}: damaged ({name} leads to another place); restore the file")
                if item.nbytes > item.id.get_storage_size() * (LARGEST_RATIO if item.compression else 1):
                    raise error(
                        f"{where}: damaged ({name} declares {item.nbytes:,} bytes and holds "
                        f"{item.id.get_storage_size():,}); restore the file"
                    )
    except OSError as caught:
        raise error(f"{where}: damaged ({reason(caught)}); restore the file") from None


def _items(group):
    """(full name, dataset or foreign link) of everything below a group."""
    for name in group:
        link = group.get(name, getlink=True)
        item = group.get(name) if isinstance(link, h5py.HardLink) else link
        if isinstance(item, h5py.Group):
            yield from _items(item)
        else:
            yield f"{group.name.rstrip('/')}/{name}", item
