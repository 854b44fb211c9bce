"""Recurrent networks without gates (Elman 1990), trained through time with clipped gradients (Pascanu et al. 2013)."""

from typing import Literal

from kerazoo.base.registry import register
from kerazoo.models.sequences._recurrent import RecurrentNetwork


@register("rnn")
class RNNNetwork(RecurrentNetwork):
    """Elman's recurrent network for sequences of vectors: labelled, with numbers to predict, or read on step by step.

    The state is tanh(W x + U h + b), trained by backpropagation through time. Its gradient vanishes or explodes with
    the number of steps, as the largest singular value of U decides; clipping by the norm (Pascanu et al. 2013) keeps
    one that explodes from ending a run. `activation="relu", identity_start=True` is the network of Le et al. 2015,
    which begins as one that carries its state unchanged. What is predicted follows from the data: classes from labels,
    numbers from targets, and otherwise the next step. It differs from the papers in Adam.

    Args:
        activation: `"tanh"` or `"relu"`. Defaults to `"tanh"`.
        identity_start: bool. Whether U begins as the identity, not as an orthogonal matrix. Defaults to False.
        num_features: int. Numbers of a step. Training takes it from the data, as the next three.
        predicts: `"classes"`, `"numbers"`, `"next_bits"` or `"next_numbers"`. Defaults to `"next_bits"`.
        num_outputs: int or None. Classes, or numbers to predict; None takes `num_features`. Defaults to None.
        every_step: bool. Whether each step has an answer, not the whole sequence one. Defaults to True.
        units: int. Of each layer, and of each direction. Defaults to 128.
        num_layers: int. Recurrent layers. Defaults to 1.
        skip_connections: bool. From the inputs to every layer, and from every layer to the output. Defaults to False.
        bidirectional: bool. Whether every layer also reads from the end to the beginning. Defaults to False.
        dropout_rate: float in [0, 1). Above every layer, never between steps. Defaults to 0.0.
        input_noise: float. Standard deviation of normal noise on the inputs in training. Defaults to 0.0.
        clip_norm: float. Largest norm of the gradient. Defaults to 1.0.
        truncation: int or None. Steps after which the gradient stops, while the state goes on. Defaults to None.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument, a value out of range, or a next step that both directions would read.

    Example:
        >>> model = kerazoo.create("rnn", num_features=88, units=8)
        >>> model.compile(seed=0)
        >>> history = model.fit("chorale", batch_size=4, verbose=0)
        >>> model.generate(2, num_steps=5, seed=0).shape
        (2, 5, 88)

    Source: Elman 1990, "Finding Structure in Time", Cognitive Science 14(2); Pascanu, Mikolov and Bengio 2013, "On the
    Difficulty of Training Recurrent Neural Networks", arXiv:1211.5063; Le, Jaitly and Hinton 2015, arXiv:1504.00941.
    """

    paper = "Elman 1990, Cognitive Science 14(2); Pascanu, Mikolov and Bengio 2013, arXiv:1211.5063"
    cell = "rnn"

    def __init__(self, activation: Literal["tanh", "relu"] = "tanh", identity_start: bool = False, **kwargs):
        super().__init__(**kwargs)

    def cell_options(self):
        return {"activation": self.activation, "identity_start": self.identity_start}
