"""The benefit of attention: strings of 20 to 30 letters written backwards, with every score and without attention.

    python benchmarks/attention_reversal.py [--variants bahdanau none ...] [--seeds 0 1 2] [--epochs 8] [--out FILE]

All variants have the configuration of the preset `attention_seq2seq_reversal` except for `attention`, and so the same
data, batches and number of steps. Measured on 1,000 strings that training has not seen, by greedy search: the share
that is right letter for letter, the share of letters in place, and the share of letters whose largest attention weight
is on their own source letter.
"""

import argparse
import json
import platform
import tempfile
import time
from pathlib import Path

import keras
import tensorflow as tf

from kerazoo.presets.config import read_config
from kerazoo.tasks.evaluation import evaluate_preset
from kerazoo.training import train

PRESET = Path(__file__).parents[1] / "zoo_configs" / "attention_seq2seq_reversal" / "config.yaml"
VARIANTS = ("bahdanau", "dot", "general", "concat", "none")
COLUMNS = ("exact_match", "character_accuracy", "antidiagonal", "nats_per_token")


def measure(variant, seed, epochs):
    """Train one variant from one seed; the figures of `kerazoo evaluate`, with steps and seconds."""
    overrides = [f"model.attention={'null' if variant == 'none' else variant}", f"training.seed={seed}"]
    overrides += [f"training.epochs={epochs}"] if epochs else []
    with tempfile.TemporaryDirectory() as folder:
        run, began = Path(folder, "run"), time.perf_counter()
        result = train(read_config(PRESET, overrides), run)
        seconds = time.perf_counter() - began
        metrics = evaluate_preset(run)["metrics"]
    return {"variant": variant, "seed": seed, "steps": result.step, "seconds": round(seconds), **metrics}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--variants", nargs="+", choices=VARIANTS, default=list(VARIANTS))
    parser.add_argument("--seeds", nargs="+", type=int, default=[0])
    parser.add_argument("--epochs", type=int, default=None, help="instead of the preset's")
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "attention_reversal.json")
    arguments = parser.parse_args()
    anew = {(variant, seed) for variant in arguments.variants for seed in arguments.seeds}
    kept = json.loads(arguments.out.read_text())["rows"] if arguments.out.exists() else []
    rows = [row for row in kept if (row["variant"], row["seed"]) not in anew]
    print(f"| attention | seed | steps | seconds | {' | '.join(COLUMNS)} |\n|{' --- |' * (4 + len(COLUMNS))}")
    for seed in arguments.seeds:
        for variant in arguments.variants:
            row = measure(variant, seed, arguments.epochs)
            rows.append(row)
            figures = " | ".join(f"{row[name]:.4f}" if name in row else "" for name in COLUMNS)
            print(f"| {variant} | {seed} | {row['steps']} | {row['seconds']} | {figures} |", flush=True)
            result = {
                "versions": {"keras": keras.__version__, "tensorflow": tf.__version__, "machine": platform.machine()},
                "rows": rows,
            }
            arguments.out.parent.mkdir(parents=True, exist_ok=True)
            arguments.out.write_text(json.dumps(result, indent=2) + "\n")
    print(f"\nwrote {arguments.out}")


if __name__ == "__main__":
    main()
