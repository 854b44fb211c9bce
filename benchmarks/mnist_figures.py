"""The table of MNIST figures in README.md of this folder, from the cards of all presets that draw MNIST's digits.

    python benchmarks/mnist_figures.py

A card's figures are those of `kerazoo evaluate NAME` (10,000 images, seed 0), by features of `cnn_classifier_mnist`.
Real training images against real test images stand in the last row.
"""

from pathlib import Path

import kerazoo

README = Path(__file__).with_name("README.md")
BEGIN, END = "<!-- mnist figures -->", "<!-- end of mnist figures -->"
FIGURES = {
    "classifier_fid": "FID",
    "kid": "KID",
    "precision_k5": "precision",
    "recall_k5": "recall",
    "density": "density",
    "coverage": "coverage",
    "class_histogram_kl": "histogram KL",
    "within_class_diversity": "diversity",
}
FLOORS = {"classifier_fid": "classifier_fid_floor", "precision_k5": "precision_k5_floor"}
FLOORS |= {"density": "density_floor", "coverage": "coverage_floor"}


def table():
    """The table's lines in Markdown, the best FID first."""
    rows = {name: kerazoo.info(name)["metrics"] or {} for name in kerazoo.list_presets()}
    rows = {name: figures for name, figures in rows.items() if "classifier_fid" in figures}
    yield f"| preset | {' | '.join(FIGURES.values())} |"
    yield f"| --- |{' --- |' * len(FIGURES)}"
    for name, figures in sorted(rows.items(), key=lambda row: row[1]["classifier_fid"]):
        yield f"| `{name}` | {' | '.join(f'{figures[key]:.3g}' for key in FIGURES)} |"
    real = next(iter(rows.values()))
    yield f"| (real images) | {' | '.join(f'{real[FLOORS[key]]:.3g}' if key in FLOORS else '' for key in FIGURES)} |"


def main():
    text = README.read_text(encoding="utf-8")
    before, rest = text.split(BEGIN)
    after = rest.split(END)[1]
    lines = "\n".join(table())
    README.write_text(f"{before}{BEGIN}\n{lines}\n{END}{after}", encoding="utf-8")
    print(lines)


if __name__ == "__main__":
    main()
