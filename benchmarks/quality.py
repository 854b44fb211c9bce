"""Quality of `dcgan_mnist` against a plain Keras script, by the same extractor, images and seeds.

python benchmarks/plain_keras_dcgan.py --steps 3000 --out plain.keras
TFDS_DATA_DIR=... python benchmarks/quality.py plain.keras [--num 10000] [--out benchmarks/results/quality.json]
"""

import argparse
import json
from pathlib import Path

import keras
import numpy as np

import kerazoo
from kerazoo.data import open_source
from kerazoo.metrics import as_extractor, image_generation_report

EXTRACTOR = "cnn_classifier_mnist"


def plain_images(path, num, seed):
    """Images in [0, 1] of the plain script's saved generator, which draws standard normal latents."""
    generator = keras.models.load_model(path)
    z = np.random.default_rng(seed).standard_normal((num, generator.input_shape[1])).astype("float32")
    return (generator.predict(z, batch_size=500, verbose=0) + 1) / 2


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("plain", help="the generator that plain_keras_dcgan.py saved")
    parser.add_argument("--preset", default="dcgan_mnist")
    parser.add_argument("--num", type=int, default=10_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "quality.json")
    arguments = parser.parse_args()
    num, seed = arguments.num, arguments.seed
    real = {
        split: open_source("tfds:mnist", split=split).sample(num, seed=seed)["image"] for split in ("test", "train")
    }
    real = {split: images / np.float32(255) for split, images in real.items()}
    extractor = as_extractor(kerazoo.load(EXTRACTOR))
    contenders = {
        "plain Keras": plain_images(arguments.plain, num, seed),
        arguments.preset: kerazoo.load(arguments.preset).generate(num, seed=seed),
    }
    reports = {
        name: image_generation_report(images, real["test"], real["train"], extractor, seed=seed)
        for name, images in contenders.items()
    }
    ratio = reports[arguments.preset]["classifier_fid"] / reports["plain Keras"]["classifier_fid"]
    result = {"num": num, "seed": seed, "extractor": EXTRACTOR, "fid_ratio": ratio, "reports": reports}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=2) + "\n")
    first, second = reports.values()
    print(f"| metric (N = {num:,}, seed {seed}) | " + " | ".join(reports) + " |\n| --- | --- | --- |")
    for name in first:
        print(f"| {name} | {first[name]:.4f} | {second[name]:.4f} |")
    print(f"\nclassifier FID of {arguments.preset}: {ratio:.3f} of the plain script's; wrote {arguments.out}")


if __name__ == "__main__":
    main()
