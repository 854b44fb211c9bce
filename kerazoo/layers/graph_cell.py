"""A recurrent cell that computes what a graph says."""

import keras
import tensorflow as tf

from kerazoo.base.cell_graph import INPUT, CellGraph
from kerazoo.layers.recurrence import Cell, matmul, recur

OPERATIONS = {
    "tanh": tf.tanh,
    "sigmoid": tf.sigmoid,
    "relu": tf.nn.relu,
    "add": tf.add,
    "multiply": tf.multiply,
    "subtract": tf.subtract,
}


@keras.saving.register_keras_serializable(package="kerazoo")
class GraphCell(Cell):
    """A layer of cells of any graph.

    A `linear` node of the inputs takes them in their own length. Where another node takes x itself, it must be as long
    as a state: inputs of another length pass through a matrix first, as for `MUT1`. Matrices of states begin
    orthogonal, or, with a `scale`, as that number on the diagonal among small random ones.

    Args:
        units: int. Length of each vector of the state.
        graph: str, Path, dict or CellGraph. As for `CellGraph.read`.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Raises:
        ConfigError, DataError: as for `CellGraph.read`.

    Example:
        >>> from kerazoo.base.cell_graph import GRAPHS
        >>> outputs, (h, c) = GraphCell(8, GRAPHS["lstm"])(np.ones((2, 5, 3), "float32"))
        >>> outputs.shape, c.shape
        (TensorShape([2, 5, 8]), TensorShape([2, 8]))

    Source: Jozefowicz, Zaremba and Sutskever 2015, "An Empirical Exploration of Recurrent Network Architectures", ICML,
    section 3.
    """

    def __init__(self, units, graph, **kwargs):
        super().__init__(units, **kwargs)
        self.graph = CellGraph.read(graph).pruned()
        self.state_names = self.graph.states
        linear = [name for name in self.graph.order() if self.graph.nodes[name].op == "linear"]
        self._of_inputs = [name for name in linear if self.graph.nodes[name].of == (INPUT,)]
        self._of_states = [name for name in linear if name not in self._of_inputs]
        takes = [node.of for name, node in self.graph.nodes.items() if name not in self._of_inputs]
        self._takes_inputs = any(INPUT in of for of in (*takes, tuple(self.graph.after.values())))

    def build(self, input_shape):
        features, self.kernels, self.biases = input_shape[-1], {}, {}
        for name in (*self._of_inputs, *self._of_states):
            node = self.graph.nodes[name]
            shape = (features if name in self._of_inputs else self.units, self.units)
            self.kernels[name] = self.add_weight(name=f"{name}_kernel", shape=shape, initializer=self._first(name))
            bias = keras.initializers.Constant(node.bias)
            self.biases[name] = self.add_weight(name=f"{name}_bias", shape=(self.units,), initializer=bias)
        self.entry = None
        if self._takes_inputs and features != self.units:
            self.entry = self.add_weight(name="entry", shape=(features, self.units))
        self.built = True

    def _first(self, name):
        scale = self.graph.nodes[name].scale
        if not scale:
            return "glorot_uniform" if name in self._of_inputs else "orthogonal"
        small = keras.initializers.RandomNormal(stddev=0.01)
        return lambda shape, dtype=None: scale * tf.eye(*shape, dtype=dtype) + small(shape, dtype=dtype)

    def project(self, x):
        """The values of the linear nodes of x and, where another node takes it, x itself: float32, side by side."""
        parts = [
            matmul(x, self.kernels[name], self.compute_dtype) + tf.cast(self.biases[name], tf.float32)
            for name in self._of_inputs
        ]
        if self._takes_inputs:
            same = self.entry is None
            parts.append(tf.cast(x, tf.float32) if same else matmul(x, self.entry, self.compute_dtype))
        return tf.concat(parts, axis=-1) if parts else tf.zeros([*tf.unstack(tf.shape(x)[:-1]), 0])

    def weights_of_a_step(self):
        return tuple((self.cast(self.kernels[name]), self.biases[name]) for name in self._of_states)

    def advance(self, projected, state, *weights):
        given = [*self._of_inputs, *[INPUT] * self._takes_inputs]
        parts = tf.split(projected, len(given), axis=-1) if given else []
        values = dict(zip(given, parts, strict=True)) | dict(zip(self.state_names, state, strict=True))
        weights = dict(zip(self._of_states, weights, strict=True))
        for name in self.graph.order():
            node = self.graph.nodes[name]
            taken = [values[value] for value in node.of if name not in self._of_inputs]
            if name in weights:
                kernel, bias = weights[name]
                values[name] = recur(*taken, kernel) + tf.cast(bias, tf.float32)
            elif name not in self._of_inputs:
                values[name] = OPERATIONS[node.op](*taken)
        return tuple(values[self.graph.after[name]] for name in self.state_names)

    def get_config(self):
        return {**super().get_config(), "graph": self.graph.as_dict()}
