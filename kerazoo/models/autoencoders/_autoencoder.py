"""The family of deterministic autoencoders: their step and their verbs, written once."""

import keras
import numpy as np
import tensorflow as tf

from kerazoo.base.model import ZooModel
from kerazoo.base.verbs import verb
from kerazoo.losses import bernoulli_log_likelihood
from kerazoo.models.autoencoders._corruption import CORRUPTIONS
from kerazoo.networks.dense import build_dense_decoder, build_dense_encoder
from kerazoo.utils.errors import ConfigError
from kerazoo.utils.images import as_float, as_float_array, pixel_log_odds


class Autoencoder(ZooModel):
    """Base of autoencoders of images in [0, 1]: a code of each image, and an image of each code.

    A paper builds `encoder`, from images to codes, and `decoder`, from codes to images or, with `cross_entropy`, to the
    logits of pixels. It may have the arguments `corruption` and `corruption_level` (of what the encoder sees in
    training), and write `reconstruction_loss` and `regulariser`. The loss of an image is the sum over its pixels.

    Attributes:
        cross_entropy: bool. Whether pixels are Bernoulli probabilities, and the loss is their cross-entropy in nats;
            otherwise it is the squared error. Defaults to False.
        corruption: str. A name in `CORRUPTIONS`.
        corruption_level: float. Its strength; 0, the default, leaves images as they are.
    """

    task = "autoencoding"
    roles = {"autoencoder": ("encoder", "decoder")}
    tracked = ("autoencoder_loss", "squared_error")
    image_sizes = (8, 64)
    cross_entropy = False
    corruption: str = "masking"
    corruption_level = 0.0

    def __init__(self, **kwargs):
        super().__init__(**kwargs)
        if CORRUPTIONS[self.corruption].distribution == "unit" and self.corruption_level > 1:
            raise ConfigError(f"corruption_level = {self.corruption_level}: of {self.corruption}, a probability")

    def losses(self, batch, *, training):
        images = as_float(batch["image"])
        seen = self.corrupt(images) if training else images
        codes = self.encoder(seen, training=training)
        outputs = self.decoder(codes, training=training)
        self.track(squared_error=_sum(tf.square(self.pixels(outputs) - images)))
        return self.reconstruction_loss(images, outputs) + self.regulariser(codes, training)

    # === Parts of the loss ===

    def corrupt(self, images):
        """What an encoder sees in training, of its inputs in [0, 1]; themselves unless a paper says so."""
        if not self.corruption_level:
            return images
        draw, change = CORRUPTIONS[self.corruption]
        noise = self.noise(tf.shape(images)[0], tf.shape(images)[1:], stream="corruption", distribution=draw)
        return change(images, noise, self.corruption_level)

    def reconstruction_loss(self, images, outputs):
        """The loss of each image, shape `(batch,)`, given the decoder's outputs."""
        if self.cross_entropy:
            flat = [tf.reshape(x, [tf.shape(x)[0], -1]) for x in (images, outputs)]
            return -bernoulli_log_likelihood(*flat)
        return _sum(tf.square(outputs - images))

    def regulariser(self, codes, training):
        """The addition to the loss of each image, shape `(batch,)` or `()`; nothing unless a paper says so."""
        return 0.0

    def pixels(self, outputs):
        """Images in [0, 1] of the decoder's outputs."""
        return tf.sigmoid(outputs) if self.cross_entropy else tf.cast(outputs, tf.float32)

    # === Verbs ===

    @property
    def code_shape(self):
        """Shape of one image's code."""
        return tuple(self.encoder.output_shape[1:])

    def call(self, inputs, training=False):
        """Reconstructions, in the range of `reconstruct`, of images (uint8, or float in [0, 1])."""
        return self.pixels(self.decoder(self.encoder(as_float(inputs), training=training), training=training))

    @verb("images", images="images")
    def reconstruct(self, images):
        """The images of the images' codes.

        Returns:
            np.ndarray. float32, shape of `images`; within [0, 1] where the decoder is.
        """
        return self.call(images)

    @verb("codes", images="images")
    def encode(self, images):
        """The codes of images.

        Returns:
            np.ndarray. float32, shape `(num, ...)`.
        """
        return tf.cast(self.encoder(images, training=False), tf.float32)

    @verb("images", z="codes")
    def decode(self, z):
        """The images of codes.

        Returns:
            np.ndarray. float32, shape `(num, *image_shape)`.
        """
        return self.pixels(self.decoder(z, training=False))


class DenseAutoencoder(Autoencoder):
    """Base of autoencoders of dense layers: `hidden_units` down to the code of `latent_dim` numbers, and back up.

    A paper passes the activations to `build_networks`.
    """

    hidden_units: tuple[int, ...] = ()

    def build_networks(self, activation, *, code_activation=None, output_activation=None, tied=False):
        """Set `encoder` and `decoder`.

        Args:
            activation: str. Of the hidden layers.
            code_activation: str or None. Of the code. Defaults to None, linear.
            output_activation: str or None. Of the output. Defaults to None, linear; leave it with `cross_entropy`.
            tied: bool. Whether the decoder's kernels are the encoder's, transposed. Defaults to False.
        """
        sizes = (self.image_shape, self.hidden_units, self.latent_dim)
        of = {"activation": activation, "dtype": self.dtype_policy}
        self.encoder = build_dense_encoder(*sizes, code_activation=code_activation, **of)
        tied_to = self.encoder if tied else None
        self.decoder = build_dense_decoder(*sizes, output_activation=output_activation, tied_to=tied_to, **of)

    def adapt(self, arrays):
        """Begin at the images' mean: an output without inputs gives each pixel's.

        Args:
            arrays: dict[str, np.ndarray]. The training examples, as `Source.arrays`.
        """
        output, images = self.decoder.get_layer("output"), arrays["image"]
        linear = output.activation is keras.activations.linear and not self.cross_entropy
        output.bias.assign(as_float_array(images).mean(axis=0).reshape(-1) if linear else pixel_log_odds(images))

    def filters(self):
        """What each unit of the first layer looks for: the image of norm 1 that excites it most, its weights.

        Returns:
            np.ndarray. float32, shape `(units, *image_shape)`.

        Source: Ng 2011, "Sparse autoencoder", CS294A lecture notes, section 4.
        """
        first = next(layer for layer in self.encoder.layers if isinstance(layer, keras.layers.Dense))
        kernel = first.kernel.numpy()
        return (kernel / np.linalg.norm(kernel, axis=0)).T.reshape(-1, *self.image_shape)


def _sum(values):
    """The sum over each example's numbers."""
    return tf.reduce_sum(values, axis=list(range(1, len(values.shape))))
