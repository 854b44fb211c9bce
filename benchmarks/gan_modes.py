"""The picture of the field: every adversarial objective that takes points, on mixtures of Gaussians, three seeds each.

All have generators and adversaries of two layers of 128 rectifiers (an objective's own networks where it needs
them), 8 latents, batches of 256 and 4,000 steps, over which the rates fall to zero.

    python benchmarks/gan_modes.py [--only gan wgan] [--sources ring grid] [--seeds 0 1 2] [--work runs/gan_modes]

Each run is kept in a file of the folder `--work`, and none that is there with the same settings is made again, so one
that was stopped goes on. The table is printed; figures and one plate of pictures a source go to `--out`. Architectures
that this version does not have are left out. `gan_techniques.py` has the techniques of `improved_gan`.
"""

import argparse
import json
import time
from dataclasses import asdict, dataclass, field
from pathlib import Path

import keras
import numpy as np

import kerazoo
from kerazoo.base.arguments import model_parameters
from kerazoo.base.optimizers import LinearDecay, with_overrides
from kerazoo.base.registry import built_in, model_class
from kerazoo.data import open_source
from kerazoo.metrics import mode_coverage
from kerazoo.tasks.formats import save_figure

STEPS, BATCH, NUM = 4000, 256, 2500
SHOTS = (0, 500, 1000, 2000, 3000, 4000)  # steps after which points are kept for the plate
SHOWN = 1000
UNITS = (128, 128)
# Of these arguments an architecture gets those that it has.
COMMON = {
    "num_features": 2,
    "latent_dim": 8,
    "prior": "normal",
    **dict.fromkeys(("generator_units", "discriminator_units", "critic_units", "encoder_units"), UNITS),
}
ADAM = {"class": "Adam", "learning_rate": 1e-3, "beta_1": 0.5}
RMSPROP = {"class": "RMSprop", "learning_rate": 1e-3}
# Squared widths of kernels from the modes' own to the whole mixture's.
BANDWIDTHS = (0.001, 0.01, 0.1, 1.0, 10.0)
NO_DROPOUT = {"dropout": 0.0, "input_dropout": 0.0, "maxout_pieces": 2}


@dataclass(frozen=True)
class Contender:
    """An objective: its architecture, what is not common to all, the adversary's optimizer and the generator's."""

    architecture: str
    arguments: dict = field(default_factory=dict)
    optimizer: dict = field(default_factory=lambda: ADAM)
    batch_size: int = BATCH


CONTENDERS = {
    "GAN, minimax": Contender("gan", {**NO_DROPOUT, "generator_objective": "minimax"}),
    "GAN, non-saturating": Contender("gan", NO_DROPOUT),
    "GAN, k = 5": Contender("gan", {**NO_DROPOUT, "discriminator_steps": 5}),
    "unrolled GAN, K = 5": Contender("unrolled_gan"),
    "LSGAN": Contender("lsgan"),
    "WGAN": Contender("wgan", {"clip_value": 0.1}, RMSPROP),
    "WGAN-GP": Contender("wgan_gp", {}, {**ADAM, "beta_1": 0.0, "beta_2": 0.9}),
    "EBGAN": Contender("ebgan", {"code_dim": 8}),
    "improved GAN, feature matching": Contender("improved_gan", {"feature_matching": True}),
    "improved GAN, minibatch discrimination": Contender("improved_gan", {"minibatch_kernels": 8}),
    "GMMN": Contender("gmmn", {"bandwidths": BANDWIDTHS}, ADAM, 512),
    # At this rate the order of the codes, which the paper adds, drives the generator out of sight.
    "MMD-GAN": Contender(
        "mmd_gan", {"code_dim": 8, "clip_value": 0.1, "bandwidths": BANDWIDTHS, "rank_weight": 0.0}, RMSPROP
    ),
}


def new(contender, seed):
    """The contender's model, compiled with rates that fall to zero over the run."""
    keras.utils.set_random_seed(seed)
    taken = model_parameters(model_class(contender.architecture))
    arguments = {name: value for name, value in COMMON.items() if name in taken} | contender.arguments
    model = kerazoo.create(contender.architecture, **arguments)
    optimizers = {}
    for role, optimizer in model.default_optimizers().items():
        optimizers[role] = with_overrides(optimizer, contender.optimizer)
        rate, updates = contender.optimizer["learning_rate"], STEPS * model.updates_per_step(role)
        optimizers[role].learning_rate = LinearDecay(rate, updates, 0.0)
    model.compile(optimizers, seed=seed, jit_compile=True, steps_per_execution=50)  # four times as fast
    return model


