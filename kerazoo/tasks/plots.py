"""Plots: points in the plane, where a translation looked, and how losses went."""

import numpy as np

from kerazoo.tasks.formats import save_figure
from kerazoo.utils.errors import DataError

MAPS_PER_ROW = 3
# Columns of a log that say where a row belongs; the others are drawn.
PLACES = ("step", "epoch", "seconds")


def scatter_plot(points, path, *, reference=None, scale=None, overwrite=False):
    """Write points over reference points in grey.

    Args:
        points: array, shape `(num, 2)` or more columns, of which the first two are drawn.
        path: str or Path. Its suffix (.png, .pdf, .svg) decides the format; without one `.png` is added.
        reference: array of the same width, or None. Real points. Defaults to None.
        scale: float or None. How many times as large as usual. Defaults to None, once.
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
    return save_figure(figure, path, scale=scale, overwrite=overwrite)


def class_map(points, path, *, labels=None, scale=None, overwrite=False):
    """Write points of the plane, a colour for each label.

    Args:
        points: array, shape `(num, 2)`.
        path: as for `scatter_plot`, as are `scale` and `overwrite`.
        labels: sequence of str or None. One a point; the legend has them in order of their first letters or numbers.
            Defaults to None, one colour.

    Returns:
        Path. The file.
    """
    figure, (axes,) = _figure(6, 5)
    points, labels = np.asarray(points), np.asarray([""] * len(points) if labels is None else labels)
    names = sorted(set(labels.tolist()), key=lambda name: (len(name), name) if name.isdigit() else (0, name))
    colours = _colours(len(names))
    for name, colour in zip(names, colours, strict=True):
        axes.scatter(*points[labels == name].T, s=5, color=colour, label=name, linewidths=0)
    if len(names) > 1:
        figure.legend(*axes.get_legend_handles_labels(), loc="outside right upper", frameon=False, markerscale=3)
    axes.set_xticks([])
    axes.set_yticks([])
    return save_figure(figure, path, scale=scale, overwrite=overwrite)


def attention_maps(maps, path, *, columns=MAPS_PER_ROW, scale=None, overwrite=False):
    """Write one picture of attention weights for each translation.

    Args:
        maps: sequence of (weights, source tokens, target tokens), weights of shape `(target, source)`, rows that sum
            to 1.
        columns: int. Pictures side by side. Defaults to 3.
        path, scale: as for `scatter_plot`.
        overwrite: bool. Whether an existing file may be replaced. Defaults to False.

    Returns:
        Path. The file.
    """
    columns = min(columns, len(maps))
    figure, axes = _figure(4.2 * columns, 4.2 * -(-len(maps) // columns), len(maps), columns)
    for place, (weights, source, target) in zip(axes, maps, strict=False):
        place.imshow(weights, cmap="gray_r", vmin=0, vmax=1, aspect="auto")
        place.set_xticks(range(len(source)), source, rotation=90, fontsize=8)
        place.set_yticks(range(len(target)), target, fontsize=8)
        place.xaxis.tick_top()
    return save_figure(figure, path, scale=scale, overwrite=overwrite)


def sequence_maps(maps, path, *, columns=1, scale=None, overwrite=False):
    """Write one picture of each sequence of vectors: time from left to right, the first feature at the bottom.

    Args:
        maps: sequence of (title, array), arrays of shape `(steps, features)`.
        path, scale: as for `scatter_plot`.
        columns: int. Pictures side by side. Defaults to 1.
        overwrite: bool. Whether an existing file may be replaced. Defaults to False.

    Returns:
        Path. The file.
    """
    figure, axes = _figure(9, 2.4 * -(-len(maps) // columns), len(maps), columns)
    for place, (title, values) in zip(axes, maps, strict=True):
        values = np.asarray(values).T
        limits = {"vmin": min(0.0, values.min()), "vmax": max(1.0, values.max())}
        place.imshow(values, cmap="gray_r", aspect="auto", origin="lower", interpolation="nearest", **limits)
        place.set_title(title, fontsize=8)
    return save_figure(figure, path, scale=scale, overwrite=overwrite)


def loss_plot(columns, path, *, scale=None, overwrite=False):
    """Write the columns of a training log as one curve each.

    Args:
        columns: dict[str, sequence]. Name -> numbers, or their texts as in `log.csv`; None and "" are gaps. "step" is
            the horizontal axis, else "epoch", else the rows' numbers; these two and "seconds" are not drawn.
        path, scale: as for `scatter_plot`.
        overwrite: bool. Whether an existing file may be replaced. Defaults to False.

    Returns:
        Path. The file.

    Raises:
        DataError: nothing to draw, columns of different lengths, or a value that is no number.
    """
    values = {name: _numbers(name, column) for name, column in columns.items()}
    curves = {name: column for name, column in values.items() if name not in PLACES}
    if not curves or not len(next(iter(curves.values()))):
        raise DataError(f"no losses to draw among the columns {', '.join(columns) or '(none)'}")
    if len({len(column) for column in values.values()}) > 1:
        lengths = ", ".join(f"{name} has {len(column)}" for name, column in values.items())
        raise DataError(f"the columns differ in length ({lengths})")
    place = next((name for name in PLACES[:2] if name in values), "row")
    x = values.get(place, np.arange(1, len(next(iter(curves.values()))) + 1))
    known = {name: np.isfinite(column) for name, column in curves.items()}
    lines = {name: (x[known[name]], column[known[name]]) for name, column in curves.items()}
    return line_plot(lines, path, x_label=place, scale=scale, overwrite=overwrite)


def line_plot(curves, path, *, x_label, bands=None, scale=None, overwrite=False):
    """Write curves, each with its name, into one picture.

    Args:
        curves: dict. Name -> (x, y), sequences of equal length.
        path, scale: as for `scatter_plot`.
        x_label: str. The name of the horizontal axis.
        bands: dict or None. Name -> (low, high) around its curve, sequences of the same length. Defaults to None.
        overwrite: bool. Whether an existing file may be replaced. Defaults to False.

    Returns:
        Path. The file.
    """
    figure, (axes,) = _figure(7, 4)
    for name, (x, y) in curves.items():
        (line,) = axes.plot(x, y, label=name, marker="." if len(x) < 30 else None, linewidth=1.2)
        if bands and name in bands:
            axes.fill_between(x, *bands[name], color=line.get_color(), alpha=0.2, linewidth=0)
    axes.set_xlabel(x_label)
    axes.grid(alpha=0.3)
    axes.legend(frameon=False, fontsize=8)
    return save_figure(figure, path, scale=scale, overwrite=overwrite)


def graph_plot(graph, path, *, scale=None, overwrite=False):
    """Draw a cell's graph from its inputs, at the top, to its next state.

    Args:
        graph: kerazoo.base.cell_graph.CellGraph.
        path: as for `scatter_plot`, as are `scale` and `overwrite`.

    Returns:
        Path. The file.
    """
    depth = dict.fromkeys(("x", *graph.states), 0)
    for name in graph.order():
        depth[name] = 1 + max(depth[value] for value in graph.nodes[name].of)
    rows = [[name for name in depth if depth[name] == row] for row in range(max(depth.values()) + 1)]
    width = max(map(len, rows))
    place = {name: ((i + 0.5) * width / len(row), -depth[name]) for row in rows for i, name in enumerate(row)}
    figure, (axes,) = _figure(1.2 * width + 1, 0.8 * len(rows) + 0.5)
    for name, node in graph.nodes.items():
        for value in node.of:
            arrow = {"arrowstyle": "->", "color": "0.6", "shrinkA": 10, "shrinkB": 10}
            axes.annotate("", place[name], place[value], arrowprops=arrow)
    ends = {end: f"next {state}" for state, end in graph.after.items()}
    for name, (x, y) in place.items():
        node = graph.nodes.get(name)
        text = name if node is None else f"{node.op} {node.scale:g}" if node.scale else node.op
        colour = "tab:orange" if name in ends else "tab:blue" if node is None else "0.85"
        box = {"boxstyle": "round", "facecolor": colour, "edgecolor": "none", "alpha": 0.7}
        axes.text(
            x, y, f"{text}\n= {ends[name]}" if name in ends else text, ha="center", va="center", fontsize=8, bbox=box
        )
    axes.set(xlim=(0, width), ylim=(-len(rows) + 0.4, 0.6))
    axes.axis("off")
    return save_figure(figure, path, scale=scale, overwrite=overwrite)


def _numbers(name, column):
    try:
        return np.array([np.nan if value in (None, "") else float(value) for value in column])
    except (TypeError, ValueError) as error:
        raise DataError(f"column {name!r} holds something else than numbers ({error})") from None


def _colours(num):
    """Colours that can be told apart: of ten, or of a circle of hues."""
    from matplotlib import colormaps

    return colormaps["tab10"].colors[:num] if num <= 10 else colormaps["hsv"](np.arange(num) / num)


def _figure(width, height, num=1, columns=1):
    """A figure of its own canvas: pyplot's global state, and its display, are not needed."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(width, height), layout="constrained")
    FigureCanvasAgg(figure)
    return figure, [figure.add_subplot(-(-num // columns), columns, i + 1) for i in range(num)]
