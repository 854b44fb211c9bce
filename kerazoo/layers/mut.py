"""The three cells that a search over some ten thousand architectures found (Jozefowicz et al. 2015)."""

import keras
import tensorflow as tf

from kerazoo.layers.recurrence import Cell, matmul, recur


class MutatedGRU(Cell):
    """Base of MUT1, MUT2 and MUT3, which have a write gate z, a gate r and a candidate as a GRU has:

        h_new = z * h' + (1 - z) * h,  h' = tanh(U_h (r * h) + what the inputs contribute to it)

    Where an equation has x itself, it must be as long as h: inputs of another length pass through a matrix of their
    own, as the paper embeds its inputs.

    Args:
        units: int. Length of the state.
        **kwargs: `name`, `dtype`, `trainable` of `keras.layers.Layer`.

    Source: Jozefowicz, Zaremba and Sutskever 2015, "An Empirical Exploration of Recurrent Network Architectures", ICML,
    PMLR 37, section 4.
    """

    weighted = "zrh"  # the blocks that x enters through a matrix, in this order
    bare = ""  # the block that x enters as it is
    recurrent: tuple[str, ...] = ("recurrent_r", "recurrent_h")  # names of the matrices that h enters through

    def build(self, input_shape):
        features, units = input_shape[-1], self.units
        self.kernel = self.add_weight(name="kernel", shape=(features, len(self.weighted) * units))
        self.entry = None
        if self.bare and features != units:
            self.entry = self.add_weight(name="entry", shape=(features, units))
        for name in self.recurrent:
            setattr(self, name, self.add_weight(name=name, shape=(units, units), initializer="orthogonal"))
        self.bias = self.add_weight(name="bias", shape=(3 * units,), initializer="zeros")
        self.built = True

    def project(self, x):
        weighted = matmul(x, self.kernel, self.compute_dtype)
        parts = dict(zip(self.weighted, tf.split(weighted, len(self.weighted), axis=-1), strict=True))
        if self.bare:
            same = tf.cast(x, tf.float32) if self.entry is None else matmul(x, self.entry, self.compute_dtype)
            parts[self.bare] = self.from_bare(same)
        return tf.concat([parts[name] for name in "zrh"], axis=-1) + tf.cast(self.bias, tf.float32)

    def from_bare(self, x):
        """What x itself contributes to the block `bare`."""
        return x

    def weights_of_a_step(self):
        return tuple(self.cast(getattr(self, name)) for name in self.recurrent)

    def advance(self, projected, state, *weights):
        (h,), (*to_write, to_r, to_h) = state, weights
        z, r, candidate = tf.split(projected, 3, axis=-1)
        z = tf.sigmoid(z + self.from_state(h, *to_write))
        r = tf.sigmoid(r + recur(h, to_r))
        candidate = tf.tanh(candidate + recur(r * h, to_h))
        return (z * candidate + (1 - z) * h,)

    def from_state(self, h, to_write):
        """What the state contributes to the write gate."""
        return recur(h, to_write)


@keras.saving.register_keras_serializable(package="kerazoo")
class MUT1(MutatedGRU):
    """MUT1: the write gate does not see the state, and x enters the candidate as tanh(x).

        z = sigmoid(W_z x + b),  r = sigmoid(W_r x + U_r h + b),  h' = tanh(U_h (r * h) + tanh(x) + b)

    Args, Source: as for `MutatedGRU`.
    """

    weighted, bare = "zr", "h"

    def from_bare(self, x):
        return tf.tanh(x)

    def from_state(self, h):
        return 0.0


@keras.saving.register_keras_serializable(package="kerazoo")
class MUT2(MutatedGRU):
    """MUT2: x enters the gate r as it is.

        z = sigmoid(W_z x + U_z h + b),  r = sigmoid(x + U_r h + b),  h' = tanh(U_h (r * h) + W_h x + b)

    Args, Source: as for `MutatedGRU`.
    """

    weighted, bare = "zh", "r"
    recurrent = ("recurrent_z", *MutatedGRU.recurrent)


@keras.saving.register_keras_serializable(package="kerazoo")
class MUT3(MutatedGRU):
    """MUT3: a GRU whose write gate sees tanh(h).

        z = sigmoid(W_z x + U_z tanh(h) + b),  r = sigmoid(W_r x + U_r h + b),  h' = tanh(U_h (r * h) + W_h x + b)

    Args, Source: as for `MutatedGRU`.
    """

    recurrent = MUT2.recurrent

    def from_state(self, h, to_write):
        return recur(tf.tanh(h), to_write)
