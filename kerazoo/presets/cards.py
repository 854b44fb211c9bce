"""What is generated from presets: each preset's `card.md`, and the table of models in the README."""

import datetime

from kerazoo.base.arguments import shorten
from kerazoo.base.registry import index, model_class
from kerazoo.presets.export_report import export_lines
from kerazoo.presets.metadata import write_metadata
from kerazoo.presets.preset import CARD, find_preset, presets_of, read_preset
from kerazoo.utils.files import new_file

LINES_OF_TEXT = 12
HEADER = ("architecture", "preset", "what it is", "parameters", "weights")


def model_rows():
    """The rows of `kerazoo list`: a header, then one row a preset, without importing TensorFlow.

    Returns:
        list[tuple[str, ...]].
    """
    rows = [HEADER]
    for architecture in index():
        for preset in presets_of(architecture):
            weights = preset.metadata.get("weights", {})
            parameters = weights.get("parameters", {}).get("total")
            count = f"{parameters:,}" if parameters else "-"
            size = f"{weights['bytes'] / 1e6:.1f} MB" if weights else "none yet"
            rows.append((architecture, preset.name, preset.config.summary, count, size))
    return rows


def models_table():
    """The README's table of models, in Markdown."""
    header, *rows = model_rows()
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


def record_evaluation(name, report):
    """Write figures into a preset's `metrics.json` and make its `card.md` anew.

    Args:
        name: str or Path. The preset, as for `kerazoo.load`.
        report: dict. What `evaluate_preset` returned.

    Returns:
        Path. The card.
    """
    preset = find_preset(name)
    date = datetime.date.today().isoformat()
    write_metadata(preset.folder, {**preset.metadata, "evaluation": {**report, "date": date}})
    return write_card(preset.folder)


def write_card(folder):
    """Write `card.md` of a preset folder from its configuration and metrics; returns its path."""
    card = folder / CARD
    with new_file(card, overwrite=True) as temporary:
        temporary.write_text(render_card(read_preset(folder)), encoding="utf-8")
    return card


def render_card(preset):
    """The text of a preset's card."""
    config, cls = preset.config, model_class(preset.config.architecture)
    weights, training = preset.metadata.get("weights", {}), preset.metadata.get("training", {})
    evaluation = preset.metadata.get("evaluation", {})
    parameters = weights.get("parameters", {})
    lines = [f"# {preset.name}", "", f"{config.summary.removesuffix('.')}.", ""]
    lines += _samples(preset.folder)
    lines += [f"- Architecture: `{config.architecture}`; {cls.paper}"]
    lines += [f"- Model: {_pairs(config.model) or 'the defaults of its class'}"]
    if parameters:
        lines += [f"- Parameters: {parameters['total']:,} ({parameters['trainable']:,} trainable)"]
        lines += [f"- Weights: {weights['bytes']:,} bytes, {weights['dtype']}, sha256 `{weights['sha256']}`"]
    if training:
        versions = ", ".join(f"{package} {version}" for package, version in training["versions"].items())
        lines += [
            "",
            "## Training",
            "",
            f"- Command: `{training['command']}`" if training.get("command") else "- Trained from Python",
            f"- Data: {training['data']}",
            f"- {training['steps']:,} steps of {training['batch_size']}, seed {training['seed']}, "
            f"{training['precision']}, {training['seconds'] / 60:.0f} minutes on "
            f"{training['devices']}, {training['date']}",
            f"- Last epoch: {_pairs(training['losses'])}",
            f"- Versions: {versions}",
        ]
    if evaluation:
        options = " ".join(f"--{key} {evaluation[key]}" for key in ("data", "num", "seed"))
        lines += ["", "## Figures", "", f"`kerazoo evaluate {preset.name} {options}`, {_measured_on(evaluation)}:", ""]
        lines += ["| metric | value |", "| --- | --- |"]
        lines += [f"| {name} | {_number(value)} |" for name, value in evaluation["metrics"].items()]
    if exports := preset.metadata.get("exports", {}).get("litert"):
        lines += export_lines(preset.name, exports)
    if config.notes:
        lines += ["", "## Notes", "", *[f"- {note}" for note in config.notes]]
    return "\n".join(lines) + "\n"


def _samples(folder):
    """The picture of a preset's samples, and the beginning of their text."""
    picture, text = folder / "samples.png", folder / "samples.txt"
    lines = ["![samples](samples.png)", ""] if picture.exists() else []
    if text.exists():
        beginning = text.read_text(encoding="utf-8").splitlines()[:LINES_OF_TEXT]
        lines += ["```", *beginning, "```", ""]
    return lines


def _measured_on(evaluation):
    extractor = f", features of {evaluation['extractor']}" if "extractor" in evaluation else ""
    return f"split {evaluation['split']}{extractor}, {evaluation['date']}"


def _pairs(values):
    return ", ".join(f"{key} {_number(shorten(value))}" for key, value in values.items())


def _number(value):
    return f"{value:.4f}" if isinstance(value, float) else str(value)
