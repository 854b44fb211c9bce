"""Networks of the cells that a search found (Jozefowicz et al. 2015)."""

from typing import Literal

from kerazoo.base.registry import register
from kerazoo.models.sequences._recurrent import RecurrentNetwork


@register("mut")
class MUTNetwork(RecurrentNetwork):
    """MUT1, MUT2 or MUT3 for sequences of vectors: labelled, with numbers to predict, or read on step by step.

    They are the three best of some ten thousand cells that were found by changing others at random, all close to the
    GRU. What is predicted follows from the data: classes from labels, numbers from targets, and otherwise the next
    step. It differs from the paper in Adam, in clipping by the gradient's norm, and in inputs of another length than
    the state, which enter through a matrix of their own.

    Args:
        mutation: 1, 2 or 3. Which of the cells; see `kerazoo.layers.mut`. Defaults to 1.
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
        >>> model = kerazoo.create("mut", mutation=3, num_features=88, units=8)
        >>> model.compile(seed=0)
        >>> history = model.fit("chorale", batch_size=4, verbose=0)
        >>> model.score(kerazoo.data.open_source("chorale", split="test").arrays["sequence"]).shape
        (4,)

    Source: Jozefowicz, Zaremba and Sutskever 2015, "An Empirical Exploration of Recurrent Network Architectures", ICML,
    PMLR 37.
    """

    paper = "Jozefowicz, Zaremba and Sutskever 2015, ICML, PMLR 37"

    def __init__(self, mutation: Literal[1, 2, 3] = 1, **kwargs):
        super().__init__(**kwargs)

    @property
    def cell(self):
        return f"mut{self.mutation}"
