"""Networks of long short-term memory: of 1997, with a forget gate, with peepholes, and the variants of Greff et al."""

from typing import Literal

from kerazoo.base.registry import register
from kerazoo.models.sequences._recurrent import RecurrentNetwork


@register("lstm")
class LSTMNetwork(RecurrentNetwork):
    """Long short-term memory for sequences of vectors: labelled, with numbers to predict, or read on step by step.

    The defaults are the LSTM with a forget gate whose bias begins at 1, and no peepholes. `variant="nfg"` is that of
    1997, which had no forget gate; `peepholes=True` the vanilla LSTM of Greff et al., and with a `variant` one of their
    eight. What is predicted follows from the data: classes from labels, numbers from targets, and otherwise the next
    step. It differs from the papers in Adam, in clipping by the gradient's norm, and in the weights at the start
    (Glorot, orthogonal).

    Args:
        variant: `"nig"`, `"nfg"`, `"nog"`, `"niaf"`, `"noaf"`, `"cifg"`, `"fgr"` or None. What is left out of the LSTM
            or added; see `kerazoo.layers.lstm.LSTM`. Defaults to None.
        peepholes: bool. Whether the gates see the cells. Defaults to False.
        forget_bias: float. Bias of the forget gate at the start. Defaults to 1.0.
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
        >>> model = kerazoo.create("lstm", num_features=2, units=8, predicts="numbers", num_outputs=1, every_step=False)
        >>> model.compile(seed=0)
        >>> history = model.fit("adding:10,num=64", batch_size=16, verbose=0)
        >>> model.regress(kerazoo.data.open_source("adding:10", split="test").arrays["sequence"][:3]).shape
        (3, 1)

    Source: Hochreiter and Schmidhuber 1997, "Long Short-Term Memory", Neural Computation 9(8); Gers, Schmidhuber and
    Cummins 2000, Neural Computation 12(10); Greff et al. 2017, arXiv:1503.04069; bidirectional: Graves and Schmidhuber
    2005, Neural Networks 18(5-6); dropout: Zaremba, Sutskever and Vinyals 2014, arXiv:1409.2329.
    """

    paper = "Hochreiter and Schmidhuber 1997, Neural Computation 9(8); Gers et al. 2000, Neural Computation 12(10)"
    cell = "lstm"

    def __init__(
        self,
        variant: Literal["nig", "nfg", "nog", "niaf", "noaf", "cifg", "fgr"] | None = None,
        peepholes: bool = False,
        forget_bias: float = 1.0,
        **kwargs,
    ):
        super().__init__(**kwargs)

    def cell_options(self):
        return {"variant": self.variant, "peepholes": self.peepholes, "forget_bias": self.forget_bias}
