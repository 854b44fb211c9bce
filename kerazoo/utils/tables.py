"""Tables of text: aligned for terminals, as CSV, as LaTeX, as JSON."""

import csv
import io
import json


def number(value, digits=4):
    """A cell's text: floats with this many digits after the point, or as a power of ten if those are all zero."""
    if not isinstance(value, float):
        return str(value)
    return f"{value:.{digits}f}" if value == 0 or abs(value) >= 10**-digits else f"{value:.2e}"


def aligned(rows):
    """Rows of cells with aligned columns."""
    rows = [[number(cell) for cell in row] for row in rows]
    widths = [max(len(row[i]) for row in rows) for i in range(len(rows[0]))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows]
    return "\n".join(lines)


def as_csv(rows, report=None):
    """Rows of cells, the first the header, as comma-separated values, with all digits."""
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    return text.getvalue().rstrip("\n")


def as_latex(rows, report=None):
    """Rows of cells, the first the header, as a LaTeX tabular with the rules of booktabs."""
    header, *body = [[_escaped(number(cell)) for cell in row] for row in rows]
    columns = "l" + "r" * (len(header) - 1)
    lines = [f"\\begin{{tabular}}{{{columns}}}", "\\toprule", _line(header), "\\midrule", *map(_line, body)]
    return "\n".join([*lines, "\\bottomrule", "\\end{tabular}"])


def _line(cells):
    return " & ".join(cells) + " \\\\"


_SPECIAL = {"\\": r"\textbackslash{}", "±": r"$\pm$", "~": r"\textasciitilde{}", "^": r"\textasciicircum{}"}
_SPECIAL |= {character: f"\\{character}" for character in "&%$#_{}"}


def _escaped(text):
    return "".join(_SPECIAL.get(character, character) for character in text)


def as_json(rows, report):
    """The report that the rows were made of, as JSON."""
    return json.dumps(report, indent=2)
