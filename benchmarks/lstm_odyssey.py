"""The vanilla LSTM and its eight variants on the JSB chorales, many random settings of each (Greff et al. 2017).

    python benchmarks/lstm_odyssey.py [--settings 8] [--epochs 150] [--variants vanilla nfg ...]

As in the paper every variant is trained with the same number of random settings and the same budget: the number of
units (20 to 200) and the learning rate are drawn log-uniformly, the standard deviation of Gaussian noise on the inputs
uniformly from 0 to 1. The setting of a place is the same for all variants. A run ends after 150 epochs, or once the
validation split has not become better for 15, and counts with the epoch that is best there, and its test figure. Runs
that are in the results are not made again, so that one which was stopped goes on. Table and box plot are those of the
paper: the best figure, and the spread of the better half. It differs from the paper in Adam, whose rates are drawn from
0.001 to 0.05, and in batches of 16.
"""

import argparse
import json
import time
from pathlib import Path

import keras
import numpy as np

import kerazoo
from kerazoo.data import open_source
from kerazoo.tasks.formats import save_figure
from kerazoo.utils.files import new_file

SOURCE = "music:jsb/jsb-chorales-quarter.json"
VARIANTS = {
    "vanilla": {"peepholes": True},
    "np": {},
    **{name: {"variant": name, "peepholes": True} for name in ("nig", "nfg", "nog", "niaf", "noaf", "cifg", "fgr")},
}
BATCH_SIZE, EVERY, PATIENCE = 16, 5, 15  # epochs between two looks at the validation split, and without a better one
WORST = 88 * np.log(2)  # nats a step of coins, which stand for a run that diverges
RESULTS = Path(__file__).with_name("results") / "lstm_odyssey.json"


def setting(place):
    """The random setting of a place: units, learning rate, noise."""
    random = np.random.default_rng(place)
    units, rate = (np.exp(random.uniform(*np.log(bounds))) for bounds in ((20, 200), (1e-3, 5e-2)))
    return {"units": int(units), "rate": float(f"{rate:.3g}"), "noise": float(f"{random.uniform():.3g}")}


def nats(model, source):
    pieces = list(source.arrays["sequence"])
    return float(-model.score(pieces, batch_size=100).sum() / sum(map(len, pieces)))


def measure(variant, place, epochs, sources):
    """Train one variant in one setting; returns its figures."""
    began, chosen = time.process_time(), setting(place)
    keras.utils.set_random_seed(place)
    features = sources["train"].info.shapes["sequence"][-1]
    sizes = {"num_features": features, "units": chosen["units"], "input_noise": chosen["noise"]}
    model = kerazoo.create("lstm", **sizes, **VARIANTS[variant])
    model.compile({"network": keras.optimizers.Adam(chosen["rate"])}, seed=place)
    best = {"valid": WORST, "test": WORST, "epoch": 0}
    for epoch in range(0, epochs, EVERY):
        model.fit(sources["train"], batch_size=BATCH_SIZE, initial_epoch=epoch, epochs=epoch + EVERY, verbose=0)
        valid = nats(model, sources["valid"])
        if not np.isfinite(valid):  # it has diverged
            break
        if valid < best["valid"]:
            best = {"valid": valid, "test": nats(model, sources["test"]), "epoch": epoch + EVERY}
        elif epoch + EVERY - best["epoch"] >= PATIENCE:
            break
    return {"variant": variant, "place": place, **chosen, **best, "seconds": round(time.process_time() - began)}


def best_half(runs):
    """Test figures of the half of a variant's settings that are best on the validation split, the best one first."""
    ordered = sorted(runs, key=lambda run: run["valid"])
    return [run["test"] for run in ordered[: max(1, len(runs) // 2)]]


def box_plot(figures, path):
    """Write the spread of each variant's figures."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(8, 4), layout="constrained")
    axes = figure.add_subplot()
    axes.boxplot(list(figures.values()), tick_labels=list(figures))
    axes.axhline(np.median(figures["vanilla"]), color="0.7", linewidth=0.8)
    axes.set_ylabel("test, nats a step")
    save_figure(figure, path, overwrite=True)


def report(runs):
    """Print the table and write the box plot of all variants that have runs."""
    by_variant = {name: [run for run in runs if run["variant"] == name] for name in VARIANTS}
    figures = {name: best_half(found) for name, found in by_variant.items() if found}
    print("| variant | settings | best | median of the best half |\n| --- | --- | --- | --- |")
    for name, tests in sorted(figures.items(), key=lambda pair: pair[1][0]):
        print(f"| {name} | {len(by_variant[name])} | {tests[0]:.3f} | {np.median(tests):.3f} |")
    if "vanilla" in figures:
        box_plot(figures, RESULTS.with_suffix(".png"))


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--settings", type=int, default=8)
    parser.add_argument("--epochs", type=int, default=150)
    parser.add_argument("--variants", nargs="+", choices=list(VARIANTS), default=list(VARIANTS))
    arguments = parser.parse_args()
    kept = json.loads(RESULTS.read_text(encoding="utf-8")) if RESULTS.exists() else {"runs": []}
    if kept["runs"] and kept["epochs"] != arguments.epochs:
        parser.error(f"{RESULTS} has runs of {kept['epochs']} epochs: give --epochs {kept['epochs']}, or move it away")
    runs, made = kept["runs"], {(run["variant"], run["place"]) for run in kept["runs"]}
    sources = {split: open_source(SOURCE, split=split) for split in ("train", "valid", "test")}
    for place in range(arguments.settings):
        for variant in arguments.variants:
            if (variant, place) in made:
                continue
            runs.append(measure(variant, place, arguments.epochs, sources))
            print(f"{variant} {place}: {runs[-1]['test']:.3f}", flush=True)
            with new_file(RESULTS, overwrite=True) as temporary:
                temporary.write_text(json.dumps({"epochs": arguments.epochs, "runs": runs}, indent=1) + "\n")
    report(runs)


if __name__ == "__main__":
    main()
