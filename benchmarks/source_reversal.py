"""What reading the source backwards is worth: strings of 10 letters, copied by deep LSTMs reading in either direction.

    python benchmarks/source_reversal.py [--seeds 0 1 2] [--epochs 8] [--loss 0.5] [--out FILE]

Both have the configuration of the preset `seq2seq_reversal` except for `reverse_source`, a constant rate and fewer
epochs. Written: the training loss of each epoch, in nats a token, and after how many steps it is below `--loss`.
"""

import argparse
import csv
import json
import platform
import tempfile
from pathlib import Path

import keras
import tensorflow as tf

from kerazoo.presets.config import read_config
from kerazoo.training import train

PRESET = Path(__file__).parents[1] / "zoo_configs" / "seq2seq_reversal" / "config.yaml"


def measure(reverse_source, seed, epochs, loss):
    """Train in one direction from one seed: the loss of each epoch, and the steps until it is below `loss`."""
    overrides = [f"model.reverse_source={str(reverse_source).lower()}", f"training.seed={seed}"]
    overrides += [f"training.epochs={epochs}", "training.decay_start=null"]
    with tempfile.TemporaryDirectory() as folder:
        run = Path(folder, "run")
        result = train(read_config(PRESET, overrides), run)
        with (run / "log.csv").open(encoding="utf-8") as file:
            losses = [round(float(row["nats_per_token"]), 4) for row in csv.DictReader(file)]
    first = next((epoch for epoch, value in enumerate(losses, 1) if value < loss), None)
    return {
        "reverse_source": reverse_source,
        "seed": seed,
        "steps": first and first * result.step // epochs,
        "nats_per_token": losses,
    }


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seeds", nargs="+", type=int, default=[0, 1, 2])
    parser.add_argument("--epochs", type=int, default=8)
    parser.add_argument("--loss", type=float, default=0.5)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "source_reversal.json")
    arguments = parser.parse_args()
    rows = []
    print(f"| seed | source | steps to {arguments.loss} nats | last epoch |\n|{' --- |' * 4}")
    for seed in arguments.seeds:
        for reverse_source in (True, False):
            row = measure(reverse_source, seed, arguments.epochs, arguments.loss)
            rows.append(row)
            name, last = "reversed" if reverse_source else "forward", row["nats_per_token"][-1]
            print(f"| {seed} | {name} | {row['steps'] or 'not reached'} | {last} |", flush=True)
            result = {
                "versions": {"keras": keras.__version__, "tensorflow": tf.__version__, "machine": platform.machine()},
                "loss": arguments.loss,
                "rows": rows,
            }
            arguments.out.parent.mkdir(parents=True, exist_ok=True)
            arguments.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"\nwrote {arguments.out}")


if __name__ == "__main__":
    main()
