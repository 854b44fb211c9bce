"""LiteRT files against Keras and against the SavedModel in one process, paired.

    python benchmarks/litert_speed.py [--rounds 15] [--threads 2] [--out benchmarks/results/litert_speed.json]

Machines change speed within minutes, so the contenders take turns: every round times each of them on the same inputs,
and ratios are taken round by round. `Keras predict` is the call that a user without kerazoo would write.
"""

import argparse
import json
import os
import tempfile
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from rich.console import Console
from rich.table import Table

import kerazoo
from kerazoo.utils.litert import LiteRTFile

# Preset, its signature, what a user of plain Keras would call, and the batch sizes.
CASES = (
    ("cnn_classifier_mnist", "classify", lambda model: keras.Sequential([model.encoder, model.head])),
    ("dcgan_mnist", "generate", lambda model: model.generator),
    ("vae_mnist", "generate", lambda model: model.decoder),
    ("lstm_char_lm_tiny_shakespeare", "next_token", None),
)
FILES = (None, "dynamic", "int8")
BATCHES = (1, 16)


def contenders(preset, signature, plain, threads, folder):
    """name -> function of named arrays."""
    model = kerazoo.load(preset)
    endpoint = model.endpoints()[signature]
    compiled = tf.function(lambda **inputs: endpoint(**inputs), reduce_retracing=True)
    model.export(folder / "saved")
    saved = tf.saved_model.load(str(folder / "saved")).signatures[signature]
    found = {
        "Keras tf.function": lambda **inputs: _numpy(compiled(**_tensors(inputs))),
        "SavedModel": lambda **inputs: _numpy(saved(**_tensors(inputs))),
    }
    if plain is not None:
        network = plain(model)
        found["Keras predict"] = lambda **inputs: network.predict(*inputs.values(), verbose=0)
    for quantization in FILES:
        path = folder / f"{quantization}.tflite"
        model.export(path, format="litert", quantization=quantization)
        file = LiteRTFile(path, num_threads=threads)
        found[f"LiteRT {quantization or 'float32'}"] = lambda file=file, **inputs: file.run(signature, **inputs)
    return endpoint, found


def _tensors(inputs):
    return {key: tf.constant(value) for key, value in inputs.items()}


def _numpy(outputs):
    return {key: value.numpy() for key, value in outputs.items()}


def seconds(function, inputs, repeats):
    began = time.perf_counter()
    for _ in range(repeats):
        function(**inputs)
    return (time.perf_counter() - began) / repeats


def measure(endpoint, functions, batch, rounds):
    """name -> milliseconds of a call and times as fast as the compiled function, each with its median and range."""
    inputs = endpoint.example(np.random.default_rng(0), batch)
    repeats = {name: max(1, min(100, int(0.05 / _first(function, inputs)))) for name, function in functions.items()}
    times = {name: [] for name in functions}
    for number in range(rounds):
        for name in list(functions)[:: 1 if number % 2 == 0 else -1]:
            times[name].append(seconds(functions[name], inputs, repeats[name]))
    base = times["Keras tf.function"]
    return {
        name: {
            "milliseconds": summary([1000 * value for value in values]),
            "times as fast": summary([a / b for a, b in zip(base, values, strict=True)]),
        }
        for name, values in times.items()
    }


def _first(function, inputs):
    function(**inputs)  # compiles
    function(**inputs)
    return seconds(function, inputs, 1)


def summary(values):
    return {"median": float(np.median(values)), "min": min(values), "max": max(values)}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "litert_speed.json")
    arguments = parser.parse_args()
    tf.config.threading.set_intra_op_parallelism_threads(arguments.threads)
    console, results = Console(), {}
    for preset, signature, plain in CASES:
        with tempfile.TemporaryDirectory() as folder:
            endpoint, functions = contenders(preset, signature, plain, arguments.threads, Path(folder))
            for batch in BATCHES:
                table = Table("runs in", "ms a call", "times as fast", title=f"{preset} {signature}, batch {batch}")
                results[f"{preset} {signature} {batch}"] = found = measure(endpoint, functions, batch, arguments.rounds)
                for name, one in found.items():
                    ms, ratio = one["milliseconds"], one["times as fast"]
                    spread = f"{ratio['median']:.2f} ({ratio['min']:.2f} to {ratio['max']:.2f})"
                    table.add_row(name, f"{ms['median']:.2f} ({ms['min']:.2f} to {ms['max']:.2f})", spread)
                console.print(table)
    versions = {"tensorflow": tf.__version__, "keras": keras.__version__, "kerazoo": kerazoo.__version__}
    report = {"rounds": arguments.rounds, "threads": arguments.threads, "cores": os.cpu_count(), **versions}
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps({**report, "results": results}, indent=2) + "\n", encoding="utf-8")
    print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
