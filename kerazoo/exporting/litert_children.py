"""Steps of an export in separate processes: a crash there becomes one line here."""

import contextlib
import json
import os
import signal
import subprocess
import sys
import tempfile
from pathlib import Path

import kerazoo

# The converter and the interpreter run on the CPU: a GPU is left alone.
QUIET = {"TF_CPP_MIN_LOG_LEVEL": "3", "CUDA_VISIBLE_DEVICES": "-1"}


def start_child(module, *arguments, **pipes):
    """Start `main()` of a module, by its full name, in a new Python that finds `arguments` in `sys.argv`."""
    path = os.pathsep.join([str(Path(kerazoo.__file__).parents[1]), *filter(None, [os.environ.get("PYTHONPATH")])])
    command = [sys.executable, "-c", f"from {module} import main; main()", *map(str, arguments)]
    environment = {**os.environ, **QUIET, "PYTHONPATH": path}
    return subprocess.Popen(command, env=environment, text=True, errors="replace", **pipes)


def run_child(module, *arguments):
    """Run a module to its end.

    Returns:
        (str or None, list of str). Why it failed, None where it did not; and the lines that it printed.
    """
    with start_child(module, *arguments, stdout=subprocess.PIPE, stderr=subprocess.PIPE) as process:
        try:
            out, errors = process.communicate()
        except BaseException:
            process.kill()
            raise
    return _reason(process.returncode, errors) if process.returncode else None, out.splitlines()


class Child:
    """A module that answers each line of JSON on its input with another, started on first use and again after a crash.

    Args:
        module: str. Its full name.

    Example:
        >>> with Child("kerazoo.exporting.litert_convert") as converter:
        ...     outcome = converter.ask(request)
    """

    def __init__(self, module):
        self.module = module
        self._process, self._stack = None, contextlib.ExitStack()

    def __enter__(self):
        self._errors = self._stack.enter_context(tempfile.TemporaryFile("w+", errors="replace"))
        return self

    def __exit__(self, *_):
        if self._process is not None:
            self._process.kill()
            self._process.communicate()
        self._stack.close()

    def ask(self, request):
        """The answer, a dict; `{"reason": why}` where the module crashes over it."""
        if self._process is None:
            pipes = {"stdin": subprocess.PIPE, "stdout": subprocess.PIPE, "stderr": self._errors}
            self._process = start_child(self.module, **pipes)
        with contextlib.suppress(BrokenPipeError):  # if it has ended, there is nothing to read
            print(json.dumps(request), file=self._process.stdin, flush=True)
        for line in self._process.stdout:
            if line.startswith("{"):  # and not a library's output
                return json.loads(line)
        self._process.communicate()
        status, self._process = self._process.returncode, None
        self._errors.seek(0)
        return {"reason": _reason(status, self._errors.read())}


def _reason(status, errors):
    if status < 0:
        return f"it crashed ({signal.strsignal(-status) or f'signal {-status}'})"
    return (errors.strip().splitlines() or ["it ended without a word"])[-1]
