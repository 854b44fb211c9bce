"""Likelihood of a restricted Boltzmann machine against training time: kerazoo and scikit-learn's `BernoulliRBM`.

    TFDS_DATA_DIR=... python benchmarks/rbm_likelihood.py [--out benchmarks/results/rbm_likelihood.json]

784-500 units on MNIST, persistent contrastive divergence with batches and chains of 100, rate 0.05, float32 in both.
scikit-learn trains in one go, by `partial_fit`, and is measured on the way; kerazoo's rate falls to zero over a run, so
each of its rows is a separate run. Images are binarised anew for each step in kerazoo, for each epoch in the other. log
p is the mean over the test images, with log Z by annealed importance sampling for both.
"""

import argparse
import json
import time
from pathlib import Path

import keras
import numpy as np
from sklearn.neural_network import BernoulliRBM

import kerazoo
from kerazoo.base.optimizers import LinearDecay
from kerazoo.data import open_source
from kerazoo.metrics import ais_log_partition

BATCH, RATE, TEMPERATURES = 100, 0.05, 5000


def likelihood(kernel, visible_bias, hidden_bias, images, base):
    """Mean log p of binarised images."""
    model = kerazoo.create("rbm", hidden_units=len(hidden_bias))
    for variable, value in zip(model.rbm.weights, (kernel, visible_bias, hidden_bias), strict=True):
        variable.assign(value)
    options = {"num_temperatures": TEMPERATURES, "base_visible_bias": base}
    log_partition = ais_log_partition(kernel, visible_bias, hidden_bias, **options)
    return float(model.score(images, log_partition=log_partition.estimate).mean())


def scikit_learn(images, epochs):
    """(seconds, weights) after each of these numbers of epochs."""
    rbm = BernoulliRBM(500, learning_rate=RATE, batch_size=BATCH, random_state=0)
    rng, seconds, found = np.random.default_rng(0), 0.0, {}
    for epoch in range(1, max(epochs) + 1):
        began = time.perf_counter()
        v = (rng.random(images.shape, np.float32) * 255 < images).astype(np.float32)[rng.permutation(len(images))]
        for start in range(0, len(v), BATCH):
            rbm.partial_fit(v[start : start + BATCH])
        seconds += time.perf_counter() - began
        if epoch in epochs:
            weights = rbm.components_.T, rbm.intercept_visible_, rbm.intercept_hidden_
            found[epoch] = seconds, [np.array(weight, np.float32) for weight in weights]
    return found


def kerazoo_rbm(source, epochs):
    """(seconds with compilation, weights) after so many epochs."""
    model = kerazoo.load("rbm_mnist", weights=None)
    began = time.perf_counter()
    rate = LinearDecay(RATE, epochs * (source.info.num_examples // BATCH), 0.0)
    model.compile({"rbm": keras.optimizers.SGD(rate)}, seed=0)
    model.fit(source, batch_size=BATCH, epochs=epochs, verbose=0)
    seconds = time.perf_counter() - began
    return seconds, [weight.numpy() for weight in (model.rbm.kernel, model.rbm.visible_bias, model.rbm.hidden_bias)]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--epochs", type=int, nargs="+", default=[1, 2, 4, 8])
    parser.add_argument("--peer-epochs", type=int, nargs="+", default=[4, 8, 16, 24])
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "rbm_likelihood.json")
    arguments = parser.parse_args()
    source, test = (open_source("tfds:mnist", split=split) for split in ("train", "test"))
    images, unseen = source.arrays["image"].reshape(-1, 784), test.arrays["image"]
    adapted = kerazoo.create("rbm")
    adapted.adapt(source.arrays)
    base = adapted.base_visible_bias.numpy()
    runs = [("kerazoo", epochs, *kerazoo_rbm(source, epochs)) for epochs in arguments.epochs]
    runs += [("scikit-learn", epochs, *found) for epochs, found in scikit_learn(images, arguments.peer_epochs).items()]
    rows = []
    print("| trained by | epochs | seconds | log p of the test images, nats |\n| --- | --- | --- | --- |")
    for name, epochs, seconds, weights in runs:
        rows.append({"name": name, "epochs": epochs, "seconds": seconds, "log_p": likelihood(*weights, unseen, base)})
        print(f"| {name} | {epochs} | {seconds:.1f} | {rows[-1]['log_p']:.1f} |", flush=True)
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps({"temperatures": TEMPERATURES, "rows": rows}, indent=2) + "\n")


if __name__ == "__main__":
    main()
