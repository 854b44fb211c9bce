"""Other ways to compute two layers of LSTM and their gradient on a CPU, against the one that the zoo has.

    python benchmarks/recurrence_forms.py [--rounds 9] [--steps 4]

At the size of `lstm_char_lm_tiny_shakespeare`: 64 rows, 64 steps, 64 features, 288 units. Every form is checked against
the zoo's layer, its outputs and the gradient of its weights, before it is timed; they take turns, with PyTorch's layer
where that is installed. Below them: what the products alone take that a loop makes step by step.
"""

import argparse
import functools
import json
import os
import statistics
import time
from pathlib import Path

os.environ.setdefault("TF_CPP_MIN_LOG_LEVEL", "3")

import numpy as np
import tensorflow as tf

from kerazoo.layers.recurrence import matmul, recur
from kerazoo.layers.stack import Stack

ROWS, STEPS, FEATURES, UNITS = 64, 64, 64, 288
DTYPES = {"float32": tf.float32, "bfloat16": tf.bfloat16}
RESULTS = Path(__file__).with_name("results") / "recurrence_forms.json"


def equations(sums, c):
    i, f, g, o = tf.split(sums, 4, axis=-1)
    c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
    return tf.sigmoid(o) * tf.tanh(c), c


def array(values=None, dtype=tf.float32, size=STEPS):
    if values is None:
        return tf.TensorArray(dtype, size)
    return tf.TensorArray(values.dtype, values.shape[0]).unstack(values)


def loop(body, *state, turns=STEPS):
    return tf.while_loop(lambda t, *_: t < turns, body, (0, *state), maximum_iterations=turns)[1:]


def zeros():
    return tf.zeros([ROWS, UNITS])


# === The forms: (inputs (steps, rows, features), a layer's kernel, recurrent kernel and bias, dtype) -> outputs ===


def unrolled(x, kernel, recurrent, bias, dtype, several=4):
    """Several steps a turn of the loop."""
    projected = array(tf.reshape(tf.cast(matmul(x, kernel, dtype), dtype), [-1, several, ROWS, 4 * UNITS]))
    recurrent = tf.cast(recurrent, dtype)

    def body(t, h, c, outputs):
        found = []
        for step in tf.unstack(projected.read(t)):
            h, c = equations(tf.cast(step, tf.float32) + recur(h, recurrent) + bias, c)
            found.append(h)
        return t + 1, h, c, outputs.write(t, tf.stack(found))

    turns = STEPS // several
    *_, outputs = loop(body, zeros(), zeros(), array(size=turns), turns=turns)
    return tf.reshape(outputs.stack(), [STEPS, ROWS, UNITS])


def transposed(x, kernel, recurrent, bias, dtype):
    """Units before rows: the kernel is the left factor of the product."""
    projected = array(tf.transpose(tf.cast(matmul(x, kernel, dtype), dtype), [0, 2, 1]))
    recurrent = tf.cast(tf.transpose(recurrent), dtype)

    def body(t, h, c, outputs):
        sums = tf.cast(projected.read(t), tf.float32) + recur_left(recurrent, h) + bias[:, None]
        i, f, g, o = tf.split(sums, 4, axis=0)
        c = tf.sigmoid(f) * c + tf.sigmoid(i) * tf.tanh(g)
        h = tf.sigmoid(o) * tf.tanh(c)
        return t + 1, h, c, outputs.write(t, h)

    start = tf.transpose(zeros())
    *_, outputs = loop(body, start, start, array())
    return tf.transpose(outputs.stack(), [0, 2, 1])


def recur_left(kernel, vector):
    return tf.cast(tf.matmul(kernel, tf.cast(vector, kernel.dtype)), tf.float32)


def closed(x, kernel, recurrent, bias, dtype):
    """The gradient written out: a loop for the states', and one product over all steps for the kernel's."""
    return _closed(tf.cast(matmul(x, kernel, dtype), dtype), tf.convert_to_tensor(recurrent), bias, dtype)


