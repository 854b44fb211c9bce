"""The family of normalizing flows: their exact likelihood and their verbs, written once."""

import math
from typing import Annotated

import tensorflow as tf
from pydantic import Field

from kerazoo.base import inputs
from kerazoo.base.arguments import model_parameters
from kerazoo.base.endpoints import NATS, Endpoint
from kerazoo.base.latents import LatentModel
from kerazoo.base.model import ZooModel
from kerazoo.base.priors import random_generator
from kerazoo.base.verbs import verb
from kerazoo.losses import gaussian_log_density
from kerazoo.utils.errors import ConfigError
from kerazoo.utils.images import as_float, as_float_array

Features = Annotated[int, Field(ge=2, strict=True)]  # one part of them is scaled by a function of the other
Margin = Annotated[float, Field(gt=0, lt=0.5)]
LEVELS = 256  # of a pixel


class Flow(LatentModel, ZooModel):
    """Base of models that turn examples into standard normal latents of the same size by a map that can be inverted.

    A paper builds `flow`, a `kerazoo.layers.bijections.Bijection` from prepared examples to latents, vectors, and has
    an argument `num_scales` where it halves images. Points are prepared as they are, images by `DequantisedPixels`;
    the likelihood is that of what users see, with the Jacobian of every step.
    """

    task = "exact-density"
    roles = {"flow": ("flow",)}
    tracked = ("flow_loss", "bits_per_dimension")
    image_sizes = (8, 64)

    @property
    def latent_dim(self):
        """Length of a latent vector, that of an example."""
        return math.prod(self.space.shape)

    @property
    def preparation(self):
        """What turns examples into the flow's inputs and back: `DequantisedPixels` or `PlainPoints`."""
        return PlainPoints() if self.image_shape is None else DequantisedPixels(self.image_shape, self.logit_margin)

    @classmethod
    def fitting_shape(cls, shape, arguments):
        """A square within `image_sizes` that can be halved as often as the flow does."""
        side, _, channels = super().fitting_shape(shape, arguments)
        scales = arguments.get("num_scales", model_parameters(cls)["num_scales"].default)
        side = max(side >> scales, 1) << scales
        return side, side, channels

    def check_halves(self):
        """Raise a `ConfigError` unless the images can be halved `num_scales` times."""
        if any(side % 2**self.num_scales for side in self.image_shape[:2]):
            height, width, _ = self.image_shape
            raise ConfigError(
                f"{type(self).__name__}: images of {height}x{width} pixels cannot be halved num_scales = "
                f"{self.num_scales} times: sides that are multiples of {2**self.num_scales} are expected"
            )

    # === Training ===

    def losses(self, batch, *, training):
        examples = batch[self.batch_key]
        noise = self.preparation.noise(self, tf.shape(examples)[0], "train" if training else "test")
        nats = -self._score(examples, *noise)
        self.track(bits_per_dimension=nats / (self.latent_dim * math.log(2)))
        return nats

    def _score(self, examples, *noise):
        """log p of each example, in nats."""
        x, log_jacobian = self.preparation.to_flow(examples, *noise)
        z, log_det = self.flow(x)
        return gaussian_log_density(z, 0.0, tf.zeros_like(z)) + log_det + log_jacobian

    # === Verbs ===

    def call(self, inputs, training=False):
        """Examples in the range that users see, of latents of shape `(batch, latent_dim)`."""
        return self.preparation.from_flow(self.flow.inverse(inputs))

    @verb("latents", examples="examples")
    def encode(self, examples):
        """The latents of examples; `decode` gives the examples back. Pixels stand for the middle of their level.

        Returns:
            np.ndarray. float32, shape `(num, latent_dim)`; standard normal where examples are like those learned from.
        """
        return self.flow(self.preparation.to_flow(examples)[0])[0]

    def score(self, examples, *, seed=0, batch_size=256):
        """The log-likelihood of each example: exact for points, a lower bound, by one draw, for images of 8 bits.

        An image of levels k has the probability of the cube of real numbers that are rounded down to k. The density at
        a random place of the cube is its estimate, and the mean of its logarithm lies below (Theis et al. 2016,
        "A note on the evaluation of generative models", section 3.1).

        Args:
            examples: array. Points, float, or images, uint8, or float in [0, 1], which are rounded to 8 bits.
            seed: int or None. Of the places in the cubes; None draws anew. Defaults to 0.
            batch_size: int. Examples computed at a time. Defaults to 256.

        Returns:
            np.ndarray. float32, shape `(num,)`, in nats, higher is better: of points log densities, of images log
            probabilities.

        Raises:
            DataError: a wrong shape or values out of range.
            ConfigError: the seed is out of range, or `batch_size` is below 1.
        """
        examples = as_float_array(self.check_inputs(examples))
        noise = self.preparation.drawn(random_generator(seed), len(examples))
        return self.calls.in_batches(self._score, examples, *noise, batch_size=batch_size)

    def extra_endpoints(self):
        given = {self.space.name: self.space.input(), **self.preparation.inputs()}
        return {**super().extra_endpoints(), "score": Endpoint(self._score, given, "nats", int8=NATS)}


class PlainPoints:
    """Points go into the flow as they are."""

    def noise(self, model, rows, stream):
        """What `to_flow` takes beside the examples of a training batch: a tuple of tensors."""
        return ()

    def drawn(self, rng, num):
        """The same of `num` examples, drawn by a NumPy generator."""
        return ()

    def inputs(self):
        """The same as inputs of an exported signature."""
        return {}

    def to_flow(self, points):
        """The flow's inputs, and log |det of the Jacobian| of each example."""
        points = tf.cast(points, tf.float32)
        return points, tf.zeros(tf.shape(points)[:1])

    def from_flow(self, x):
        """Examples of the flow's inputs."""
        return x


class DequantisedPixels:
    """Pixels k of 8 bits become logit(a + (1 - 2a) (k + u) / 256), with u uniform on [0, 1): real numbers.

    Args:
        shape: tuple[int, int, int]. Of an image.
        margin: float in (0, 0.5). a, which keeps black and white pixels away from infinity.

    Source: Uria et al. 2013, "RNADE", arXiv:1306.0186, for the noise; Dinh et al. 2017, section 4.1, for the logit.
    """

    def __init__(self, shape, margin):
        self.shape, self.margin = shape, margin

    def noise(self, model, rows, stream):
        """As of `PlainPoints`."""
        return (model.noise(rows, self.shape, stream=f"{stream}_dequantise", distribution="unit"),)

    def drawn(self, rng, num):
        """As of `PlainPoints`."""
        return (rng.random((num, *self.shape), "float32"),)

    def inputs(self):
        """As of `PlainPoints`."""
        return {"noise": inputs.noise(*self.shape)}

    def to_flow(self, images, noise=0.5):
        """As of `PlainPoints`; the Jacobian is that of 8-bit levels."""
        y = (tf.round(as_float(images) * (LEVELS - 1)) + noise) / LEVELS
        width = 1 - 2 * self.margin
        log_p, log_q = tf.math.log(self.margin + width * y), tf.math.log(self.margin + width * (1 - y))
        log_slope = math.log(width / LEVELS) - log_p - log_q
        return log_p - log_q, tf.reduce_sum(log_slope, axis=[1, 2, 3])

    def from_flow(self, x):
        """As of `PlainPoints`; what lies beyond black and white is black and white."""
        y = (tf.sigmoid(x) - self.margin) / (1 - 2 * self.margin)
        return tf.clip_by_value((LEVELS * y - 0.5) / (LEVELS - 1), 0.0, 1.0)
