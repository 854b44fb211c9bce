"""Long short-term memory: without a forget gate, with it, with peepholes, and the variants of Greff et al. 2017."""

import keras
import tensorflow as tf

from kerazoo.layers.recurrence import Cell, recur

# The block that a variant does not have: i input gate, f forget gate, g block input, o output gate.
MISSING = {"nig": "i", "nfg": "f", "nog": "o", "cifg": "f"}


@keras.saving.register_keras_serializable(package="kerazoo")
class LSTM(Cell):
    """A layer of long short-term memory with a forget gate, whose state may be given and is returned:

        i, f, g, o = W x + U h + b,  c_new = sigmoid(f) * c + sigmoid(i) * tanh(g),  h_new = sigmoid(o) * tanh(c_new)

    It is the same function of the same weights as `keras.layers.LSTM`. With peepholes the gates see the cells, too:
    p_i * c, p_f * c and p_o * c_new are added. That is the vanilla LSTM of Greff et al., and this without peepholes
    their NP. The other seven variants:

    - "nig", "nfg", "nog": no input, forget or output gate; 1 stands for it. The LSTM of 1997 is "nfg", no peepholes.
    - "niaf", "noaf": no activation of the block's input, or of its output: g for tanh(g), c_new for tanh(c_new).
    - "cifg": coupled gates, 1 - sigmoid(i) for sigmoid(f).
    - "fgr": full gate recurrence: each gate also sees the three gates of the step before.

    Args:
        units: int. Length of h and of c.
        variant: `"nig"`, `"nfg"`, `"nog"`, `"niaf"`, `"noaf"`, `"cifg"`, `"fgr"` or None. Defaults to None.
        peepholes: bool. Whether the gates see the cells; their weights begin at 0. Defaults to False.
        forget_bias: float. Bias of the forget gate at the start. Defaults to 1.0.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Example:
        >>> outputs, (h, c) = LSTM(8)(np.ones((2, 5, 3), "float32"))
        >>> outputs.shape, h.shape, c.shape
        (TensorShape([2, 5, 8]), TensorShape([2, 8]), TensorShape([2, 8]))

    Source: Hochreiter and Schmidhuber 1997, Neural Computation 9(8), which squashes with other sigmoids; the forget
    gate is that of Gers, Schmidhuber and Cummins 2000, Neural Computation 12(10), its bias of 1 at the start as in
    Jozefowicz et al. 2015; peepholes: Gers, Schraudolph and Schmidhuber 2002, JMLR 3; variants: Greff, Srivastava,
    Koutnik, Steunebrink and Schmidhuber 2017, "LSTM: A Search Space Odyssey", arXiv:1503.04069.
    """

    def __init__(self, units, variant=None, peepholes=False, forget_bias=1.0, **kwargs):
        super().__init__(units, **kwargs)
        self.variant = variant
        self.peepholes = peepholes
        self.forget_bias = forget_bias
        self.blocks = [block for block in "ifgo" if block != MISSING.get(variant)]
        self.gates = [block for block in self.blocks if block != "g"]
        self.state_names = ("h", "c", *(self.gates if variant == "fgr" else ()))

    def build(self, input_shape):
        units, width = self.units, len(self.blocks) * self.units
        self.kernel = self.add_weight(name="kernel", shape=(input_shape[-1], width))
        shape = {"shape": (units, width), "initializer": "orthogonal"}
        self.recurrent_kernel = self.add_weight(name="recurrent_kernel", **shape)
        self.bias = self.add_weight(name="bias", shape=(width,), initializer=self._first_bias)
        if self.peepholes:
            self.peephole = self.add_weight(name="peephole", shape=(len(self.gates), units), initializer="zeros")
        if self.variant == "fgr":
            self.gate_kernel = self.add_weight(name="gate_kernel", shape=(3 * units,) * 2, initializer="orthogonal")
        if not self.variant and not self.peepholes:
            self.build_keras_layer(keras.layers.LSTM, input_shape)
        self.built = True

    def weights_of_keras_layer(self):
        return [tf.convert_to_tensor(weight) for weight in (self.kernel, self.recurrent_kernel, self.bias)]

    def _first_bias(self, shape, dtype=None):
        """Zeros, and `forget_bias` for the forget gate."""
        return tf.repeat(tf.constant([self.forget_bias * (block == "f") for block in self.blocks], dtype), self.units)

    def project(self, x):
        """W x of every step; the bias is added in the step.

        Args:
            x: tensor, shape `(..., features)`.

        Returns:
            tf.Tensor. Shape `(..., width)`, in the layer's compute dtype, so that a loop reads half as much.
        """
        return tf.matmul(tf.cast(x, self.compute_dtype), self.cast(self.kernel))

    def weights_of_a_step(self):
        peepholes = tf.unstack(tf.convert_to_tensor(self.peephole)) if self.peepholes else [0.0] * len(self.gates)
        gate_kernel = self.cast(self.gate_kernel) if self.variant == "fgr" else None
        return self.cast(self.recurrent_kernel), tf.convert_to_tensor(self.bias), peepholes, gate_kernel

    def advance(self, projected, state, recurrent_kernel, bias, peepholes, gate_kernel):
        h, c, *before = state
        sums = tf.cast(projected, tf.float32) + recur(h, recurrent_kernel) + bias
        block = dict(zip(self.blocks, tf.split(sums, len(self.blocks), axis=-1), strict=True))
        if before:
            for name, more in zip("ifo", tf.split(recur(tf.concat(before, -1), gate_kernel), 3, axis=-1), strict=True):
                block[name] += more
        peephole = dict(zip(self.gates, peepholes, strict=True))

        def gate(name, cells):
            if name not in block:
                return 1.0
            return tf.sigmoid(block[name] + peephole[name] * cells if self.peepholes else block[name])

        i = gate("i", c)
        f = 1 - i if self.variant == "cifg" else gate("f", c)
        c = f * c + i * (block["g"] if self.variant == "niaf" else tf.tanh(block["g"]))
        o = gate("o", c)
        h = o * (c if self.variant == "noaf" else tf.tanh(c))
        return (h, c, i, f, o)[: len(self.state_names)]

    def get_config(self):
        own = {"variant": self.variant, "peepholes": self.peepholes, "forget_bias": self.forget_bias}
        return {**super().get_config(), **own}
