"""Contenders of a benchmark, each in a separate process, that take turns on one machine.

A process holds one contender, so its peak memory and its first step are its own, and it waits idle while another runs.
"""

import importlib
import multiprocessing
import os
import resource
import statistics
import time

THREADS = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()


class Contender:
    """A process in which `module.function(**arguments)` has made a callable `run(steps)`."""

    def __init__(self, module, function, **arguments):
        context = multiprocessing.get_context("spawn")
        self.pipe, other = context.Pipe()
        self.process = context.Process(target=_serve, args=(other, module, function, arguments), daemon=True)
        self.process.start()
        self.first = self._read()  # seconds from the first import to the end of the first step

    def seconds(self, steps):
        """Seconds per step, over `steps` steps."""
        self.pipe.send(steps)
        return self._read() / steps

    def steps_of(self, turn):
        """The number of steps that take about `turn` seconds; from 10 on in tens, as some contenders run them."""
        steps = 1
        while (spent := steps * self.seconds(steps)) < turn / 2:
            steps = int(steps * min(10, turn / spent)) + 1
        return steps if steps < 10 else steps // 10 * 10

    def close(self):
        """End the process; returns its peak memory in MB."""
        self.pipe.send(None)
        memory = self._read()
        self.process.join()
        return memory

    def _read(self):
        answer = self.pipe.recv()
        if isinstance(answer, str):
            raise RuntimeError(answer)
        return answer


def _serve(pipe, module, function, arguments):
    # Idle threads must sleep, not spin: they would take the cores from the contender whose turn it is.
    os.environ.update({"OMP_WAIT_POLICY": "PASSIVE", "OMP_NUM_THREADS": str(THREADS), "TF_CPP_MIN_LOG_LEVEL": "3"})
    try:
        began = time.perf_counter()
        run = getattr(importlib.import_module(module), function)(**arguments)
        run(1)
        pipe.send(time.perf_counter() - began)
        run(3)
        while (steps := pipe.recv()) is not None:
            began = time.perf_counter()
            run(steps)
            pipe.send(time.perf_counter() - began)
        pipe.send(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024)
    except Exception as error:
        pipe.send(f"{module}.{function}: {type(error).__name__}: {error}")


def compare(contenders, *, rounds, turn, against):
    """Let contenders take turns.

    Args:
        contenders: dict[str, tuple]. Name -> (module, function, arguments).
        rounds: int. Turns of each, in alternating order.
        turn: float. Seconds that a turn should take, about.
        against: dict[str, str]. Name -> the contender that it is measured against. Those that are not in it are
            measured against the first.

    Returns:
        dict. Name -> `milliseconds` a step and `ratio`, how many times as fast as the contender `against`, round by
        round (median, least and most of each); `first_step` in seconds with imports and compilation; `peak_memory` in
        MB.
    """
    running = {
        name: Contender(module, function, **arguments) for name, (module, function, arguments) in contenders.items()
    }
    steps = {name: one.steps_of(turn) for name, one in running.items()}
    times = {name: [] for name in running}
    for number in range(rounds):
        for name in list(running)[:: 1 if number % 2 == 0 else -1]:
            times[name].append(running[name].seconds(steps[name]))
    first = next(iter(times))
    return {
        name: {
            "milliseconds": _spread([1000 * value for value in values]),
            "against": (peer := against.get(name, first)),
            "ratio": _spread([a / b for a, b in zip(times[peer], values, strict=True)]),
            "first_step": round(running[name].first, 2),
            "peak_memory": round(running[name].close()),
        }
        for name, values in times.items()
    }


def call(module, function, arguments):
    """The result of `module.function(**arguments)`, computed in a separate process."""
    with multiprocessing.get_context("spawn").Pool(1) as pool:
        return pool.apply(_call, (module, function, arguments))


def _call(module, function, arguments):
    os.environ["TF_CPP_MIN_LOG_LEVEL"] = "3"
    return getattr(importlib.import_module(module), function)(**arguments)


def _spread(values):
    return {"median": statistics.median(values), "least": min(values), "most": max(values)}
