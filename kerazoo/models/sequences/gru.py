"""Networks of gated recurrent units (Cho et al. 2014)."""

from kerazoo.base.registry import register
from kerazoo.models.sequences._recurrent import RecurrentNetwork


@register("gru")
class GRUNetwork(RecurrentNetwork):
    """Gated recurrent units for sequences of vectors: labelled, with numbers to predict, or read on step by step.

    `reset_after=False` (the default) is the paper's unit, `reset_after=True` that of cuDNN, with one product of the
    state a step. What is predicted follows from the data: classes from labels, numbers from targets, and otherwise the
    next step. It differs from the paper in Adam, in clipping by the gradient's norm, and in biases, which the paper
    leaves out.

    Args:
        reset_after: bool. Whether the reset gate acts behind the candidate's product. Defaults to False.
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
        >>> model = kerazoo.create("gru", num_features=1, units=8, predicts="classes", num_outputs=2, every_step=False)
        >>> model.compile(seed=0)
        >>> history = model.fit("parity:10,num=64", batch_size=16, verbose=0)
        >>> model.classify([[[1.0], [0.0], [1.0]], [[1.0]]]).shape
        (2, 2)

    Source: Cho et al. 2014, "Learning Phrase Representations using RNN Encoder-Decoder for Statistical Machine
    Translation", arXiv:1406.1078; Chung, Gulcehre, Cho and Bengio 2014, arXiv:1412.3555, which measures it on music.
    """

    paper = "Cho et al. 2014, arXiv:1406.1078; Chung, Gulcehre, Cho and Bengio 2014, arXiv:1412.3555"
    cell = "gru"

    def __init__(self, reset_after: bool = False, **kwargs):
        super().__init__(**kwargs)

    def cell_options(self):
        return {"reset_after": self.reset_after}
