"""Recurrent layers on top of each other: any cell, skips, both directions, and all states in one tensor."""

from functools import partial
from typing import Annotated, Any, Literal

import keras
import tensorflow as tf
from pydantic import BeforeValidator

from kerazoo.base.cell_graph import CellGraph
from kerazoo.layers.graph_cell import GraphCell
from kerazoo.layers.gru import GRUCell
from kerazoo.layers.lstm import LSTM
from kerazoo.layers.mut import MUT1, MUT2, MUT3
from kerazoo.layers.recurrence import no_dropout
from kerazoo.layers.rnn import RNN

CELLS = {"rnn": RNN, "lstm": LSTM, "gru": GRUCell, "mut1": MUT1, "mut2": MUT2, "mut3": MUT3}
CellName = Literal["rnn", "lstm", "gru", "mut1", "mut2", "mut3"]


def _name_or_graph(cell):
    """A name as it is; a graph, or the path of one, as a dict."""
    return cell if cell in tuple(CELLS) else CellGraph.read(cell).as_dict()


CellOrGraph = Annotated[CellName | dict[str, Any], BeforeValidator(_name_or_graph)]


@keras.saving.register_keras_serializable(package="kerazoo")
class Stack(keras.layers.Layer):
    """Recurrent layers on top of each other, with all states in one tensor and dropout between the layers.

    Dropout acts between layers and on the output of the last one, never between steps (Zaremba et al. 2014, equation
    3). A layer that reads in both directions has two sets of weights, which know nothing of each other; their outputs
    stand side by side (Schuster and Paliwal 1997).

    Args:
        cell: str or dict. A name in `CELLS`, or a graph as `GraphCell` takes it.
        units: int. Units of each layer, and of each direction.
        num_layers: int. Number of layers.
        skip_connections: bool. Whether every layer sees the inputs beside the outputs of the layer below, and the
            outputs are those of all layers side by side (Graves 2013, figure 1). Defaults to False.
        bidirectional: bool. Whether every layer also reads from the end to the beginning. Defaults to False.
        options: dict or None. Further arguments of the cell, such as `{"forget_bias": 0.0}`. Defaults to None.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Example:
        >>> stack = Stack("gru", 8, num_layers=2)
        >>> outputs, state = stack(np.ones((3, 5, 4), "float32"), stack.zero_state(3))
        >>> outputs.shape, state.shape
        (TensorShape([3, 5, 8]), TensorShape([3, 2, 1, 8]))

    Source: Zaremba, Sutskever and Vinyals 2014, "Recurrent Neural Network Regularization", arXiv:1409.2329; Graves
    2013, "Generating Sequences With Recurrent Neural Networks", arXiv:1308.0850; Schuster and Paliwal 1997,
    "Bidirectional Recurrent Neural Networks", IEEE Transactions on Signal Processing 45(11).
    """

    def __init__(self, cell, units, num_layers, skip_connections=False, bidirectional=False, options=None, **kwargs):
        super().__init__(autocast=False, **kwargs)
        self.supports_masking = True
        self.cell = cell
        self.units = units
        self.num_layers = num_layers
        self.skip_connections = skip_connections
        self.bidirectional = bidirectional
        self.options = dict(options or {})
        directions = ("", "_backward") if bidirectional else ("",)
        kind, make = (cell, CELLS[cell]) if isinstance(cell, str) else ("graph", partial(GraphCell, graph=cell))
        names = [f"{kind}_{index}{direction}" for index in range(num_layers) for direction in directions]
        self.cells = [make(units, **self.options, name=name, dtype=self.dtype_policy) for name in names]

    def build(self, input_shape, *_):
        inputs, width = input_shape[-1], self.units * self._num_directions
        above = width + inputs * self.skip_connections
        for index, cell in enumerate(self.cells):
            cell.build((None, None, inputs if index < self._num_directions else above))
        self.built = True

    @property
    def _num_directions(self):
        return 1 + self.bidirectional

    @property
    def output_dim(self):
        """Length of an output."""
        return self.units * self._num_directions * (self.num_layers if self.skip_connections else 1)

    @property
    def state_shape(self):
        """Shape of one row's state: layers (each direction one), vectors of a cell's state, units."""
        return (len(self.cells), len(self.cells[0].state_names), self.units)

    def zero_state(self, rows):
        """The state before a sequence.

        Args:
            rows: int or scalar tensor. How many sequences.

        Returns:
            tf.Tensor. Zeros, float32, shape `(rows, *state_shape)`.
        """
        return tf.zeros([rows, *self.state_shape])

    def call(self, inputs, state, mask=None, dropout=no_dropout, truncation=None):
        """Run over a sequence.

        Args:
            inputs: tensor, shape `(batch, steps, features)`.
            state: tensor, shape `(batch, *state_shape)`. From `zero_state`, or the last state of an earlier call.
            mask: boolean tensor, shape `(batch, steps)`, or None. As for `Cell.call`. Defaults to None.
            dropout: callable `(tensor, stream) -> tensor`, such as `ZooModel.apply_dropout` with a rate. Defaults to no
                dropout.
            truncation: int or None. As for `Cell.call`. Defaults to None.

        Returns:
            tuple. The outputs, float32, shape `(batch, steps, output_dim)`, and the state after the last step; of a
            direction that reads backwards, after the first.
        """

        def run(cell, x, vectors, reverse):
            return cell(x, vectors, mask, reverse=reverse, truncation=truncation)

        return self._layers_on(inputs, state, run, dropout)

    def summary(self, state):
        """What the layers give of a whole sequence: their outputs after the last step, and backwards after the first.

        Args:
            state: tensor, shape `(batch, *state_shape)`. After a sequence.

        Returns:
            tf.Tensor. float32, shape `(batch, output_dim)`; of layers that read forwards, the output of the last step.
        """
        seen = 0 if self.skip_connections else len(self.cells) - self._num_directions
        return tf.reshape(state[:, seen:, 0], [-1, self.output_dim])

    def step(self, x, state):
        """A single step, of layers that read forwards.

        Args:
            x: tensor, shape `(batch, features)`.
            state: tensor, shape `(batch, *state_shape)`. The state before.

        Returns:
            tuple. The output, float32, shape `(batch, output_dim)`, and the next state, shape of `state`.
        """

        def run(cell, x, vectors, reverse):
            return cell.step(cell.project(x), vectors)

        return self._layers_on(x, state, run)

    def _layers_on(self, inputs, state, run, dropout=no_dropout):
        """One layer after the other by `run(cell, inputs, state, reverse) -> (outputs, state)`."""
        x, below, outputs, after = inputs, inputs, [], []
        for start in range(0, len(self.cells), self._num_directions):
            found = []
            for reverse in range(self._num_directions):
                place, cell = start + reverse, self.cells[start + reverse]
                output, last = run(cell, below, tuple(tf.unstack(state[:, place], axis=1)), bool(reverse))
                found.append(output)
                after.append(tf.stack(last, axis=1))
            x = dropout(_side_by_side(found), f"above_{self.cells[start].name}")
            outputs.append(x)
            below = _side_by_side([x, tf.cast(inputs, x.dtype)]) if self.skip_connections else x
        return _side_by_side(outputs) if self.skip_connections else x, tf.stack(after, axis=1)

    def get_config(self):
        names = ("cell", "units", "num_layers", "skip_connections", "bidirectional")
        return {**super().get_config(), **{name: getattr(self, name) for name in names}, "options": dict(self.options)}


def _side_by_side(parts):
    return parts[0] if len(parts) == 1 else tf.concat(parts, axis=-1)


@keras.saving.register_keras_serializable(package="kerazoo")
class StackedLSTM(Stack):
    """A `Stack`, of LSTM layers by default, as weights files of earlier versions hold it: `stacked_lstm/lstms/lstm`.

    Args:
        units, num_layers, **kwargs: as for `Stack`.
        cell: str. As for `Stack`. Defaults to `"lstm"`.

    Example:
        >>> stack = StackedLSTM(8, num_layers=2)
        >>> stack.zero_state(3).shape
        TensorShape([3, 2, 2, 8])
    """

    def __init__(self, units, num_layers, cell="lstm", **kwargs):
        super().__init__(cell, units, num_layers, **kwargs)
        self.lstms = self.cells  # Keras reads a file's layers under each name that an attribute has
