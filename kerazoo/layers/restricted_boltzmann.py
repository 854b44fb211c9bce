"""The restricted Boltzmann machine as a Keras layer: energies, Gibbs sweeps and the statistics of its learning rules.

For binary visible units v and hidden units h, with kernel W, visible bias b and hidden bias a:

    E(v, h) = -v'b - h'a - v'W h            p(h_j = 1 | v) = sigmoid(a_j + v'W_j)
    F(v) = -v'b - sum_j softplus(a_j + v'W_j)        log p(v) = -F(v) - log Z

The gradient of log p(v) is the difference of two expectations of (v h', v, h): over the data, and over the model. The
learning rules differ in the chain that represents the model: contrastive divergence starts it at the data, persistent
contrastive divergence goes on where the last update left it.
"""

import keras
import tensorflow as tf

from kerazoo.base.replicas import global_rows


def bernoulli(probabilities, noise):
    """Binary draws of given probabilities.

    Args:
        probabilities: tf.Tensor. float32 in [0, 1].
        noise: tf.Tensor. float32, uniform on [-1, 1), of the same shape.

    Returns:
        tf.Tensor. float32, 0 or 1, of the same shape.

    Example:
        >>> bernoulli(tf.constant([0.1, 0.9]), tf.constant([0.0, 0.0])).numpy()
        array([0., 1.], dtype=float32)
    """
    return tf.cast(noise < 2.0 * probabilities - 1.0, tf.float32)


def uniform_draws(model, num_rows, stream):
    """The noise of a training step for the layer's methods: `draw(name, width)`, uniform on [-1, 1).

    Args:
        model: ZooModel.
        num_rows: int or tf.Tensor. This replica's rows.
        stream: str. Different streams, and different names within one, are independent.

    Returns:
        callable. `draw(name, width)` gives shape `(num_rows, width)`.
    """
    return lambda name, width: model.noise(num_rows, (width,), stream=f"{stream}_{name}", distribution="uniform")