def _closed(projected, recurrent, bias, dtype):
    @tf.custom_gradient
    def run(projected, recurrent, bias):
        cast, steps = tf.cast(recurrent, dtype), array(projected)

        def body(t, h, c, *kept):
            sums = tf.cast(steps.read(t), tf.float32) + recur(h, cast) + bias
            i, f, g, o = tf.split(sums, 4, axis=-1)
            gates = tf.concat([tf.sigmoid(i), tf.sigmoid(f), tf.tanh(g), tf.sigmoid(o)], axis=-1)
            i, f, g, o = tf.split(gates, 4, axis=-1)
            before, c = c, f * c + i * g
            squashed = tf.tanh(c)
            h = o * squashed
            new = (h, tf.cast(gates, dtype), before, squashed)
            return t + 1, h, c, *(one.write(t, value) for one, value in zip(kept, new, strict=True))

        kept = loop(body, zeros(), zeros(), array(), array(dtype=dtype), array(), array())[2:]
        outputs, gates, before, squashed = (one.stack() for one in kept)

        def gradient(of_outputs):
            given = [array(values) for values in (of_outputs, gates, before, squashed)]

            def back(t, of_h, of_c, of_sums):
                of_output, acts, c, tanh_c = (one.read(STEPS - 1 - t) for one in given)
                i, f, g, o = tf.split(tf.cast(acts, tf.float32), 4, axis=-1)
                of_h += of_output
                of_c += of_h * o * (1 - tanh_c**2)
                parts = [of_c * g * i * (1 - i), of_c * c * f * (1 - f), of_c * i * (1 - g**2)]
                slope = tf.cast(tf.concat([*parts, of_h * tanh_c * o * (1 - o)], axis=-1), dtype)
                below = tf.cast(tf.matmul(slope, cast, transpose_b=True), tf.float32)
                return t + 1, below, of_c * f, of_sums.write(STEPS - 1 - t, slope)

            of_sums = loop(back, zeros(), zeros(), array(dtype=dtype))[2].stack()
            flat = tf.reshape(of_sums, [-1, 4 * UNITS])
            states = tf.reshape(tf.pad(outputs, [[1, 0], [0, 0], [0, 0]])[:-1], [-1, UNITS])
            of_recurrent = tf.cast(tf.matmul(tf.cast(states, dtype), flat, transpose_a=True), tf.float32)
            return of_sums, of_recurrent, tf.reduce_sum(tf.cast(flat, tf.float32), axis=0)

        return outputs, gradient

    return run(projected, recurrent, bias)


def one_by_one(layer, x, weights, dtype):
    for kernel, recurrent, bias in weights:
        x = layer(x, kernel, recurrent, bias, dtype)
    return x


def wavefront(x, weights, dtype):
    """Both layers in one loop, the upper one a step behind, so that their products do not wait for each other."""
    (kernel, recurrent, bias), (above, recurrent_above, bias_above) = weights
    projected = tf.cast(matmul(x, kernel, dtype), dtype)
    steps = array(tf.concat([projected, tf.zeros_like(projected[:1])], axis=0))
    lower, upper = tf.cast(recurrent, dtype), tf.cast(tf.concat([above, recurrent_above], axis=0), dtype)

    def body(t, h, c, h_above, c_above, outputs):
        both = recur(tf.concat([h, h_above], axis=-1), upper) + bias_above
        new = equations(tf.cast(steps.read(t), tf.float32) + recur(h, lower) + bias, c)
        h_above, c_above = (tf.where(t > 0, after, 0.0) for after in equations(both, c_above))
        return t + 1, *new, h_above, c_above, outputs.write(t, h_above)

    *_, outputs = loop(body, zeros(), zeros(), zeros(), zeros(), array(size=STEPS + 1), turns=STEPS + 1)
    return outputs.stack()[1:]


FORMS = {
    "four steps a turn": functools.partial(one_by_one, unrolled),
    "transposed": functools.partial(one_by_one, transposed),
    "gradient in closed form": functools.partial(one_by_one, closed),
    "both layers in a wavefront": wavefront,
}


# === Measuring ===


