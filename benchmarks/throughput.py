"""Training speed of kerazoo's DCGAN against a plain Keras script with the same networks, paired in one run.

    python benchmarks/throughput.py [--rounds 9] [--steps 30] [--out benchmarks/results/throughput.json]

Machines change speed within minutes, so the contenders take turns in one process: every round times each of them over
the same number of steps of 64 images, and ratios are taken round by round. Two things are timed: the training step on
one batch in memory, and short epochs of `fit` through each contender's own input pipeline, whose teardown at the end
of an epoch is where tf.data's autotuning loses time.
"""

import argparse
import json
import platform
import time
from pathlib import Path

import keras
import numpy as np
import plain_keras_dcgan as plain
import tensorflow as tf

import kerazoo
from kerazoo.data import from_arrays

BATCH_SIZE = 64
IMAGES = np.random.default_rng(0).integers(0, 256, (60 * BATCH_SIZE, 28, 28, 1), dtype=np.uint8)


def plain_contender():
    gan = plain.build_gan("preset")
    gan.compile(gan_optimizer(), gan_optimizer())
    return gan


def gan_optimizer():
    return keras.optimizers.Adam(2e-4, beta_1=0.5)


def kerazoo_contender(dtype):
    model = kerazoo.create("dcgan_mnist", dtype=dtype)
    model.compile(seed=0)
    return model


def in_memory(batch):
    """The same batch again and again: the step alone is timed."""
    return tf.data.Dataset.from_tensors(batch).repeat()


def plain_pipeline(steps):
    """As in tutorials: map, cache, shuffle, batch, prefetch with the default options."""
    images = IMAGES[: steps * BATCH_SIZE]
    dataset = tf.data.Dataset.from_tensor_slices(images)
    dataset = dataset.map(lambda image: tf.cast(image, tf.float32) / 127.5 - 1.0, tf.data.AUTOTUNE)
    return dataset.cache().shuffle(10_000).batch(BATCH_SIZE, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


def seconds(function):
    began = time.perf_counter()
    function()
    return time.perf_counter() - began


def summary(values):
    values = sorted(values)
    return {"median": float(np.median(values)), "min": values[0], "max": values[-1]}


def measure(rounds, steps):
    """Seconds a step of each contender, round by round, and the ratios plain / kerazoo."""
    contenders = {"plain Keras, float32": plain_contender()}
    contenders |= {f"kerazoo, {dtype}": kerazoo_contender(dtype) for dtype in ("float32", "mixed_bfloat16")}
    signed = tf.constant(IMAGES[:BATCH_SIZE] / np.float32(127.5) - np.float32(1.0))
    unsigned = tf.constant(IMAGES[:BATCH_SIZE])
    source = from_arrays({"image": IMAGES[: steps * BATCH_SIZE]})
    first = next(iter(contenders))

    def run_steps(name, count):
        model = contenders[name]
        data = in_memory(signed if name == first else unsigned)
        model.fit(data, steps_per_epoch=count, verbose=0)

    def run_epochs(name):
        model = contenders[name]
        if name == first:
            model.fit(plain_pipeline(steps), epochs=2, verbose=0)
        else:
            model.fit(source, batch_size=BATCH_SIZE, epochs=2, verbose=0)

    times = {kind: {name: [] for name in contenders} for kind in ("step", "epoch")}
    for name in contenders:
        run_steps(name, 5)
        run_epochs(name)
    for number in range(rounds):
        order = list(contenders) if number % 2 == 0 else list(contenders)[::-1]
        for name in order:
            times["step"][name].append(seconds(lambda name=name: run_steps(name, steps)) / steps)
            times["epoch"][name].append(seconds(lambda name=name: run_epochs(name)) / (2 * steps))
    return {
        kind: {
            name: {
                "milliseconds per step": summary([1000 * value for value in values]),
                "times as fast as plain": summary([a / b for a, b in zip(table[first], values, strict=True)]),
            }
            for name, values in table.items()
        }
        for kind, table in times.items()
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=30)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "throughput.json")
    arguments = parser.parse_args()
    keras.utils.set_random_seed(0)
    results = measure(arguments.rounds, arguments.steps)
    devices = [device.device_type for device in tf.config.list_physical_devices()]
    machine = {"devices": devices, "processor": platform.processor() or platform.machine(), "cores": _cores()}
    versions = {"tensorflow": tf.__version__, "keras": keras.__version__, "kerazoo": kerazoo.__version__}
    report = {
        "rounds": arguments.rounds,
        "steps": arguments.steps,
        "batch_size": BATCH_SIZE,
        **machine,
        **versions,
        "results": results,
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(report, indent=2) + "\n")
    for kind, table in results.items():
        print(f"| {kind} | ms per step | times as fast as plain Keras |\n| --- | --- | --- |")
        for name, row in table.items():
            ms, ratio = row["milliseconds per step"], row["times as fast as plain"]
            spread = f"{ratio['median']:.2f} ({ratio['min']:.2f} to {ratio['max']:.2f})"
            print(f"| {name} | {ms['median']:.0f} ({ms['min']:.0f} to {ms['max']:.0f}) | {spread} |")
        print()
    print(f"wrote {arguments.out}")


def _cores():
    import os

    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


if __name__ == "__main__":
    main()
