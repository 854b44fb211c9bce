"""Presets as LiteRT files, in every quantisation: bytes, differences from Keras, and the figures of their tasks.

    python benchmarks/exports.py [PRESET ...] [--num 500] [--out exports.json] [--write]

The figures are measured through the written file (`run_exported`) and through Keras, on the same examples. Figures of
signatures that a file does not have are left out, with the reason. `--write` puts those of a preset into its
`metrics.json`, section `exports`, and on its card; `kerazoo publish` does this for a new preset.
"""

import argparse
import json
from pathlib import Path

from rich.console import Console
from rich.table import Table

import kerazoo
from kerazoo.presets.cards import write_card
from kerazoo.presets.metadata import write_metadata
from kerazoo.presets.preset import find_preset
from kerazoo.training.export_figures import NUM, QUANTIZATIONS, measure_exports


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
    parser.add_argument("--num", type=int, default=NUM, help="examples that figures are of")
    parser.add_argument("--out", type=Path, help="JSON, to which presets are added one by one")
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    names = arguments.presets or [name for name in kerazoo.list_presets() if kerazoo.info(name)["bytes"]]
    console = Console()
    for name in names:
        report = measure_exports(name, arguments.num, Console(stderr=True).print)
        console.print(table_of(name, report))
        if arguments.write:
            preset = find_preset(name)
            write_metadata(preset.folder, {**preset.metadata, "exports": {"litert": report}})
            write_card(preset.folder)
        if arguments.out:
            arguments.out.parent.mkdir(parents=True, exist_ok=True)
            before = json.loads(arguments.out.read_text(encoding="utf-8")) if arguments.out.exists() else {}
            arguments.out.write_text(json.dumps({**before, name: report}, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
