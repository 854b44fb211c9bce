"""A card's section on LiteRT files: sizes, differences, and the task's figures through each file."""

# file -> how far a figure may be from Keras's, as a share of the larger of that and 1.
BOUNDS = {"float32": 0.005, "float16": 0.005, "dynamic": 0.03, "int8": 0.05}


def headlines(metrics, report):
    """The figures that a report names in `headlines`, in that order; all where it names none: dict[str, float]."""
    return {name: metrics[name] for name in report.get("headlines", metrics) if name in metrics}


def export_lines(name, report):
    """The card's section on LiteRT files, as lines of Markdown.

    Args:
        name: str. Of the preset.
        report: dict. `exports`, `litert` of `metrics.json`, as `benchmarks/exports.py` writes it.

    Returns:
        list[str].
    """
    of = f"{report['num']:,} examples of {report['data']}, split {report['split']}, seed {report['seed']}"
    lines = [
        "",
        "## LiteRT files",
        "",
        f"`kerazoo export {name} --format litert [--quantization ...]`; figures on {of}:",
    ]
    lines += ["", "| file | bytes | of float32 | largest difference | figures |", "| --- | --- | --- | --- | --- |"]
    lines += [f"| Keras | | | | {_pairs(report['keras'], report)} |"]
    for label in BOUNDS:
        one = report[label]
        if "reason" in one:
            lines += [f"| {label} | - | - | - | {one['reason']} |"]
            continue
        figures = "; ".join(filter(None, [_pairs(one, report), *one.get("not_measured", ())]))
        lines += [f"| {label} | {one['bytes']:,} | {one['ratio']:.2f} | {one['largest_difference']:.1e} | {figures} |"]
    bounds = ", ".join(f"{label} {bound}" for label, bound in BOUNDS.items())
    lines += ["", f"Bounds: a figure is within this share of Keras's (of 1 where that is smaller): {bounds}."]
    left_out = report["float32"].get("left_out", {})
    lines += [""] if left_out else []
    return lines + [f"- Without `{signature}`: {reason}." for signature, reason in left_out.items()]


def _pairs(one, report):
    return ", ".join(f"{name} {value:.4g}" for name, value in headlines(one["metrics"], report).items())