def run(contender, source, seed):
    """Train one model; returns its figures and the points at `SHOTS`."""
    model, data = new(contender, seed), open_source(source)
    shots, began = [], time.process_time()
    for before, after in zip((0, *SHOTS), SHOTS, strict=False):
        if after > before:
            examples = {"points": data.arrays["points"]}
            model.fit(examples, batch_size=contender.batch_size, steps_per_epoch=after - before, verbose=0)
        points = model.generate(NUM, seed=0)
        shots.append(points[:SHOWN].astype("float32"))
    found = mode_coverage(points, data.info.modes.centres, float(data.info.modes.std))
    figures = {"modes": found.covered, "high_quality": found.high_quality, "reverse_kl": found.reverse_kl}
    return {**figures, "cpu_seconds": time.process_time() - began}, np.stack(shots)


def settings(contender, source, seed):
    """All that a run depends on but the code, as text."""
    return json.dumps([asdict(contender), source, seed, STEPS, SHOTS, COMMON], sort_keys=True)


def kept_or_run(path, contender, source, seed):
    """The figures and points of a run, from its file if that has the same settings."""
    expected = settings(contender, source, seed)
    if path.exists():
        with np.load(path) as kept:
            if str(kept["settings"]) == expected:
                return json.loads(str(kept["figures"])), kept["shots"]
    figures, shots = run(contender, source, seed)
    temporary = path.with_suffix(".part.npz")
    np.savez_compressed(temporary, settings=expected, figures=json.dumps(figures), shots=shots)
    temporary.replace(path)
    return figures, shots


def spread(runs, name, digits):
    """The median over seeds, with the range."""
    values = [figures[name] for figures in runs]
    return f"{np.median(values):.{digits}f} ({min(values):.{digits}f} to {max(values):.{digits}f})"


def table(runs, source):
    """The lines of one source's table in Markdown."""
    num = len(open_source(source).info.modes.centres)
    yield f"| {source} | modes of {num} | high quality | reverse KL, nats |"
    yield "| --- | --- | --- | --- |"
    for label, of_seeds in runs.items():
        figures = [spread(of_seeds, name, digits) for name, digits in (("modes", 0), ("high_quality", 2))]
        yield f"| {label} | {' | '.join(figures)} | {spread(of_seeds, 'reverse_kl', 3)} |"


def plate(shots, source, path):
    """Write a picture: a row for each contender, a column for each of `SHOTS`."""
    from matplotlib.figure import Figure

    centres = open_source(source).info.modes.centres
    edge = 1.4 * np.abs(centres).max()
    figure = Figure(figsize=(1.25 * len(SHOTS) + 2.4, 1.25 * len(shots) + 0.3), layout="constrained")
    axes = figure.subplots(len(shots), len(SHOTS), squeeze=False)
    for place, step in zip(axes[0], SHOTS, strict=True):
        place.set_title(f"{step:,} steps", fontsize=8)
    for row, (label, of_steps) in zip(axes, shots.items(), strict=True):
        row[0].set_ylabel(label.replace(", ", ",\n"), rotation=0, ha="right", va="center", fontsize=8)
        for place, points in zip(row, of_steps, strict=True):
            place.scatter(*centres.T, s=8, color="0.8", linewidths=0)
            place.scatter(*points.T, s=1, color="tab:blue", alpha=0.5, linewidths=0)
            place.set(xlim=(-edge, edge), ylim=(-edge, edge), xticks=[], yticks=[], aspect="equal")
    save_figure(figure, path, overwrite=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--only", nargs="+", help="architectures; all by default")
    parser.add_argument("--sources", nargs="+", default=["ring", "grid"])
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    parser.add_argument("--work", type=Path, default=Path("runs/gan_modes"), help="folder of the runs")
    parser.add_argument("--out", type=Path, default=Path(__file__).with_name("results"))
    arguments = parser.parse_args()
    arguments.work.mkdir(parents=True, exist_ok=True)
    arguments.out.mkdir(parents=True, exist_ok=True)
    known = set(built_in()) & set(arguments.only or built_in())
    chosen = {label: one for label, one in CONTENDERS.items() if one.architecture in known}
    report = {"steps": STEPS, "seeds": arguments.seeds, "num_points": NUM, "sources": {}}
    for source in arguments.sources:
        figures, shots = {label: [] for label in chosen}, {}
        for label, contender in chosen.items():
            for seed in arguments.seeds:
                name = "".join(c if c.isalnum() else "_" for c in f"{label}-{source}-{seed}")
                found, points = kept_or_run(arguments.work / f"{name}.npz", contender, source, seed)
                figures[label].append(found)
                shots.setdefault(label, points)  # the plate shows the first seed
                print(f"{source} {label} seed {seed}: " + json.dumps(found), flush=True)
        report["sources"][source] = figures
        print("\n".join(table(figures, source)), flush=True)
        plate(shots, source, arguments.out / f"gan_modes_{source}.png")
    (arguments.out / "gan_modes.json").write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