def contenders(dtype):
    """Callables that compute outputs and gradients in a precision, the zoo's first."""
    stack = Stack("lstm", UNITS, 2, dtype="float32" if dtype == tf.float32 else "mixed_bfloat16")
    inputs = tf.constant(np.random.default_rng(0).normal(size=(ROWS, STEPS, FEATURES)).astype("float32"))
    stack(inputs, stack.zero_state(ROWS))
    weights = [[weight.value for weight in (cell.kernel, cell.recurrent_kernel, cell.bias)] for cell in stack.cells]

    def forward(form):
        # Time before rows is what loops take; the zoo's own is written for users, rows first.
        return tf.transpose(form(tf.transpose(inputs, [1, 0, 2]), weights, dtype), [1, 0, 2])

    def step(outputs_of, **options):
        @tf.function(**options)
        def run():
            with tf.GradientTape() as tape:
                outputs = outputs_of()
                loss = tf.reduce_mean(outputs**2)
            return outputs, tape.gradient(loss, [weight for layer in weights for weight in layer])

        return run

    def zoo():
        return stack(inputs, stack.zero_state(ROWS))[0]

    found = {"kerazoo": step(zoo), "kerazoo, by XLA": step(zoo, jit_compile=True)}
    return found | {name: step(functools.partial(forward, form)) for name, form in FORMS.items()}


def check(found, dtype):
    """Every form computes what the zoo's layer computes."""
    wanted = tf.nest.flatten(found["kerazoo"]())
    share = 1e-4 if dtype == tf.float32 else 0.03
    for name, run in found.items():
        for values, right in zip(tf.nest.flatten(run()), wanted, strict=True):
            np.testing.assert_allclose(values, right, atol=share * np.abs(right).max(), err_msg=name)


def products(dtype):
    """The three products of a step, as often as two layers make them, each with a factor that is new each time."""
    h, sums, kernel = (
        tf.cast(tf.random.stateless_normal(shape, [0, 0]), dtype)
        for shape in ((ROWS, UNITS), (ROWS, 4 * UNITS), (UNITS, 4 * UNITS))
    )
    kinds = {
        "forward": lambda zero: tf.matmul(h + zero, kernel),
        "of the state": lambda zero: tf.matmul(sums + zero, kernel, transpose_b=True),
        "of the kernel": lambda zero: tf.matmul(h + zero, sums, transpose_a=True),
    }

    def repeated(product):
        def body(t, total):
            return t + 1, total + tf.cast(product(tf.cast(0 * total, dtype))[0, 0], tf.float32)

        return tf.function(lambda: loop(body, 0.0, turns=2 * STEPS))

    return {name: repeated(product) for name, product in kinds.items()}


def torch_layers():
    """PyTorch's layers, where it is installed."""
    try:
        import torch
    except ImportError:
        return {}
    layers, inputs = torch.nn.LSTM(FEATURES, UNITS, 2, batch_first=True), torch.randn(ROWS, STEPS, FEATURES)

    def run(lower):
        layers.zero_grad()
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=lower):
            outputs, _ = layers(inputs)
        (outputs.float() ** 2).mean().backward()

    return {"float32": lambda: run(False), "bfloat16": lambda: run(True)}


def medians(found, rounds, steps):
    """Milliseconds a call, of contenders that take turns."""
    times = {name: [] for name in found}
    for number in range(rounds + 1):  # the first round is not counted
        for name, run in found.items():
            began = time.perf_counter()
            for _ in range(steps):
                run()
            times[name] += [1000 * (time.perf_counter() - began) / steps] if number else []
    return {name: round(statistics.median(values), 1) for name, values in times.items()}


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--steps", type=int, default=4)
    parser.add_argument("--out", type=Path, default=RESULTS)
    options = parser.parse_args()
    peers, report = torch_layers(), {}
    for name, dtype in DTYPES.items():
        found = contenders(dtype)
        check(found, dtype)
        found |= {"PyTorch": peers[name]} if peers else {}
        report[name] = {
            "forms": medians(found, options.rounds, options.steps),
            "products": medians(products(dtype), options.rounds, options.steps),
        }
        print(f"| {name} | ms |\n| --- | --- |")
        for form, value in report[name]["forms"].items():
            print(f"| {form} | {value} |")
        print(f"products of all steps, one by one: {report[name]['products']}\n", flush=True)
    options.out.write_text(json.dumps(report, indent=2) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
