"""One function of a model, with the names of what goes in and out."""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import tensorflow as tf

from kerazoo.base.inputs import Input


@dataclass(frozen=True)
class Endpoint:
    """One function of a model, as others call it.

    Attributes:
        function: callable. From tensors, in the order of `inputs`, to a tensor, a tuple of tensors, or a dict of them.
        inputs: dict[str, Input].
        outputs: str, tuple of str, or None. The name of the tensor, or the names of the tuple's; a dict has its own.
        int8: str or None. Why its numbers cannot be quantised to int8; None where they can.
        server_only: str or None. Why it cannot run on a device, one phrase; None where it can.

    Example:
        >>> model = kerazoo.load("dcgan")
        >>> model.endpoints()["generate"](z=np.zeros((1, model.latent_dim), "float32"))["images"].shape
        TensorShape([1, 28, 28, 1])
    """

    function: Callable
    inputs: dict[str, Input]
    outputs: str | tuple[str, ...] | None = None
    int8: str | None = None
    server_only: str | None = None

    def __call__(self, **inputs):
        """Run on named inputs.

        Args:
            **inputs: array or tensor for each name in `inputs`, of its shape; converted to its dtype.

        Returns:
            dict[str, tf.Tensor]. Output name -> tensor.

        Raises:
            KeyError: an input is left out.
            tf.errors.InvalidArgumentError: a number out of its bounds.
        """
        tensors = {name: tf.convert_to_tensor(inputs[name], one.dtype) for name, one in self.inputs.items()}
        found = self.function(*(one.check(tensors[name]) for name, one in self.inputs.items()))
        names = (self.outputs,) if isinstance(self.outputs, str) else self.outputs
        return dict(found) if names is None else dict(zip(names, tf.nest.flatten(found), strict=True))

    def unnamed(self, found):
        """Named results as `function` itself gives them.

        Args:
            found: dict. Output name -> array or tensor.

        Returns:
            The one value, the tuple of them, or the dict, as `outputs` says.
        """
        if self.outputs is None:
            return found
        return found[self.outputs] if isinstance(self.outputs, str) else tuple(found[name] for name in self.outputs)

    def example(self, rng, rows=2):
        """Named example inputs.

        Args:
            rng: np.random.Generator.
            rows: int. Rows of the inputs that have a batch. Defaults to 2.

        Returns:
            dict[str, np.ndarray]. Input name -> array, for `__call__`.
        """
        return {name: np.asarray(one.draw(rng, rows)) for name, one in self.inputs.items()}

    @property
    def batchable(self):
        """Whether every input has one row for each example, so that requests may be joined."""
        return all(one.shape[:1] == (None,) for one in self.inputs.values())


# Why a recurrence over time is not quantised to int8.
LOOP = "the converter's calibration cannot follow a loop"
# Why a log-likelihood or an energy of a whole image is not: measured, it was off by hundreds of nats.
NATS = "eight bits are too few for a sum of nats"
# Why a function cannot run on a device.
STRINGS = "LiteRT has no strings: give tokens"
SEEDED = "LiteRT draws no seeded random numbers: give noise"
