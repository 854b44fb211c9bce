"""MMD GAN: moment matching by a kernel that an adversary learns (Li et al. 2017)."""

import tensorflow as tf

from kerazoo.base.arguments import Bandwidths, Positive, PositiveInt, Weight
from kerazoo.base.registry import register
from kerazoo.base.verbs import verb
from kerazoo.losses import maximum_mean_discrepancy, mean_squared_error
from kerazoo.models.gans._autoencoding import AutoencodingGAN
from kerazoo.models.gans._batches import of_whole_batch
from kerazoo.models.gans._wasserstein import clip_weights, slow_rmsprop


@register("mmd_gan")
class MMDGAN(AutoencodingGAN):
    """GAN of maximum mean discrepancy (MMD), for square images of 16 to 128 pixels or for points of any dimension.

    The generator minimises the MMD between generated and real examples under a sum of Gaussian kernels of their codes.
    The codes are those of an encoder, which maximises the MMD, so that the kernel shows where the two differ. A decoder
    keeps the encoder nearly injective by `reconstruction_weight` times the mean squared error of real and of generated
    examples, and clipping of the encoder's weights to [-clip_value, clip_value] keeps it smooth (algorithm 1).
    `n_critic` such updates, each on a fresh real batch and fresh latents, are followed by one of the generator. RMSprop
    with rate 5e-5; standard normal latents.

    The paper's reduction of the feasible set is a term of both sides: `rank_weight` times the part of the mean real
    code that is below the mean generated one. As in the authors' code the MMD is the root of the biased estimate. It
    differs from that code in a constant number of updates of the encoder.

    `fit(batch_size=b)` takes `n_critic` batches of b examples a step. A dataset's own batch is divided into `n_critic`
    parts; one with fewer examples than that gives some of them to several updates.

    Args:
        image_shape: tuple[int, int, int] or None. Of images: square, 16 to 128 pixels, 1 or 3 channels.
        num_features: int or None. Dimension of points. Exactly one of this and `image_shape` is given.
        latent_dim: int. Length of a latent vector. Defaults to 100.
        code_dim: int. Length of a code. Defaults to 100.
        filters: int. For images: channels next to the image; they double with each halving. Defaults to 64.
        kernel_size: int. For images: side of all kernels. Defaults to 5.
        generator_units, encoder_units: tuple[int, ...]. For points: widths of the hidden layers; the decoder has the
            encoder's in reverse. Default to `(128, 128)`.
        n_critic: int. Updates of encoder and decoder for one of the generator. Defaults to 5.
        clip_value: float above 0. The bound of the encoder's weights. Defaults to 0.01.
        bandwidths: tuple[float, ...]. Of the kernels exp(-|x - y|^2 / (2 s)). Defaults to `(1, 4, 16, 64, 256)`, the
            squares of 1, 2, 4, 8 and 16.
        reconstruction_weight: float, at least 0. Defaults to 8.0.
        rank_weight: float, at least 0. Defaults to 16.0.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument, a value out of range, or not exactly one of `image_shape` and `num_features`.

    Example:
        >>> fresh = kerazoo.create("mmd_gan", image_shape=(16, 16, 1), code_dim=16)
        >>> fresh.encode(fresh.generate(4, seed=0)).shape
        (4, 16)

    Source: Li, Chang, Cheng, Yang and Poczos 2017, "MMD GAN: Towards Deeper Understanding of Moment Matching Network",
    arXiv:1705.08584.
    """

    paper = "Li, Chang, Cheng, Yang and Poczos 2017, arXiv:1705.08584"
    roles = {"critic": ("encoder", "decoder"), "generator": ("generator",)}
    tracked = ("critic_loss", "generator_loss", "gap", "squared_error")

    def __init__(
        self,
        code_dim: PositiveInt = 100,
        filters: PositiveInt = 64,
        n_critic: PositiveInt = 5,
        clip_value: Positive = 0.01,
        bandwidths: Bandwidths = (1.0, 4.0, 16.0, 64.0, 256.0),
        reconstruction_weight: Weight = 8.0,
        rank_weight: Weight = 16.0,
        **kwargs,
    ):
        super().__init__(code_dim=code_dim, filters=filters, **kwargs)
        clip_weights(self.encoder, clip_value)

    def default_optimizers(self):
        return {role: slow_rmsprop() for role in self.roles}

    # === Training ===

    def discriminator_loss(self, batch, fake, training=True):
        examples = (batch["real"], fake)
        codes = [self.encoder(x, training=training) for x in examples]
        outputs = [self.decoder(code, training=training) for code in codes]
        real_error, fake_error = map(mean_squared_error, outputs, examples)
        gap = of_whole_batch(self._gap, *codes)
        self.track(gap=gap, squared_error=real_error)
        return self.reconstruction_weight * (real_error + fake_error) - gap

    def generator_loss(self, batch, fake, training=True):
        return of_whole_batch(self._gap, *(self.encoder(x, training=training) for x in (batch["real"], fake)))

    def _gap(self, real_codes, fake_codes):
        """What the two sides play for: the MMD, less the violation of the codes' order."""
        discrepancy = maximum_mean_discrepancy(real_codes, fake_codes, self.bandwidths)
        order = tf.reduce_mean(real_codes, axis=0) - tf.reduce_mean(fake_codes, axis=0)
        return discrepancy - self.rank_weight * tf.reduce_mean(tf.nn.relu(-order))

    # === Verbs ===

    @verb("codes", examples="examples")
    def encode(self, examples):
        """The codes of examples, which the kernel compares.

        Returns:
            np.ndarray. float32, shape `(num, code_dim)`.
        """
        return self.encoder(self.space.to_network(examples), training=False)
