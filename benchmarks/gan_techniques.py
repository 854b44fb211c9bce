"""Each technique of `improved_gan` on the ring of eight Gaussians, with and without it, three seeds of each.

    python benchmarks/gan_techniques.py [--steps 6000] [--seeds 0 1 2]

A run with a technique and the one without it begin with the same weights, data and latents of a seed. Both networks are
perceptrons of two layers of 128, batches have 64 points, Adam has the rate 1e-3 and beta_1 0.5. Of 2,500 points are
counted the modes that 20 or more of them are near, the share within three standard deviations of a mode, and the
divergence of the histogram of modes from equal shares, in nats.
"""

import argparse
import json
import time
from pathlib import Path

import keras
import numpy as np

import kerazoo
from kerazoo.data import open_source
from kerazoo.metrics import mode_coverage

TECHNIQUES = {
    "none": {},
    "feature matching": {"feature_matching": True},
    "minibatch discrimination": {"minibatch_kernels": 8},
    "historical averaging": {"historical_averaging": 0.01},
    "one-sided smoothing": {"label_smoothing": 0.1},
    "batch normalisation": {"normalization": "batch"},
    "virtual batch normalisation": {"normalization": "virtual"},
    "replay": {"replay_size": 2560},
    "opponent from the past": {"opponent_period": 100, "opponent_rate": 0.2},
    "minibatch discrimination and smoothing": {"minibatch_kernels": 8, "label_smoothing": 0.1},
}
RESULTS = Path(__file__).with_name("results") / "gan_techniques.json"


def measure(ring, technique, seed, steps):
    """Train one model; returns its figures."""
    began = time.process_time()
    keras.utils.set_random_seed(seed)
    model = kerazoo.create("improved_gan", num_features=2, latent_dim=16, **TECHNIQUES[technique])
    optimizers = {role: keras.optimizers.Adam(1e-3, beta_1=0.5) for role in model.roles}
    model.compile(optimizers, seed=seed, jit_compile=True, steps_per_execution=50)
    model.fit(ring, batch_size=64, steps_per_epoch=steps, epochs=1, verbose=0)
    found = mode_coverage(model.generate(2500, seed=seed), ring.info.modes.centres, float(ring.info.modes.std))
    figures = {"modes": found.covered, "high_quality": found.high_quality, "kl": found.kl_to_uniform}
    return {"technique": technique, "seed": seed, **figures, "seconds": round(time.process_time() - began)}


def row(runs):
    """A line of the table: what each seed reached, and the mean share of points of high quality."""
    modes = " ".join(str(run["modes"]) for run in runs)
    quality, kl = (np.mean([run[key] for run in runs]) for key in ("high_quality", "kl"))
    return f"| {runs[0]['technique']} | {modes} | {quality:.2f} | {kl:.2f} |"


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=6000)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    ring, runs = open_source("ring"), []
    print("| technique | modes of 8, each seed | high quality | KL, nats |\n| --- | --- | --- | --- |")
    for technique in TECHNIQUES:
        runs += [measure(ring, technique, seed, arguments.steps) for seed in arguments.seeds]
        print(row(runs[-len(arguments.seeds) :]), flush=True)
    RESULTS.write_text(json.dumps({"steps": arguments.steps, "runs": runs}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
