"""Figures of a preset's LiteRT files: bytes, differences, and its task's own figures through each file.

They are measured through the written file (`run_exported`) and through Keras, on the same examples. Figures of
signatures that a file does not have are left out, with the reason.
"""

from pathlib import Path
from types import SimpleNamespace

import numpy as np

from kerazoo.data.text import texts_of
from kerazoo.exporting import export_litert
from kerazoo.exporting.litert_verbs import run_exported
from kerazoo.presets.config import with_options
from kerazoo.presets.loading import load
from kerazoo.presets.preset import find_preset
from kerazoo.tasks import Data, task_module, text_generation
from kerazoo.tasks.word_generation import leading_texts
from kerazoo.utils.errors import DataError, ExportError
from kerazoo.utils.files import temporary_folder
from kerazoo.utils.images import as_float_array

QUANTIZATIONS = {"float32": None, "float16": "float16", "dynamic": "dynamic", "int8": "int8"}
NUM = 500  # examples that figures are of
STREAMS = 50  # parts of a text that are read side by side


def _task_figures(model, data, settings):
    return task_module(model.task).evaluate(model, data, settings)


def _generator_figures(model, data, settings):
    """Of generated examples alone: files have neither a critic's gradient, nor is its network a classifier."""
    return task_module(model.task).evaluate(SimpleNamespace(generate=model.generate), data, settings)


def _reconstruction_figures(model, data, settings):
    images = _held_out(data, settings)
    return {"reconstruction_l1": float(np.abs(model.reconstruct(images) - as_float_array(images)).mean())}


def _energy_figures(model, data, settings):
    """The log-likelihood would need the partition function of the quantised weights."""
    energies = model.free_energy(_held_out(data, settings), seed=settings.seed)
    return {"free_energy": float(energies.mean(dtype="float64"))}


def _step_figures(model, data, settings):
    """Bits a character, step by step with the state carried, of as many characters of the split as `score` is told."""
    nats, num_steps = _nats_by_steps(model, model.stream_of(texts_of(data.open(settings.split))), settings.num)
    return {"bits_per_character_by_steps": nats / np.log(2), "num_steps": num_steps}


def _word_step_figures(model, data, settings):
    """Perplexity, step by step as above, of the texts that `score` is told."""
    _, ids = leading_texts(model, data.open(settings.split), settings.num * STREAMS)
    nats, num_steps = _nats_by_steps(model, ids, settings.num)
    return {"perplexity_by_steps": float(np.exp(nats)), "num_steps": num_steps}


def _nats_by_steps(model, tokens, num):
    """What a token costs, read in parts side by side that carry the state, and how many steps these have."""
    steps = min(num, len(tokens) // STREAMS)
    if steps < 2:
        raise ExportError(f"{len(tokens)} tokens are too few to read them in {STREAMS} parts step by step")
    tokens = np.asarray(tokens[: STREAMS * steps], "int32").reshape(STREAMS, steps)
    state, nats = model.zero_state(STREAMS).numpy(), 0.0
    for now, following in zip(tokens.T, tokens.T[1:], strict=False):
        logits, state = model.calls(model.next_logits, now, state)
        logits = logits - logits.max(axis=1, keepdims=True)
        nats += float((np.log(np.exp(logits).sum(axis=1)) - logits[np.arange(STREAMS), following]).mean())
    return nats / (steps - 1), steps - 1


def _held_out(data, settings):
    source = data.open(settings.split)
    return source.sample(min(settings.num, len(source)), seed=settings.seed)["image"]


# What is measured of a task: each part on its own, since a file may lack what one of them needs.
FIGURES = {
    "image-generation": (_generator_figures,),
    "point-generation": (_generator_figures,),
    "image-autoencoding": (_task_figures, _reconstruction_figures),
    "density-estimation": (_energy_figures, _reconstruction_figures),
    "text-generation": (text_generation.likelihood, _step_figures),
    "word-generation": (_task_figures, _word_step_figures),
}


def _measure(model, data, settings):
    """(metrics, reasons why some are missing)."""
    metrics, reasons = {}, []
    for figures in FIGURES.get(model.task, (_task_figures,)):
        try:
            found = figures(model, data, settings)
        except ExportError as error:
            reasons.append(str(error).split(" has ", 1)[-1])
            continue
        metrics |= {name: value for name, value in found.items() if isinstance(value, (int, float))}
    return metrics, reasons


def measure_exports(name, num=NUM, say=lambda line: None):
    """Export a preset as LiteRT files in every quantisation and measure its task's figures through each file.

    Args:
        name: str or Path. As for `kerazoo.load`.
        num: int. Examples that figures are of. Defaults to 500.
        say: callable. Told of each file in one line before it is made. Defaults to silence.

    Returns:
        dict. What stands in `metrics.json` under `exports`, `litert`: `keras` and each quantisation with its `metrics`;
        also `bytes`, `ratio` to float32, `largest_difference`; or the `reason` why there is no such file.

    Raises:
        PresetError, DataError: no weights, or data that cannot be opened.
    """
    settings = with_options(find_preset(name).config, "evaluation", {"num": num}).evaluation
    model = load(name)
    data = Data(settings.data, model.image_shape)
    about = {
        "headlines": task_module(model.task).HEADLINES,
        **{key: getattr(settings, key) for key in ("data", "split", "num", "seed")},
    }
    report = {**about, "keras": {"metrics": _measure(model, data, settings)[0]}}
    with temporary_folder() as folder:
        for label, quantization in QUANTIZATIONS.items():
            say(f"{model.preset}: LiteRT, {label}")
            path = Path(folder, f"{label}.tflite")
            try:
                metadata = export_litert(model, path, quantization=quantization)
            except (DataError, ExportError) as error:  # too few data to calibrate int8, say
                report[label] = {"reason": str(error)}
                continue
            with run_exported(model, path, num_threads=2):
                metrics, reasons = _measure(model, data, settings)
            report[label] = {
                "bytes": metadata["bytes"],
                "ratio": metadata["bytes"] / report.get("float32", {}).get("bytes", metadata["bytes"]),
                "largest_difference": max(metadata["differences"].values()),
                "differences": metadata["differences"],
                "batch": {signature: one["batch"] for signature, one in metadata["signatures"].items()},
                "left_out": metadata["left_out"],
                "calibration": metadata["calibration"],
                "metrics": metrics,
                **({"not_measured": reasons} if reasons else {}),
            }
    return report
