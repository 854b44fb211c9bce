"""What each preset gives as a LiteRT file, in every quantisation: bytes, differences, and its task's own figures.

    python benchmarks/exports.py [PRESET ...] [--num 500] [--out exports.json] [--write]

The figures are measured through the written file (`run_exported`) and through Keras, on the same examples. Figures of
signatures that a file does not have are left out, with the reason. `--write` puts a preset's into its `metrics.json`,
section `exports`, for the card.
"""

import argparse
import json
import tempfile
from pathlib import Path
from types import SimpleNamespace

import numpy as np
from rich.console import Console
from rich.table import Table

import kerazoo
from kerazoo.data.text import texts_of
from kerazoo.exporting import export_litert
from kerazoo.exporting.litert_verbs import run_exported
from kerazoo.presets.config import with_options
from kerazoo.presets.metadata import write_metadata
from kerazoo.presets.preset import find_preset
from kerazoo.tasks import Data, task_module
from kerazoo.utils.errors import ExportError
from kerazoo.utils.images import as_float_array

QUANTIZATIONS = {"float32": None, "float16": "float16", "dynamic": "dynamic", "int8": "int8"}
STREAMS = 50  # parts of a text that are read side by side


def task_figures(model, data, settings):
    return task_module(model.task).evaluate(model, data, settings)


def generator_figures(model, data, settings):
    """Of generated examples alone: files have neither a critic's gradient, nor is its network a classifier."""
    return task_module(model.task).evaluate(SimpleNamespace(generate=model.generate), data, settings)


def reconstruction_figures(model, data, settings):
    images = held_out(data, settings)
    return {"reconstruction_l1": float(np.abs(model.reconstruct(images) - as_float_array(images)).mean())}


def energy_figures(model, data, settings):
    """The log-likelihood would need the partition function of the quantised weights."""
    energies = model.free_energy(held_out(data, settings), seed=settings.seed)
    return {"free_energy": float(energies.mean(dtype="float64"))}


def step_figures(model, data, settings):
    """Bits a character, step by step with the state carried, of as many characters of the split as `score` is told."""
    text = "".join(texts_of(data.open(settings.split)))
    tokens = model.characters.encode(text)
    steps = min(settings.num, len(tokens) // STREAMS)
    tokens = np.asarray(tokens[: STREAMS * steps], "int32").reshape(STREAMS, steps)
    state, nats = model.zero_state(STREAMS).numpy(), 0.0
    for now, following in zip(tokens.T, tokens.T[1:], strict=False):
        logits, state = model.calls(model.next_logits, now, state)
        logits = logits - logits.max(axis=1, keepdims=True)
        nats += float((np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(STREAMS), following]).mean())
    return {"bits_per_character_by_steps": nats / (steps - 1) / np.log(2), "num_steps": steps - 1}


def held_out(data, settings):
    source = data.open(settings.split)
    return source.sample(min(settings.num, len(source)), seed=settings.seed)["image"]


# What is measured of a task: each part on its own, since a file may lack what one of them needs.
FIGURES = {
    "image-generation": (generator_figures,),
    "point-generation": (generator_figures,),
    "image-autoencoding": (task_figures, reconstruction_figures),
    "density-estimation": (energy_figures, reconstruction_figures),
    "text-generation": (task_figures, step_figures),
}


def measure(model, data, settings):
    """(metrics, reasons why some are missing)."""
    metrics, reasons = {}, []
    for figures in FIGURES.get(model.task, (task_figures,)):
        try:
            found = figures(model, data, settings)
        except ExportError as error:
            reasons.append(str(error).split(" has ", 1)[-1])
            continue
        metrics |= {name: value for name, value in found.items() if isinstance(value, (int, float))}
    return metrics, reasons


def measure_preset(name, num, say):
    """One preset in every quantisation; what goes into `metrics.json` under `exports`, `litert`."""
    settings = with_options(find_preset(name).config, "evaluation", {"num": num}).evaluation
    model = kerazoo.load(name)
    data = Data(settings.data, model.image_shape)
    about = {
        "headlines": task_module(model.task).HEADLINES,
        **{key: getattr(settings, key) for key in ("data", "split", "num", "seed")},
    }
    report = {**about, "keras": {"metrics": measure(model, data, settings)[0]}}
    with tempfile.TemporaryDirectory() as folder:
        for label, quantization in QUANTIZATIONS.items():
            say(f"{name} {label}")
            path = Path(folder, f"{label}.tflite")
            try:
                metadata = export_litert(model, path, quantization=quantization)
            except ExportError as error:
                report[label] = {"reason": str(error)}
                continue
            with run_exported(model, path, num_threads=2):
                metrics, reasons = measure(model, data, settings)
            report[label] = {
                "bytes": metadata["bytes"],
                "ratio": metadata["bytes"] / report.get("float32", metadata)["bytes"],
                "largest_difference": max(metadata["differences"].values()),
                "differences": metadata["differences"],
                "batch": {signature: one["batch"] for signature, one in metadata["signatures"].items()},
                "left_out": metadata["left_out"],
                "calibration": metadata["calibration"],
                "metrics": metrics,
                **({"not_measured": reasons} if reasons else {}),
            }
    return report


def table_of(name, report):
    table = Table("file", "bytes", "of float32", "largest difference", "figures", title=name, title_justify="left")
    table.add_row("Keras", "", "", "", pairs(report["keras"]["metrics"]))
    for label in QUANTIZATIONS:
        one = report[label]
        if "reason" in one:
            table.add_row(label, "", "", "", one["reason"])
            continue
        sizes = f"{one['bytes']:,}", f"{one['ratio']:.2f}", f"{one['largest_difference']:.1e}"
        table.add_row(label, *sizes, "; ".join([pairs(one["metrics"]), *one.get("not_measured", [])]))
    return table


def pairs(metrics):
    return ", ".join(f"{name} {value:.4g}" for name, value in metrics.items() if not name.startswith("num_"))


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("presets", nargs="*", help="all that have weights, by default")
    parser.add_argument("--num", type=int, default=500, help="examples that figures are of")
    parser.add_argument("--out", type=Path, help="JSON, to which presets are added one by one")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    names = arguments.presets or [name for name in kerazoo.list_presets() if kerazoo.info(name)["bytes"]]
    console = Console()
    for name in names:
        report = measure_preset(name, arguments.num, Console(stderr=True).print)
        console.print(table_of(name, report))
        if arguments.write:
            preset = find_preset(name)
            write_metadata(preset.folder, {**preset.metadata, "exports": {"litert": report}})
        if arguments.out:
            arguments.out.parent.mkdir(parents=True, exist_ok=True)
            before = json.loads(arguments.out.read_text(encoding="utf-8")) if arguments.out.exists() else {}
            arguments.out.write_text(json.dumps({**before, name: report}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
