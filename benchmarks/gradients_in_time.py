"""How gradients vanish and explode in time: |dh_T / d state_t| of every kind of cell against the spectral radius.

    python benchmarks/gradients_in_time.py [--steps 50] [--units 32] [--seeds 0 1 2]

A cell reads small random inputs; its recurrent matrices begin orthogonal, times a radius, and its biases as it sets
them. The Jacobian of the last output with respect to the whole state t steps before is a product of those of single
steps, and its largest singular value is averaged (as a logarithm) over eight sequences and all seeds. Beside it: the
error of that product against central differences in double precision, of the network without gates; and what a training
of it from a radius of 1.5 comes to, with the gradient's norm clipped and not.
"""

import argparse
import json
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import kerazoo
from kerazoo.data import open_source
from kerazoo.layers.gru import GRUCell
from kerazoo.layers.lstm import LSTM
from kerazoo.layers.rnn import RNN
from kerazoo.tasks.plots import line_plot

ROWS, FEATURES, RADII = 8, 4, (0.5, 0.9, 1.5, 3.0)
CELLS = {
    "RNN": RNN,
    "LSTM, forget bias 0": lambda units: LSTM(units, forget_bias=0.0),
    "LSTM, forget bias 1": LSTM,
    "GRU": GRUCell,
}
DRAWN = (0.9, 3.0)  # radii in the picture
# Steps back in the table.
SHOWN = (1, 10, 25, 50)
RADIUS, LENGTH, RATE, UPDATES, CLIP = 1.5, 30, 0.05, 400, 1.0
RESULTS = Path(__file__).with_name("results") / "gradients_in_time.json"


def built(name, units, radius, seed):
    """A fresh cell whose recurrent matrices, orthogonal at the start, are multiplied by a radius."""
    keras.utils.set_random_seed(seed)
    cell = CELLS[name](units)
    cell.build((None, None, FEATURES))
    for weight in cell.weights:
        if weight.name.startswith("recurrent") and len(weight.shape) == 2:
            blocks = np.split(weight.numpy(), weight.shape[1] // units, axis=1)
            weight.assign(radius * np.concatenate([np.linalg.qr(block)[0] for block in blocks], axis=1))
    return cell


def inputs_of(steps, seed):
    """Normal inputs, small ones: the recurrent matrices shall decide, and not how far inputs saturate the units."""
    return 0.1 * np.random.default_rng(seed).standard_normal((ROWS, steps, FEATURES)).astype("float32")


def norms(cell, steps, seed):
    """Natural logarithms of the largest singular value of dh_T / d state_t, for T - t = 1 to `steps`."""
    x = inputs_of(steps, seed)
    projected, jacobians = cell.project(tf.constant(x)), []

    @tf.function
    def one(inputs, joined):
        with tf.GradientTape() as tape:
            tape.watch(joined)
            after = tf.concat(cell.step(inputs, tuple(tf.split(joined, len(cell.state_names), axis=1)))[1], axis=1)
        return after, tape.batch_jacobian(after, joined)

    joined = tf.concat(cell.zero_state(ROWS), axis=1)
    for time in range(steps):
        joined, jacobian = one(projected[:, time], joined)
        jacobians.append(jacobian.numpy().astype("float64"))
    product, found = np.eye(joined.shape[1])[: cell.units], []
    for jacobian in reversed(jacobians):
        product = product @ jacobian
        found.append(np.log(np.maximum(np.linalg.norm(product, 2, axis=(1, 2)), 1e-300)).mean())
    return np.array(found), product


def numeric_error(units, steps=10, epsilon=1e-5):
    """The largest relative difference of dh_T / dh_0 of an RNN from central differences of a NumPy loop in float64."""
    cell = built("RNN", units, 0.9, 0)
    _, product = norms(cell, steps, 0)
    x = inputs_of(steps, 0).astype("float64")
    w, u, b = (weight.numpy().astype("float64") for weight in (cell.kernel, cell.recurrent_kernel, cell.bias))

    def last(h):
        for time in range(steps):
            h = np.tanh(x[:, time] @ w + h @ u + b)
        return h

    moves = epsilon * np.eye(units)
    numeric = np.stack([(last(move) - last(-move)) / (2 * epsilon) for move in moves], axis=2)
    return float(np.abs(product - numeric).max() / np.abs(numeric).max())


def trained(clip_norm, seed):
    """A network without gates that begins at the radius, after some steps of gradient descent on the adding problem."""
    source = open_source(f"adding:{LENGTH},num=10000")
    keras.utils.set_random_seed(seed)
    model = kerazoo.create(
        "rnn", num_features=2, predicts="numbers", num_outputs=1, every_step=False, units=64, clip_norm=clip_norm
    )
    (cell,) = model.stack.cells
    cell.recurrent_kernel.assign(RADIUS * cell.recurrent_kernel.numpy())
    model.compile({"network": keras.optimizers.SGD(RATE)}, seed=seed)
    history = model.fit(source, batch_size=32, steps_per_epoch=20, epochs=UPDATES // 20, verbose=0).history
    return {"seed": seed, "first": history["network_loss"][0], "last": history["network_loss"][-1]}


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--steps", type=int, default=50)
    parser.add_argument("--units", type=int, default=32)
    parser.add_argument("--seeds", type=int, nargs="+", default=[0, 1, 2])
    arguments = parser.parse_args()
    back, curves, table = np.arange(1, arguments.steps + 1), {}, []
    shown = [steps for steps in SHOWN if steps <= arguments.steps]
    print(f"| cell | radius | {' | '.join(f'{steps} back' for steps in shown)} |")
    print(f"| --- | --- | {' | '.join('---' for _ in shown)} |")
    for name in CELLS:
        for radius in RADII:
            runs = [norms(built(name, arguments.units, radius, s), arguments.steps, s)[0] for s in arguments.seeds]
            logs = np.mean(runs, axis=0) / np.log(10)
            if radius in DRAWN:
                curves[f"{name}, radius {radius:g}"] = back, logs
            table.append({"cell": name, "radius": radius, "log10": [round(float(value), 3) for value in logs]})
            print(f"| {name} | {radius:g} | {' | '.join(f'{10 ** logs[s - 1]:.1e}' for s in shown)} |", flush=True)
    line_plot(curves, RESULTS.with_suffix(".png"), x_label="steps back; log10 |dh_T / d state_t|", overwrite=True)
    error = numeric_error(arguments.units)
    print(f"\nagainst central differences: {error:.1e}\n")
    clipping = {}
    for word, norm in (("clipped", CLIP), ("not clipped", 1e9)):
        clipping[word] = [trained(norm, seed) for seed in arguments.seeds]
        print(f"{word}: loss {', '.join('{first:.3g} to {last:.3g}'.format(**run) for run in clipping[word])}")
    figures = {"arguments": vars(arguments), "norms": table, "numeric_error": error, "training": clipping}
    RESULTS.write_text(json.dumps(figures, indent=1) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
