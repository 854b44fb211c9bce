"""Variational autoencoder (Kingma and Welling 2014), also with the importance weighted bound (Burda et al. 2016)."""

import keras
from keras import layers

from kerazoo.base.arguments import ImageShape, PositiveInt, Widths
from kerazoo.base.registry import register
from kerazoo.models.autoencoders._variational import VariationalAutoencoder


@register("vae")
class VAE(VariationalAutoencoder):
    """Variational autoencoder of binary images, with the networks of Burda et al. 2016.

    A Gaussian q(z | x) with diagonal covariance, a standard normal prior, independent Bernoulli pixels, tanh layers.
    Images in [0, 1] are binarised anew for every step and every score ("dynamic binarisation"). With one sample the
    loss is the negative ELBO with the analytic KL; with more it is the negative importance weighted bound, and the
    model an IWAE. `adapt(images)` sets the output's bias to the pixels' log-odds, as the authors' code does; the
    trainer calls it.

    It differs from Burda et al. in the schedule: Adam at 1e-3 with any decay that the configuration asks for, instead
    of eight stages of growing length.

    Args:
        image_shape: tuple[int, int, int]. Height, width and channels. Defaults to `(28, 28, 1)`.
        latent_dim: int. Length of a latent vector. Defaults to 50.
        hidden_units: tuple[int, ...]. Widths of the encoder's layers; the decoder has them in reverse. Defaults to
            `(200, 200)`.
        num_importance_samples: int. Samples of z for each image in training; more than one gives an IWAE. Defaults
            to 1.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument or a value out of range.

    Example:
        >>> model = kerazoo.load("vae")
        >>> images = model.generate(4, seed=0)
        >>> model.score(images, num_importance_samples=50).shape  # nats, a lower bound of log p(x)
        (4,)
        >>> model.decode(model.encode(images)["mean"]).shape
        (4, 28, 28, 1)

    Source: Kingma and Welling 2014, arXiv:1312.6114; Burda, Grosse and Salakhutdinov 2016, arXiv:1509.00519.
    """

    paper = "Kingma and Welling 2014, arXiv:1312.6114; Burda, Grosse and Salakhutdinov 2016, arXiv:1509.00519"
    roles = {"vae": ("encoder", "decoder")}
    tracked = ("vae_loss", "reconstruction", "kl")

    def __init__(
        self,
        image_shape: ImageShape = (28, 28, 1),
        latent_dim: PositiveInt = 50,
        hidden_units: Widths = (200, 200),
        num_importance_samples: PositiveInt = 1,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.encoder = self._network("encoder", self.num_pixels, hidden_units, 2 * latent_dim)
        self.decoder = self._network("decoder", latent_dim, hidden_units[::-1], self.num_pixels)

    def _network(self, name, num_inputs, widths, num_outputs):
        x = inputs = keras.Input((num_inputs,), dtype="float32")
        for width in widths:
            x = layers.Dense(width, activation="tanh", dtype=self.dtype_policy)(x)
        return keras.Model(inputs, layers.Dense(num_outputs, dtype="float32")(x), name=name)

    def default_optimizers(self):
        # Burda et al. 2016, section 5, give epsilon 1e-4.
        return {"vae": keras.optimizers.Adam(1e-3, epsilon=1e-4)}
