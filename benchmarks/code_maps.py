"""Codes of two numbers beside the first two principal components, as maps of MNIST's test images.

    kerazoo train deep_autoencoder_mnist --set model.latent_dim=2 --out runs/two
    TFDS_DATA_DIR=... python benchmarks/code_maps.py runs/two

That is figure 3 of Hinton and Salakhutdinov 2006 with one dot an image; under each map stands how often the nearest of
5,000 training images, in the map, is of the same class. The picture goes to `results/code_maps.png`, the figures to
`results/code_maps.json`.
"""

import argparse
import json
from pathlib import Path

from matplotlib.figure import Figure

import kerazoo
from kerazoo.data import open_source
from kerazoo.metrics import knn_probe, principal_components
from kerazoo.tasks.embedding import encode
from kerazoo.tasks.formats import save_figure

RESULTS = Path(__file__).with_name("results")
NUM = 5000


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("run", help="preset or run folder of an autoencoder with two codes")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    model = kerazoo.load(arguments.run)
    rows = [open_source("tfds:mnist", split=split).sample(NUM, seed=arguments.seed) for split in ("train", "test")]
    flat = [part["image"].reshape(NUM, -1) / 255 for part in rows]
    components = principal_components(flat[0], 2)
    maps = {
        model.architecture: [encode(model, part["image"]) for part in rows],
        "PCA": [part @ components for part in flat],
    }
    figure, report = Figure(figsize=(11, 5), layout="constrained"), {"num": NUM, "seed": arguments.seed}
    for axes, (name, (known, points)) in zip(figure.subplots(1, 2), maps.items(), strict=True):
        accuracy = knn_probe(known, rows[0]["label"], points, rows[1]["label"])
        report[name] = {"nearest_neighbour_accuracy": accuracy}
        print(f"{name}: nearest neighbour {accuracy:.3f}")
        dots = axes.scatter(*points.T, c=rows[1]["label"], cmap="tab10", s=4, linewidths=0)
        axes.set_title(f"{name}: nearest neighbour of the same class {accuracy:.1%}")
        axes.set_xticks([])
        axes.set_yticks([])
    figure.legend(*dots.legend_elements(), loc="outside right center", frameon=False)
    save_figure(figure, RESULTS / "code_maps.png", scale=0.8, overwrite=True)
    (RESULTS / "code_maps.json").write_text(json.dumps(report, indent=2) + "\n")


if __name__ == "__main__":
    main()
