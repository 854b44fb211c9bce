"""Time to start: seconds of whole processes, in turns."""

import statistics
import subprocess
import sys
import time

COMMANDS = {
    "python -c pass": ["-c", "pass"],
    "import kerazoo": ["-c", "import kerazoo"],
    "kerazoo --help": ["-m", "kerazoo.cli", "--help"],
    "kerazoo list": ["-m", "kerazoo.cli", "list"],
    "import keras": ["-c", "import keras"],
}


def measure_startup(rounds):
    """name -> median seconds."""
    times = {name: [] for name in COMMANDS}
    for _ in range(rounds):
        for name, command in COMMANDS.items():
            began = time.perf_counter()
            subprocess.run([sys.executable, *command], check=True, capture_output=True)
            times[name].append(time.perf_counter() - began)
    return {name: statistics.median(values) for name, values in times.items()}
