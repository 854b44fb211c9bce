"""Plots as PNG files: points in the plane, and where a translation looked."""

import numpy as np

from kerazoo.tasks.formats import picture_file
from kerazoo.utils.files import new_file

MAPS_PER_ROW = 3


def scatter_plot(points, path, *, reference=None, overwrite=False):
    """Write points as `<path>.png`, over reference points in grey.

    Args:
        points: array, shape `(num, 2)` or more columns, of which the first two are drawn.
        path: Path. Without a suffix.
        reference: array of the same width, or None. Real points. Defaults to None.
        overwrite: bool. Whether an existing file may be replaced. Defaults to False.

    Returns:
        Path. The file.
    """
    figure, axes = _figure(5, 5)
    axes = axes[0]
    if reference is not None:
        axes.scatter(*np.asarray(reference)[:, :2].T, s=6, color="0.75", label="data", linewidths=0)
    axes.scatter(*np.asarray(points)[:, :2].T, s=4, color="tab:blue", alpha=0.6, label="model", linewidths=0)
    axes.set_aspect("equal", adjustable="datalim")
    axes.legend(loc="upper right", frameon=False)
    return _write(figure, path, overwrite)


def attention_maps(maps, path, *, overwrite=False):
    """Write one picture of attention weights for each translation as `<path>.png`.

    Args:
        maps: sequence of (weights, source tokens, target tokens), weights of shape `(target, source)`, rows that sum
            to 1.
        path: Path. Without a suffix.
        overwrite: bool. Whether an existing file may be replaced. Defaults to False.

    Returns:
        Path. The file.
    """
    columns = min(MAPS_PER_ROW, len(maps))
    figure, axes = _figure(4.2 * columns, 4.2 * -(-len(maps) // columns), len(maps), columns)
    for place, (weights, source, target) in zip(axes, maps, strict=False):
        place.imshow(weights, cmap="gray_r", vmin=0, vmax=1, aspect="auto")
        place.set_xticks(range(len(source)), source, rotation=90, fontsize=8)
        place.set_yticks(range(len(target)), target, fontsize=8)
        place.xaxis.tick_top()
    return _write(figure, path, overwrite)


def line_plot(curves, path, *, x_label, bands=None, overwrite=False):
    """Write curves, each with its name, into one picture.

    Args:
        curves: dict. Name -> (x, y), sequences of equal length.
        path: Path. With the suffix of its format: `.png`, `.pdf` or `.svg`.
        x_label: str. What x is.
        bands: dict or None. Name -> (low, high) around its curve, sequences of the same length. Defaults to None.
        overwrite: bool. Whether an existing file may be replaced. Defaults to False.

    Returns:
        Path. The file.
    """
    figure, (axes,) = _figure(7, 4)
    for name, (x, y) in curves.items():
        (line,) = axes.plot(x, y, label=name, marker="." if len(x) < 30 else None)
        if bands and name in bands:
            axes.fill_between(x, *bands[name], color=line.get_color(), alpha=0.2, linewidth=0)
    axes.set_xlabel(x_label)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False)
    return save_figure(figure, path, overwrite=overwrite)


def _figure(width, height, num=1, columns=1):
    """A figure of its own canvas: pyplot's global state, and its display, are not needed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, [figure.add_subplot(-(-num // columns), columns, i + 1) for i in range(num)]


def _write(figure, path, overwrite):
    return save_figure(figure, picture_file(path), overwrite=overwrite)


def save_figure(figure, file, *, overwrite=False):
    """Write a figure in the format of the file's suffix; without dates and versions, so that it repeats exactly."""
    import matplotlib

    undated = {".png": {"Software": None}, ".svg": {"Date": None}, ".pdf": {"CreationDate": None}}
    with new_file(file, overwrite=overwrite) as temporary, matplotlib.rc_context({"svg.hashsalt": "kerazoo"}):
        figure.savefig(temporary, dpi=100, metadata=undated.get(file.suffix))
    return file
