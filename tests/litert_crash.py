"""A converter that crashes on one signature, as TensorFlow's does on some; `test_litert_failures.py` runs it."""

import json
import os
import signal
import sys

CRASHES_AT = "features"


def main():
    for line in sys.stdin:
        request = json.loads(line)
        if CRASHES_AT in request["signatures"]:
            os.kill(os.getpid(), signal.SIGSEGV)
        from kerazoo.exporting import litert_convert  # with TensorFlow: not for a crash

        print(json.dumps(litert_convert.answer(**request)), flush=True)
