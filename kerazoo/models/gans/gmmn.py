"""GMMN: generative moment matching networks (Li, Swersky and Zemel 2015)."""

from functools import partial

import keras
import tensorflow as tf

from kerazoo.base.arguments import Bandwidths, ImageShape, PositiveInt, Widths
from kerazoo.base.example_spaces import Images
from kerazoo.base.latents import LatentModel
from kerazoo.base.model import ZooModel
from kerazoo.base.registry import register
from kerazoo.base.stages import Stage
from kerazoo.losses import maximum_mean_discrepancy, mean_squared_error
from kerazoo.models.gans._batches import of_whole_batch
from kerazoo.models.gans._points_or_images import PointsOrImages
from kerazoo.networks.dense import build_mlp


@register("gmmn")
class GMMN(PointsOrImages, LatentModel, ZooModel):
    """Generative moment matching network, for images in [0, 1] or for points, with dense networks.

    There is no adversary. The generator minimises the maximum mean discrepancy (MMD) between a batch of generated and a
    batch of real examples under a sum of Gaussian kernels; its square root, whose gradient stays where the two are
    close (section 3.2). Batches must be large, 1,000 in the paper.

    With `autoencoder_units` there are two stages (section 4): an autoencoder learns to reconstruct, then the generator
    learns the distribution of its codes, and generated codes go through the decoder. The generator ends with sigmoids,
    and so do the codes, as in the paper; the latents are uniform.

    It differs from the paper in the autoencoder's training, all layers at once on squared error instead of layer by
    layer with dropout, and in the optimizer, Adam with rate 1e-3, where the paper searches for rate and momentum.

    Args:
        image_shape: tuple[int, int, int] or None. Of images: height, width and channels.
        num_features: int or None. Dimension of points. Exactly one of this and `image_shape` is given.
        latent_dim: int. Length of a latent vector. Defaults to 10.
        generator_units: tuple[int, ...]. Widths of the hidden layers. Defaults to `(64, 256, 256, 1024)`.
        autoencoder_units: tuple[int, ...]. Widths of the encoder's layers, the last one the length of a code; the
            decoder has them in reverse. Defaults to `()`: the generator makes examples, and no codes.
        bandwidths: tuple[float, ...]. Of the kernels exp(-|x - y|^2 / (2 s)). Defaults to `(2, 5, 10, 20, 40, 80)`.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument, a value out of range, or not exactly one of `image_shape` and `num_features`.

    Example:
        >>> fresh = kerazoo.create("gmmn", image_shape=(28, 28, 1), autoencoder_units=(1024, 32))
        >>> [stage.name for stage in fresh.stages()]
        ['autoencoder', 'generator']
        >>> points = kerazoo.create("gmmn", num_features=2, bandwidths=(0.01, 0.1, 1.0))
        >>> points.compile(seed=0)
        >>> points.fit("ring", batch_size=1000, epochs=10)  # doctest: +SKIP

    Source: Li, Swersky and Zemel 2015, "Generative Moment Matching Networks", arXiv:1502.02761.
    """

    paper = "Li, Swersky and Zemel 2015, arXiv:1502.02761"
    roles = {"generator": ("generator",)}  # a model with an autoencoder has its role, too
    prior = "uniform"
    image_space = Images
    image_sizes = (8, 64)

    def __init__(
        self,
        image_shape: ImageShape | None = None,
        num_features: PositiveInt | None = None,
        latent_dim: PositiveInt = 10,
        generator_units: Widths = (64, 256, 256, 1024),
        autoencoder_units: tuple[PositiveInt, ...] = (),
        bandwidths: Bandwidths = (2.0, 5.0, 10.0, 20.0, 40.0, 80.0),
        **kwargs,
    ):
        super().__init__(**kwargs)
        build = self.networks(generator_units=generator_units)
        if not autoencoder_units:
            self.generator = build.generator(latent_dim)
            return
        *hidden, code_dim = autoencoder_units
        sigmoid = {"output_activation": "sigmoid"}
        self.encoder = build.encoder(hidden, code_dim, **sigmoid)
        self.decoder = build.decoder(hidden, code_dim)
        self.generator = build_mlp(
            latent_dim, generator_units, code_dim, **sigmoid, dtype=self.dtype_policy, name="generator"
        )
        self.roles = {"autoencoder": ("encoder", "decoder"), **self.roles}

    @property
    def task(self):
        return self.space.generation_task

    def call(self, inputs, training=False):
        """Examples, images in [0, 1], of latents of shape `(batch, latent_dim)`."""
        made = self.generator(inputs, training=training)
        return self.decoder(made, training=training) if self.autoencoder_units else made

    # === Training ===

    def stages(self):
        return tuple(Stage(role, (role,), (f"{role}_loss",), keeps_averages=False) for role in self.roles)

    def default_optimizers(self):
        return {role: keras.optimizers.Adam(1e-3) for role in self.roles}

    def losses(self, batch, *, training):
        real = self.space.to_network(batch[self.batch_key])
        codes = self.encoder(real, training=training) if self.autoencoder_units else real
        if self.stage.name == "autoencoder":
            return mean_squared_error(self.decoder(codes, training=training), real)
        z = self.latent_prior.noise(self, tf.shape(real)[0], "latent" if training else "test_latent")
        discrepancy = partial(maximum_mean_discrepancy, bandwidths=self.bandwidths)
        return of_whole_batch(discrepancy, codes, self.generator(z, training=training))
