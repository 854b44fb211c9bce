"""Denoising autoencoder (Vincent et al. 2008, 2010), and the Markov chain that it defines (Bengio et al. 2013)."""

import keras
import numpy as np
import tensorflow as tf

from kerazoo.base.arguments import Activation, HiddenWidths, ImageShape, PositiveInt, Weight
from kerazoo.base.endpoints import SEEDED
from kerazoo.base.inputs import images, noise, num_samples, number, seed
from kerazoo.base.priors import random_generator
from kerazoo.base.registry import register
from kerazoo.base.verbs import endpoint
from kerazoo.metrics import psnr
from kerazoo.models.autoencoders._autoencoder import DenseAutoencoder
from kerazoo.models.autoencoders._corruption import CORRUPTIONS, CorruptionName
from kerazoo.utils.checks import MAX_SEED, check_integer
from kerazoo.utils.images import as_float_array

# Of `own_figures`: the noise that is taken away, and the length of the chain.
SIGMA, CHAIN_STEPS, CHAIN_EVERY = 0.5, 2000, 10


@register("denoising_autoencoder")
class DenoisingAutoencoder(DenseAutoencoder):
    """Autoencoder that learns to undo a corruption of its input.

    The encoder sees a corrupted image, the loss is the cross-entropy of the clean one: the pixels are the decoder's
    Bernoulli probabilities. Only training corrupts; `reconstruct` and `encode` take images as they are.

    Bengio et al. 2013: where the decoder has learnt p(image | corrupted image), the Markov chain that alternates the
    corruption and a draw from the decoder has the distribution of the data as its stationary one. `generate` runs it,
    from coin flips in place of pixels; `walk` shows it on its way.

    It differs from Vincent et al. 2010 in Adam instead of gradient descent, and in how many pixels are masked, or salt
    or pepper: they draw a fixed number of an image's, here each one is drawn on its own. Gaussian noise leaves [0, 1],
    as theirs does.

    Args:
        image_shape: tuple[int, int, int]. Height, width and channels. Defaults to `(28, 28, 1)`.
        latent_dim: int. Length of a code. It may be longer than an image: the corruption keeps the network from
            copying. Defaults to 500.
        hidden_units: tuple[int, ...]. Widths of layers before the code; the decoder has them in reverse. Defaults to
            `()`, none, as in the papers.
        activation: str. Of the hidden layers and the code: `"linear"`, `"sigmoid"`, `"tanh"` or `"relu"`. Defaults to
            `"sigmoid"`.
        corruption: str. `"masking"` (pixels become zero), `"gaussian"` (noise is added) or `"salt_and_pepper"` (pixels
            become zero or one). Defaults to `"masking"`.
        corruption_level: float. The probability of a pixel to be changed, or the noise's standard deviation. Defaults
            to 0.25.
        tied_weights: bool. Whether the decoder's kernels are the encoder's, transposed. Defaults to False.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument or a value out of range.

    Example:
        >>> model = kerazoo.create("denoising_autoencoder", corruption="salt_and_pepper", corruption_level=0.5)
        >>> model.reconstruct(np.zeros((4, 28, 28, 1), "uint8")).shape  # or float in [0, 1]
        (4, 28, 28, 1)
        >>> model.generate(4, num_steps=100, seed=0).shape
        (4, 28, 28, 1)
        >>> model.walk(2, num_steps=100, every=20, seed=0).shape
        (2, 5, 28, 28, 1)

    Source: Vincent, Larochelle, Bengio and Manzagol 2008, "Extracting and Composing Robust Features with Denoising
    Autoencoders"; Vincent et al. 2010, JMLR 11; Bengio, Yao, Alain and Vincent 2013, "Generalized Denoising
    Auto-Encoders as Generative Models", arXiv:1305.6663.
    """

    paper = "Vincent et al. 2008, ICML; Vincent et al. 2010, JMLR 11; Bengio et al. 2013, arXiv:1305.6663"
    cross_entropy = True

    def __init__(
        self,
        image_shape: ImageShape = (28, 28, 1),
        latent_dim: PositiveInt = 500,
        hidden_units: HiddenWidths = (),
        activation: Activation = "sigmoid",
        corruption: CorruptionName = "masking",
        corruption_level: Weight = 0.25,
        tied_weights: bool = False,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.build_networks(activation, code_activation=activation, tied=tied_weights)

    def default_optimizers(self):
        return {"autoencoder": keras.optimizers.Adam(1e-3)}

    # === The Markov chain ===

    def generate(self, num_samples=16, *, num_steps=1000, seed=None):
        """Draw images, each at the end of a chain of its own.

        Args:
            num_samples: int. How many. Defaults to 16.
            num_steps: int. Steps of each chain; short chains have not left their start. Defaults to 1000.
            seed: int or None. The same seed gives the same images; None gives fresh ones. Defaults to None.

        Returns:
            np.ndarray. float32 in [0, 1], shape `(num_samples, *image_shape)`: the last step's pixel probabilities.

        Raises:
            ConfigError: a count or the seed is out of range.
        """
        return self.walk(num_samples, num_steps=num_steps, every=num_steps, seed=seed)[:, -1]

    def walk(self, num_chains=1, *, num_steps=1000, every=1, seed=None):
        """Follow chains: what `generate` gives after `every` steps, after twice as many, and so on.

        Args:
            num_chains: int. How many. Defaults to 1.
            num_steps: int. Steps of each chain. Defaults to 1000.
            every: int. Steps from picture to picture. Defaults to 1.
            seed: int or None. As for `generate`. Defaults to None.

        Returns:
            np.ndarray. float32 in [0, 1], shape `(num_chains, num_steps // every, *image_shape)`.

        Raises:
            ConfigError: a count or the seed is out of range.
        """
        num_steps, every = check_integer("num_steps", num_steps), check_integer("every", every, 1, num_steps)
        words = random_generator(seed).integers(MAX_SEED, size=2).astype("int32")
        drawn = self.calls(self._start, np.zeros(check_integer("num_chains", num_chains), "float32"), words)
        pictures = []
        for step in range(0, num_steps - every + 1, every):
            drawn, pixels = self.calls(self._steps, drawn, np.array([step, step + every], "int32"), words)
            pictures.append(pixels)
        return np.stack(pictures, axis=1)

    def draw_images(self, outputs, uniform):
        """Images drawn from the decoder's distribution, by noise uniform on [0, 1) of their shape."""
        return tf.cast(uniform < self.pixels(outputs), tf.float32)

    def chain_step(self, drawn, noise, uniform):
        """A step of the chain: the images that are drawn, and the probabilities of their pixels."""
        corrupted = CORRUPTIONS[self.corruption].change(drawn, noise, self.corruption_level)
        outputs = self.decoder(self.encoder(corrupted, training=False), training=False)
        return self.draw_images(outputs, uniform), self.pixels(outputs)

    def _start(self, rows, seed):
        shape = tf.concat([tf.shape(rows), self.image_shape], axis=0)
        return tf.cast(tf.random.stateless_uniform(shape, tf.random.fold_in(seed, -1)) < 0.5, tf.float32)

    def _steps(self, drawn, bounds, seed):
        """The chain from step `bounds[0]` to `bounds[1]`."""
        draws = {"unit": tf.random.stateless_uniform, "normal": tf.random.stateless_normal}
        draw = draws[CORRUPTIONS[self.corruption].distribution]

        def step(number, drawn, _):
            words = [tf.random.fold_in(seed, 2 * number + i) for i in (0, 1)]
            noise, uniform = draw(tf.shape(drawn), words[0]), draws["unit"](tf.shape(drawn), words[1])
            return number + 1, *self.chain_step(drawn, noise, uniform)

        return tf.while_loop(lambda number, *_: number < bounds[1], step, (bounds[0], drawn, drawn))[1:]

    @endpoint(
        "images",
        server_only=SEEDED,
        seed=lambda model: seed(),
        num_samples=lambda model: num_samples(),
        num_steps=lambda model: number(5, 1, 10_000, shown=1000),
    )
    def _sample(self, seed, num_samples, num_steps):
        words = tf.stack([seed, 0])
        return self._steps(self._start(tf.zeros([num_samples]), words), tf.stack([0, num_steps]), words)[1]

    @endpoint(
        ("drawn", "images"),
        drawn=lambda model: images(model.image_shape),
        noise=lambda model: noise(*model.image_shape, distribution=CORRUPTIONS[model.corruption].distribution),
        uniform=lambda model: noise(*model.image_shape),
    )
    def _step(self, drawn, noise, uniform):
        """One step, for a device that draws its own noise."""
        return self.chain_step(drawn, noise, uniform)

    # === Measuring ===

    def own_figures(self, data, settings, extractor):
        """Noise taken away, in decibels; with an extractor, the classes that one chain visits.

        Returns:
            dict[str, float]. `noisy_psnr` of images with Gaussian noise of 0.5, clipped to [0, 1], and `denoised_psnr`
            of their reconstructions; `chain_classes`, those of at least 1% of 2,000 steps, every tenth of which is
            classified, and `chain_confidence`, the mean probability of the class found.
        """
        source, rng = data.open(settings.split), np.random.default_rng(settings.seed)
        clean = as_float_array(source.sample(min(settings.num, len(source)), seed=settings.seed)["image"])
        noisy = clean + SIGMA * rng.standard_normal(clean.shape, "float32")
        denoised = self.calls.in_batches(self.call, noisy, batch_size=256)
        found = {"noisy_psnr": psnr(noisy.clip(0, 1), clean).mean(), "denoised_psnr": psnr(denoised, clean).mean()}
        if settings.extractor is not None:
            walk = self.walk(num_steps=CHAIN_STEPS, every=CHAIN_EVERY, seed=settings.seed)[0]
            probabilities = extractor().classify(walk)
            shares = np.bincount(probabilities.argmax(axis=1)) / len(walk)
            found |= {"chain_classes": (shares >= 0.01).sum(), "chain_confidence": probabilities.max(axis=1).mean()}
        return {name: float(value) for name, value in found.items()}

    def own_pictures(self, examples, seed):
        """Corrupted images over their reconstructions, and fifty of 2,000 steps of a chain."""
        draw, change = CORRUPTIONS[self.corruption]
        noise = getattr(np.random.default_rng(seed), {"unit": "random", "normal": "standard_normal"}[draw])
        clean = np.asarray(examples[:10], "float32")
        corrupted = np.asarray(change(clean, noise(clean.shape, dtype="float32"), self.corruption_level))
        chain = self.walk(num_steps=CHAIN_STEPS, every=CHAIN_STEPS // 50, seed=seed)[0]
        return [corrupted, self.calls(self.call, corrupted), chain]
