"""The gain from `jit_compile` (XLA) and `steps_per_execution`: time to the first step, and steps per second.

    python benchmarks/compile_options.py [--rounds 5] [--steps 20] [--presets vae_mnist,...] [--out results/...json]

For each preset's architecture, with its batch size on random data in memory: one fresh model for each option, all in
one process. Machines change speed within minutes, so the options take turns: every round times each of them over the
same number of steps, and ratios to the default are taken round by round. The time to the first step is measured once
for each option, after everything else that TensorFlow does only once.
"""

import argparse
import json
import os
import platform
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import kerazoo
from kerazoo.presets.loading import build
from kerazoo.presets.preset import find_preset

PRESETS = [
    "vae_mnist",
    "cnn_classifier_mnist",
    "dcgan_mnist",
    "wgan_gp_ring",
    "rbm_mnist",
    "lstm_char_lm_tiny_shakespeare",
]
OPTIONS = {
    "default": {"jit_compile": False},
    "jit_compile=True": {"jit_compile": True},
    "steps_per_execution=10": {"jit_compile": False, "steps_per_execution": 10},
}


def tokens(model, rows, random):
    shape = (rows, model.sequence_length + 1)
    return {"tokens": random.integers(0, len(model.vocabulary), shape).astype("int32"), "first": np.ones(rows, bool)}


def points(model, rows, random):
    return {"points": random.normal(size=(rows, model.num_features)).astype("float32")}


def labelled_images(model, rows, random):
    images = random.integers(0, 256, (rows, *model.image_shape), dtype=np.uint8)
    return {"image": images, "label": random.integers(0, 10, rows)}


BATCHES = {"tokens": tokens, "points": points, "image": labelled_images}  # by the models' `batch_key`


def contender(preset, options):
    """(a function that trains so many steps, rows a step) of a fresh model."""
    config = find_preset(preset).config
    model = build(config)
    model.compile(seed=0, **options)
    model.begin_stage(model.stages()[-1].name)
    rows = config.training.batch_size * model.batches_per_step
    # Infinite, and in batches of one step: `fit` joins as many as a step takes.
    batch = BATCHES[model.batch_key](model, rows // model.batches_per_step, np.random.default_rng(0))
    data = tf.data.Dataset.from_tensors(batch).repeat()
    return lambda steps: model.fit(data, steps_per_epoch=steps, verbose=0), rows


def seconds(function, *arguments):
    began = time.perf_counter()
    function(*arguments)
    return time.perf_counter() - began


def spread(values):
    return {"median": float(np.median(values)), "min": float(min(values)), "max": float(max(values))}


def measure(preset, rounds, steps):
    """option -> seconds to the first step, steps a second, and how many times as fast as the default."""
    keras.utils.set_random_seed(0)
    trains, results, rates = {}, {}, {}
    for name, options in OPTIONS.items():
        train, rows = contender(preset, options)
        first = options.get("steps_per_execution", 1)  # the first call makes so many
        results[name] = {"rows": rows, "seconds to the first step": seconds(train, first)}
        trains[name], rates[name] = train, []
    for number in range(rounds):
        for name in list(trains) if number % 2 == 0 else list(trains)[::-1]:
            rates[name].append(steps / seconds(trains[name], steps))
    for name, values in rates.items():
        results[name]["steps a second"] = spread(values)
        ratios = [a / b for a, b in zip(values, rates["default"], strict=True)]
        results[name]["times as fast as default"] = spread(ratios)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--steps", type=int, default=20, help="a round, a multiple of 10")
    parser.add_argument("--presets", type=lambda text: text.split(","), default=PRESETS)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "compile_options.json")
    arguments = parser.parse_args()
    measure_once = contender(arguments.presets[0], OPTIONS["default"])[0]
    measure_once(1)
    results = {}
    print("| preset | option | s to first step | steps/s: median (range) | times as fast: median (range) |")
    print("| --- | --- | --- | --- | --- |")
    for preset in arguments.presets:
        results[preset] = measure(preset, arguments.rounds, arguments.steps)
        for name, row in results[preset].items():
            rate, ratio = (
                f"{v['median']:.3g} ({v['min']:.3g} to {v['max']:.3g})"
                for v in (row["steps a second"], row["times as fast as default"])
            )
            print(f"| {preset} | {name} | {row['seconds to the first step']:.1f} | {rate} | {ratio} |")
    devices = [device.device_type for device in tf.config.list_physical_devices()]
    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    machine = {"devices": devices, "processor": platform.processor() or platform.machine(), "cores": cores}
    versions = {"tensorflow": tf.__version__, "keras": keras.__version__, "kerazoo": kerazoo.__version__}
    report = {"rounds": arguments.rounds, "steps": arguments.steps, **machine, **versions, "results": results}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=2) + "\n")
    print(f"\nwrote {arguments.out}")


if __name__ == "__main__":
    main()
