"""Conversion of a SavedModel to a LiteRT file, in a separate process, since the converter may crash."""

import json
import re
import sys
from pathlib import Path

import tensorflow as tf

from kerazoo.exporting.litert_flatbuffer import sized_while_running
from kerazoo.utils.litert import read_calls

# Patterns of the converter's errors, the most telling first.
_REASONS = (r"'(tf\.\w+)' op (requires .+?)(?: during|$)", r"(?:TF Select|Custom) (ops: .+)", r"^(?:.*error: )?(.+)")


def convert(folder, signatures, quantization=None, calls=()):
    """Convert signatures of a SavedModel.

    Args:
        folder: str or Path.
        signatures: list of str.
        quantization: a name of `QUANTIZATIONS`. Defaults to None.
        calls: list of (signature, named arrays). Calls to calibrate int8 with: some for every signature, since one
            without any stays in float32.

    Returns:
        bytes. A LiteRT file.
    """
    # Not `from_concrete_functions`, which silently gives NaN where Keras 3 holds the variables.
    converter = tf.lite.TFLiteConverter.from_saved_model(str(folder), signature_keys=signatures)
    QUANTIZATIONS[quantization](converter, calls)
    return converter.convert()


def _float32(converter, calls):
    pass


def _dynamic(converter, calls):
    converter.optimizations = [tf.lite.Optimize.DEFAULT]


def _float16(converter, calls):
    _dynamic(converter, calls)
    converter.target_spec.supported_types = [tf.float16]


def _int8(converter, calls):
    _dynamic(converter, calls)
    converter.representative_dataset = lambda: iter(calls)
    # Operators without an int8 kernel stay in float32.
    converter.target_spec.supported_ops = [tf.lite.OpsSet.TFLITE_BUILTINS_INT8, tf.lite.OpsSet.TFLITE_BUILTINS]


QUANTIZATIONS = {None: _float32, "float16": _float16, "dynamic": _dynamic, "int8": _int8}


def reason_of(error):
    """The most telling line of a converter's error."""
    lines = str(error).strip().splitlines() or [type(error).__name__]
    for pattern in _REASONS:
        for line in lines:
            if match := re.search(pattern, line):
                return " ".join(match.groups())[:200]
    return lines[0][:200]


def answer(out, calls, **arguments):
    """The answer to one request."""
    try:
        data = convert(**arguments, calls=read_calls(calls) if calls else ())
        Path(out).write_bytes(data)
        return {"sized": sized_while_running(data)}
    except OSError as error:
        return {"errno": error.errno, "reason": str(error)}
    except Exception as error:
        return {"reason": reason_of(error)}


def main():
    """Answer each line of the input: JSON of `convert`'s arguments, `calls` as a file, and `out`.

    The answers, JSON too, have `sized` (the signatures that must have fixed sizes, `sized_while_running`); or, where it
    fails, `reason`, and `errno` where a file cannot be written.
    """
    for line in sys.stdin:
        print(json.dumps(answer(**json.loads(line))), flush=True)


if __name__ == "__main__":
    main()
