"""The gain from greedy pretraining: the preset dbn_mnist, and the same network without it, with three seeds each.

Both are fine-tuned with the same number of steps, optimizer and schedule; without pretraining the kernels start from
Glorot's uniform weights. The error is that of all test images.

    TFDS_DATA_DIR=... python benchmarks/dbn_pretraining.py --out runs/dbn_pretraining
"""

import argparse
import json
import time
from pathlib import Path

import kerazoo
from kerazoo.data import open_source
from kerazoo.training import train
from kerazoo.training.arguments import training_arguments

PRESET = "dbn_mnist"
RESULTS = Path(__file__).with_name("results") / "dbn_pretraining.json"


def measure(folder, *, pretraining, seed):
    """Train one network, unless `folder` holds it already; returns its figures."""
    overrides = [f"model.pretraining={str(pretraining).lower()}"]
    config, _ = training_arguments(PRESET, options={"seed": seed}, overrides=overrides)
    began = time.perf_counter()
    if not (folder / "preset").exists():
        train(config, folder, overwrite=True)
    seconds = time.perf_counter() - began
    test = open_source(config.evaluation.data, split="test", image_shape=(28, 28, 1)).arrays
    wrong = kerazoo.load(folder).classify(test["image"]).argmax(axis=1) != test["label"]
    return {"pretraining": pretraining, "seed": seed, "test_error": float(wrong.mean()), "seconds": round(seconds)}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--out", type=Path, default=Path("runs/dbn_pretraining"), help="folder of the six runs")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    runs = []
    for seed in arguments.seeds:
        for pretraining in (True, False):
            name = f"{'pretrained' if pretraining else 'random'}-{seed}"
            runs.append(measure(arguments.out / name, pretraining=pretraining, seed=seed))
            print(name, f"test error {runs[-1]['test_error']:.2%}", f"{runs[-1]['seconds']} s", flush=True)
    report = {"preset": PRESET, "num_images": 10_000, "runs": runs}
    RESULTS.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
