"""What an autoencoder is worth as the beginning of a classifier: the error with its encoder, and with fresh weights.

    TFDS_DATA_DIR=... python benchmarks/pretraining.py convolutional_autoencoder_mnist --labels 1000
    TFDS_DATA_DIR=... python benchmarks/pretraining.py stacked_autoencoder_mnist --labels 10000 60000

The classifier is the preset's encoder (2x2 max-pooling behind one that gives maps) and a softmax, all of it trained
with Adam on the cross-entropy; without pretraining it is the same network from its initial weights. A seed draws the
labelled images and their order, the softmax, and the fresh weights. The error is that of all test images after the last
step. What was measured is kept in `results/pretraining.json`, a row for each preset, number of labels, seed and start.
"""

import argparse
import json
from pathlib import Path

import keras
import numpy as np

import kerazoo
from kerazoo.data import open_source

RESULTS = Path(__file__).with_name("results") / "pretraining.json"
BATCH, RATE, STEPS = 50, 1e-3, {1_000: 2_000, 10_000: 6_000, 60_000: 36_000}


def classifier(encoder):
    """A Keras classifier of ten classes that begins with an encoder."""
    pooling = [keras.layers.MaxPooling2D(data_format="channels_last")] if len(encoder.output_shape) == 4 else []
    return keras.Sequential([encoder, *pooling, keras.layers.Flatten(), keras.layers.Dense(10)])


def test_error(preset, *, pretrained, num_labels, seed):
    """The error of one classifier on the test images."""
    keras.utils.set_random_seed(seed)
    train, test = (open_source("tfds:mnist", split=split) for split in ("train", "test"))
    rows = train.sample(num_labels, seed=seed)
    network = classifier(kerazoo.load(preset, weights="auto" if pretrained else None).encoder)
    steps = STEPS[num_labels]
    network.compile(
        keras.optimizers.Adam(keras.optimizers.schedules.PolynomialDecay(RATE, steps, 0.0)),
        keras.losses.SparseCategoricalCrossentropy(from_logits=True),
    )
    images = rows["image"].astype("float32") / 255
    network.fit(images, rows["label"], batch_size=BATCH, epochs=steps * BATCH // num_labels, verbose=0)
    found = network.predict(test.arrays["image"].astype("float32") / 255, batch_size=500, verbose=0)
    return float(np.mean(found.argmax(axis=1) != test.arrays["label"]))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("preset")
    parser.add_argument("--labels", type=int, nargs="+", choices=STEPS, default=[1_000])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--start", choices=["pretrained", "random"], nargs="+", default=["pretrained", "random"])
    arguments = parser.parse_args()
    for num_labels in arguments.labels:
        for seed in arguments.seeds:
            for start in arguments.start:
                of = {"preset": Path(arguments.preset).name, "num_labels": num_labels, "seed": seed, "start": start}
                error = test_error(arguments.preset, pretrained=start == "pretrained", num_labels=num_labels, seed=seed)
                print(f"{num_labels} labels, seed {seed}, {start}: test error {error:.2%}", flush=True)
                record({**of, "test_error": error})


def record(row):
    """Put a row in the place of an earlier one of the same preset, labels, seed and start."""
    kept = json.loads(RESULTS.read_text())["rows"] if RESULTS.exists() else []
    same = [{**old, "test_error": 0} == {**row, "test_error": 0} for old in kept]
    rows = [*(old for old, replaced in zip(kept, same, strict=True) if not replaced), row]
    rows.sort(key=lambda r: (r["preset"], r["num_labels"], r["seed"], r["start"]))
    RESULTS.write_text(json.dumps({"batch": BATCH, "rate": RATE, "rows": rows}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
