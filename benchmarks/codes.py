"""What the codes of every encoder of the zoo are good for: probes and clusters of MNIST's digits, in one table.

    TFDS_DATA_DIR=... python benchmarks/codes.py

Every published preset of 28x28 grey images that makes features is asked for those of 10,000 training and of 10,000 test
images (`kerazoo.tasks.embedding.encode`); pixels and their 32 principal components stand beside them. Test accuracy of
the nearest neighbour, of a linear probe with all labels, and of one with ten labels a class (mean of ten draws);
k-means with ten clusters on the test images against their labels. What was measured is kept in `results/codes.json`.
"""

import argparse
import json
from pathlib import Path

import kerazoo
from kerazoo.data import open_source
from kerazoo.metrics import clustering_scores, few_label_probe, knn_probe, linear_probe, principal_components
from kerazoo.tasks.embedding import encode
from kerazoo.utils.tables import aligned

RESULTS = Path(__file__).with_name("results") / "codes.json"
SHAPE = (28, 28, 1)


def encoders():
    """Preset -> model, of all that make features of such images."""
    for name in kerazoo.list_presets():
        if kerazoo.info(name)["bytes"]:
            model = kerazoo.load(name)
            if tuple(model.image_shape or ()) == SHAPE and hasattr(model, model.code_verb):
                yield name, lambda images, model=model: encode(model, images)


def baselines(images):
    """The pixels themselves, and what PCA makes of them."""
    components = principal_components(_flat(images), 32)
    yield "(pixels)", _flat
    yield "(PCA, 32 components)", lambda images: _flat(images) @ components


def _flat(images):
    return images.reshape(len(images), -1).astype("float32") / 255


def scores(features, labels, seed):
    """All figures of the features of training and of test images."""
    (train, test), (of_train, of_test) = features, labels
    pair = (train, of_train, test, of_test)
    clusters = clustering_scores(test, of_test, num_clusters=10, seed=seed)
    return {
        "features": train.shape[1],
        "nearest neighbour": knn_probe(*pair),
        "linear probe": linear_probe(*pair),
        "10 labels a class": few_label_probe(*pair, seed=seed).mean,
        "purity": clusters.purity,
        "NMI": clusters.nmi,
        "ARI": clusters.ari,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--num", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    rows = [
        open_source("tfds:mnist", split=split).sample(arguments.num, seed=arguments.seed) for split in ("train", "test")
    ]
    images, labels = [part["image"] for part in rows], [part["label"] for part in rows]
    table = {}
    for name, encoder in [*baselines(images[0]), *encoders()]:
        table[name] = scores([encoder(part) for part in images], labels, arguments.seed)
        print(name, *(f"{figure} {value:.3f}" for figure, value in table[name].items()), sep="  ", flush=True)
    RESULTS.write_text(json.dumps({"num": arguments.num, "seed": arguments.seed, "rows": table}, indent=2) + "\n")
    figures = list(next(iter(table.values())))
    print(aligned([("preset", *figures), *((name, *row.values()) for name, row in table.items())]))


if __name__ == "__main__":
    main()
