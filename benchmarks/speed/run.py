"""Training speed against plain Keras, PyTorch and scikit-learn, paired in one run, next to the machine's limit.

    pip install 'kerazoo[bench]'
    python benchmarks/speed/run.py [--cases dcgan wgan_gp ...] [--growth] [--rounds 7] [--out FILE]

Every contender is a process; they take turns, and ratios are taken round by round, since machines change speed within
minutes. kerazoo in bfloat16 is measured against PyTorch in bfloat16, all others against a case's first. Results that
the file already has are kept, except for the cases that are measured anew. `--growth` measures how steps grow with
batch, image and length.
"""

import argparse
import json
import platform
from importlib.metadata import version
from pathlib import Path

from cases import CASES, GROWTH
from contenders import THREADS, call, compare
from startup import measure_startup

import kerazoo

PACKAGES = ("keras", "tensorflow", "torch", "scikit-learn")
RESULTS = Path(__file__).parents[1] / "results" / "speed.json"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--cases", nargs="+", choices=[*CASES, *GROWTH])
    parser.add_argument("--growth", action="store_true")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--turn", type=float, default=1.0, help="seconds of a turn, about")
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    cases = options.cases or (GROWTH if options.growth else CASES)
    report = json.loads(options.out.read_text()) if options.out.exists() else {"cases": {}}
    report |= {
        "processor": _processor(),
        "threads": THREADS,
        "versions": {"kerazoo": kerazoo.__version__, **{name: version(name) for name in PACKAGES}},
        "startup": measure_startup(options.rounds),
        "limits": call("limits", "measure_limits", {}),
    }
    print(f"{report['processor']}, {THREADS} threads; {report['versions']}")
    print(f"Seconds of a process: { {name: round(value, 3) for name, value in report['startup'].items()} }")
    print(f"GFLOP/s at most: {report['limits']}\n")
    for name in cases:
        case = (CASES | GROWTH)[name]
        rows = compare(case.contenders, rounds=options.rounds, turn=options.turn, against=case.against)
        operations = call(*case.operations) / 1e9 if case.operations else None
        report["cases"][name] = {"rounds": options.rounds, "operations": operations, "contenders": rows}
        for contender, row in rows.items():
            row["share_of_limit"] = _share(case, operations, contender, row, report["limits"])
        options.out.parent.mkdir(parents=True, exist_ok=True)
        options.out.write_text(json.dumps(report, indent=2) + "\n")
        _print(name, report["cases"][name])


def _share(case, operations, contender, row, limits):
    """A step's operations at the machine's highest rate, over the time of a step."""
    if operations is None:
        return None
    rate = limits[f"{case.limit} {'bfloat16' if contender.endswith('bfloat16') else 'float32'}"]
    return 1000 * operations / rate / row["milliseconds"]["median"]


def _print(name, result):
    rows, operations = result["contenders"], result["operations"]
    title = name if operations is None else f"{name}: {operations:.1f} GFLOP"
    print(f"| {title} | ms | times as fast | as | of the limit | first step, s | peak memory, MB |")
    print("| --- | --- | --- | --- | --- | --- | --- |")
    for contender, row in rows.items():
        share = "" if row["share_of_limit"] is None else f"{row['share_of_limit']:.0%}"
        figures = [_median(row["milliseconds"], 1), _median(row["ratio"], 2), row["against"], share]
        print(f"| {' | '.join(map(str, [contender, *figures, row['first_step'], row['peak_memory']]))} |")
    print(flush=True)


def _median(spread, digits):
    median, least, most = (f"{spread[key]:.{digits}f}" for key in ("median", "least", "most"))
    return f"{median} ({least} to {most})"


def _processor():
    """The processor's name, where the system tells it."""
    info = Path("/proc/cpuinfo")
    names = [line for line in info.read_text().splitlines() if line.startswith("model name")] if info.exists() else []
    return names[0].partition(":")[2].strip() if names else platform.processor() or platform.machine()


if __name__ == "__main__":
    main()
