"""Texts that are generated from presets: each preset's `card.md`, and the table of models in the README."""

import datetime
from fnmatch import fnmatch

from kerazoo.base.arguments import shorten
from kerazoo.base.registry import built_in, index, model_class, unknown_name
from kerazoo.presets.export_report import export_lines
from kerazoo.presets.metadata import write_metadata
from kerazoo.presets.preset import CARD, find_preset, presets_of, read_preset, shipped_presets
from kerazoo.utils.errors import PresetError, UnknownNameError
from kerazoo.utils.files import new_file

LINES_OF_TEXT = 12
NOT_TRAINED = "none yet"  # the weights of a preset that waits for them
HEADER = ("architecture", "preset", "what it is", "parameters", "weights")


def model_rows(pattern="*"):
    """The rows of `kerazoo list`: a header, then one row a preset, without importing TensorFlow.

    Args:
        pattern: str. Of the names of architectures, of presets or of families (`gans`); `*` and `?` stand for anything.
            Defaults to `"*"`.

    Returns:
        list[tuple[str, ...]].

    Raises:
        UnknownNameError: nothing has such a name.
    """
    rows = [HEADER]
    for architecture, module in index().items():
        family = module.split(".")[-2] if architecture in built_in() else ""
        found = [row for row in _rows_of(architecture) if any(fnmatch(n, pattern) for n in (*row[:2], family))]
        rows += found
    if len(rows) == 1 and pattern != "*":
        raise UnknownNameError(unknown_name("model", pattern, [*index(), *shipped_presets()]))
    return rows


def _rows_of(architecture):
    rows = []
    if architecture not in built_in() and not presets_of(architecture):
        return [(architecture, "-", "of your own, without a preset", "-", NOT_TRAINED)]
    for preset in presets_of(architecture):
        weights = preset.metadata.get("weights", {})
        parameters = weights.get("parameters", {}).get("total")
        count = f"{parameters:,}" if parameters else "-"
        size = f"{weights['bytes'] / 1e6:.1f} MB" if weights else NOT_TRAINED
        rows.append((architecture, preset.name, preset.config.summary, count, size))
    return rows


def models_table():
    """The README's table of models that are published, in Markdown."""
    header, *rows = (row for row in model_rows() if row[-1] != NOT_TRAINED)
    lines = [header, ["---"] * len(header), *rows]
    return "\n".join("| " + " | ".join(line) + " |" for line in lines)


BEGIN, END = "<!-- models: begin", "<!-- models: end -->"  # of the table in the README


def update_readme(checkout):
    """Make the table of models in a checkout's README anew, between its markers.

    Args:
        checkout: Path. The folder with `README.md`.

    Returns:
        Path or None. The file; None where there is none with the markers.
    """
    readme = checkout / "README.md"
    text = readme.read_text(encoding="utf-8") if readme.is_file() else ""
    before, begin, rest = text.partition(BEGIN)
    marker, end, after = rest.partition(END)
    if not begin or not end:
        return None
    marker = marker.splitlines()[0]
    with new_file(readme, overwrite=True) as temporary:
        temporary.write_text(f"{before}{BEGIN}{marker}\n\n{models_table()}\n\n{END}{after}", encoding="utf-8")
    return readme


def record_evaluation(name, report):
    """Write figures into a preset's `metrics.json` and make its `card.md` anew.

    Args:
        name: str or Path. The preset, as for `kerazoo.load`.
        report: dict. What `evaluate_preset` returned.

    Returns:
        Path. The card.
    """
    preset = find_preset(name)
    if preset.standing and preset.standing.checkpoint:
        raise PresetError(f"{name}: the run is not finished; figures are written into presets of finished runs")
    date = report.get("date") or datetime.date.today().isoformat()
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