@keras.saving.register_keras_serializable(package="kerazoo")
class RestrictedBoltzmann(keras.layers.Layer):
    """Binary visible and hidden units, joined by one matrix. Called on visible units it gives p(h = 1 | v).

    It computes in float32 under every precision policy: it learns from small differences between large sums.

    Args:
        num_visible: int. Visible units.
        units: int. Hidden units.
        kernel_initializer: initializer, its name or its configuration, or None. Defaults to None, a normal with
            standard deviation 0.01 (Hinton 2012, section 8).
        **kwargs: `name`, `trainable` of `keras.layers.Layer`.

    Example:
        >>> rbm = RestrictedBoltzmann(784, 500)
        >>> rbm(tf.zeros((2, 784))).shape
        TensorShape([2, 500])

    Source: Hinton 2002, "Training Products of Experts by Minimizing Contrastive Divergence"; Hinton 2012, "A Practical
    Guide to Training Restricted Boltzmann Machines".
    """

    def __init__(self, num_visible, units, kernel_initializer=None, **kwargs):
        super().__init__(**{**kwargs, "dtype": "float32", "autocast": False})
        self.num_visible = num_visible
        self.units = units
        self.kernel_initializer = keras.initializers.get(kernel_initializer or keras.initializers.RandomNormal(0, 0.01))
        self.build((None, num_visible))

    def build(self, input_shape):
        shape, initializer = (self.num_visible, self.units), self.kernel_initializer
        self.kernel = self.add_weight(name="kernel", shape=shape, initializer=initializer)
        self.visible_bias = self.add_weight(name="visible_bias", shape=(self.num_visible,), initializer="zeros")
        self.hidden_bias = self.add_weight(name="hidden_bias", shape=(self.units,), initializer="zeros")
        self.built = True

    def get_config(self):
        initializer = keras.initializers.serialize(self.kernel_initializer)
        sizes = {"num_visible": self.num_visible, "units": self.units}
        return {**super().get_config(), **sizes, "kernel_initializer": initializer}

    def call(self, v):
        """p(h = 1 | v).

        Args:
            v: tf.Tensor. float32, visible units or their probabilities, shape `(batch, num_visible)`.

        Returns:
            tf.Tensor. float32 in [0, 1], shape `(batch, units)`.
        """
        return tf.sigmoid(self.hidden_logits(v))

    # The distribution of the noise that `draw_hidden` takes.
    hidden_noise = "uniform"

    def draw_hidden(self, means, noise):
        """Hidden units of given means, what `call` gives, by noise of the distribution `hidden_noise`."""
        return bernoulli(means, noise)

    def hidden_logits(self, v):
        """The log-odds of the hidden units, a + v'W.

        Args:
            v: tf.Tensor. float32, visible units or their probabilities, shape `(batch, num_visible)`.

        Returns:
            tf.Tensor. float32, shape `(batch, units)`.
        """
        return tf.matmul(v, self.kernel) + self.hidden_bias

    def visible_logits(self, h):
        """The log-odds of the visible units, b + W h.

        Args:
            h: tf.Tensor. float32, hidden units or their probabilities, shape `(batch, units)`.

        Returns:
            tf.Tensor. float32, shape `(batch, num_visible)`.
        """
        return tf.matmul(h, self.kernel, transpose_b=True) + self.visible_bias

    def free_energy(self, v, logits=None):
        """F(v) = -log sum_h exp(-E(v, h)).

        Args:
            v: tf.Tensor. float32, binary, shape `(batch, num_visible)`.
            logits: tf.Tensor or None. `hidden_logits(v)`, where they are known. Defaults to None.

        Returns:
            tf.Tensor. float32, shape `(batch,)`, in nats.
        """
        logits = self.hidden_logits(v) if logits is None else logits
        return -tf.linalg.matvec(v, self.visible_bias) - tf.reduce_sum(tf.nn.softplus(logits), axis=1)

    def pseudo_likelihood(self, v, logits, pixels):
        """An estimate of sum_i log p(v_i | all other v), from one unit of each row (Marlin et al. 2010, section 4).

        Args:
            v: tf.Tensor. Binary, shape `(batch, num_visible)`.
            logits: tf.Tensor. `hidden_logits(v)`.
            pixels: tf.Tensor. int, shape `(batch,)`. The unit of each row.

        Returns:
            tf.Tensor. Shape `(batch,)`, in nats, at most zero.
        """
        change = 1.0 - 2.0 * tf.gather(v, pixels, axis=1, batch_dims=1)
        flipped = logits + change[:, None] * tf.gather(self.kernel, pixels)
        rise = tf.reduce_sum(tf.nn.softplus(logits) - tf.nn.softplus(flipped), axis=1)
        rise -= change * tf.gather(self.visible_bias, pixels)
        return -self.num_visible * tf.nn.softplus(-rise)

    def gibbs(self, h, num_steps, draw, *, sample_visible=True):
        """Alternating Gibbs sampling: `num_steps` times v from h, then h from v.

        Args:
            h: tf.Tensor. Binary hidden units, shape `(batch, units)`.
            num_steps: int. At least 1.
            draw: callable. `draw(name, width)` gives noise for `bernoulli`, shape `(batch, width)`, another for each
                name.
            sample_visible: bool. False takes the visible units' probabilities instead of binary draws, which has less
                noise (Hinton 2012, section 3.2). Defaults to True.

        Returns:
            (v, logits, h). The last visible units, their `hidden_logits`, and the hidden units drawn from these.
        """
        for step in range(num_steps):
            v = tf.sigmoid(self.visible_logits(h))
            if sample_visible:
                v = bernoulli(v, draw(f"visible_{step}", self.num_visible))
            logits = self.hidden_logits(v)
            h = bernoulli(tf.sigmoid(logits), draw(f"hidden_{step}", self.units))
        return v, logits, h

    def gradients(self, data, model):
        """Gradients for an optimizer that minimises: the statistics of the model minus those of the data.

        Args:
            data: (v, p). The data and their p(h = 1 | v), shapes `(batch, num_visible)` and `(batch, units)`.
            model: (v, p). The same for the chains, which may differ in number.

        Returns:
            list of tf.Tensor. For kernel, visible and hidden bias, the share of this replica's rows in the mean over
            all.
        """
        pairs = zip(self._statistics(*data), self._statistics(*model), strict=True)
        return [of_model - of_data for of_data, of_model in pairs]

    def _statistics(self, v, p):
        num_rows = global_rows(v)
        return [tf.matmul(v, p, transpose_a=True) / num_rows, *(tf.reduce_sum(x, axis=0) / num_rows for x in (v, p))]


@keras.saving.register_keras_serializable(package="kerazoo")
class GaussianHiddenBoltzmann(RestrictedBoltzmann):
    """Binary visible units and real hidden ones, of unit variance around a + v'W. Called, it gives these means.

    Its energy is -v'b + |h - a|^2 / 2 - v'W h; the statistics of its learning rules are those of the binary machine,
    with means for probabilities.

    Args:
        num_visible, units, kernel_initializer, **kwargs: as for `RestrictedBoltzmann`.

    Source: Welling, Rosen-Zvi and Hinton 2005, "Exponential Family Harmoniums with an Application to Information
    Retrieval"; Hinton and Salakhutdinov 2006, Science 313, for the code of a deep autoencoder.
    """

    hidden_noise = "normal"

    def __init__(self, num_visible, units, kernel_initializer=None, **kwargs):
        super().__init__(num_visible, units, kernel_initializer, **kwargs)

    def call(self, v):
        """The means of the hidden units, shape `(batch, units)`."""
        return self.hidden_logits(v)

    def draw_hidden(self, means, noise):
        return means + noise
