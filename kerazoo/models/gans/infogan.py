"""InfoGAN: GAN whose codes can be read off its images (Chen et al. 2016)."""

import math

import keras
import numpy as np
import tensorflow as tf

from kerazoo.base.arguments import NumClasses, Positive, PositiveInt, Weight
from kerazoo.base.latents import asked_labels
from kerazoo.base.priors import PRIORS, Joint, OneHot, Uniform, check_codes
from kerazoo.base.registry import register
from kerazoo.base.verbs import verb
from kerazoo.losses import (
    categorical_information,
    minimax_discriminator_loss,
    non_saturating_generator_loss,
    uniform_information,
)
from kerazoo.metrics import cluster_agreement
from kerazoo.models.gans._convolutional_gan import ConvolutionalGAN
from kerazoo.utils.checks import check_integer
from kerazoo.utils.errors import ConfigError
from kerazoo.utils.images import to_signed

# The paper's figure 2 goes from -2 to 2, beyond the codes of training.
VALUES = (-2.0, -4 / 3, -2 / 3, 0.0, 2 / 3, 4 / 3, 2.0)


@register("infogan")
class InfoGAN(ConvolutionalGAN):
    """Information maximising GAN, for square images of 16 to 128 pixels; it finds classes and styles without labels.

    The generator sees noise z, a category, and continuous codes that are uniform on [-1, 1). A network Q gives a
    distribution of the codes for an image: probabilities of the categories, and means and variances of a Gaussian for
    the others. Beside the GAN's game, generator and Q maximise the lower bound H(c) + E log Q(c | x) of the mutual
    information between the codes and the image (equations 4 to 6). Q shares the discriminator's convolutions, has one
    dense layer of its own, and learns with it, as in the authors' code; so the bound stands in the losses of both
    updates.

    It differs from the paper in its networks, which are DCGAN's, without a dense layer that both share. Adam with
    beta_1 0.5, and rates of 2e-4 for the discriminator and 1e-3 for the generator, are the paper's. For MNIST the
    authors' code keeps the standard deviation of Q at 1 (`code_std`): a variance that is learned rewards codes which
    are read off ever more exactly, so that they come to carry the digit itself.

    Args:
        num_categories: int. At least 2. Defaults to 10.
        num_codes: int. Of the continuous codes. Defaults to 2.
        categorical_weight: float, at least 0. Weight lambda of the category's bound. Defaults to 1.0, the paper's.
        continuous_weight: float, at least 0. The same for the continuous codes, smaller, since a density has no upper
            bound (section 6). Defaults to 0.1.
        code_std: float above 0, or None. The standard deviation of Q's Gaussian; None learns one for each image and
            code. Defaults to None.
        code_units: int or None. Of Q's dense layer; None reads the codes off the convolutions' maps. Defaults to 128,
            the paper's.
        image_shape, latent_dim, filters, kernel_size, prior: as for `DCGAN`; `latent_dim` and `prior` are those of the
            noise z alone. `decode` takes z, the one-hot category and the continuous codes side by side.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument or a value out of range.

    Example:
        >>> fresh = kerazoo.create("infogan", image_shape=(16, 16, 1), num_categories=3)
        >>> images = fresh.generate(4, categories=[0, 1, 2, 0], codes=[0.5, -0.5], seed=0)
        >>> fresh.infer_codes(images)["probabilities"].shape
        (4, 3)

    Source: Chen, Duan, Houthooft, Schulman, Sutskever and Abbeel 2016, "InfoGAN: Interpretable Representation Learning
    by Information Maximizing Generative Adversarial Nets", arXiv:1606.03657.
    """

    paper = "Chen, Duan, Houthooft, Schulman, Sutskever and Abbeel 2016, arXiv:1606.03657"
    tracked = ("discriminator_loss", "generator_loss", "categorical_information", "continuous_information")

    def __init__(
        self,
        num_categories: NumClasses = 10,
        num_codes: PositiveInt = 2,
        categorical_weight: Weight = 1.0,
        continuous_weight: Weight = 0.1,
        code_std: Positive | None = None,
        code_units: PositiveInt | None = 128,
        **kwargs,
    ):
        super().__init__(**kwargs)

    @property
    def latent_prior(self):
        return Joint(PRIORS[self.prior](self.latent_dim), OneHot(self.num_categories), Uniform(self.num_codes))

    @property
    def _sizes(self):
        """Of the outputs: the discriminator's logit, Q's logits, means and, unless they are given, log-variances."""
        return [1, self.num_categories, *[self.num_codes] * (2 if self.code_std is None else 1)]

    @property
    def discriminator_outputs(self):
        if self.code_units is None:
            return {"num_outputs": sum(self._sizes)}
        return {"hidden_head": (self.code_units, sum(self._sizes[1:]))}

    def default_optimizers(self):
        rates = {"discriminator": 2e-4, "generator": 1e-3}
        return {role: keras.optimizers.Adam(rate, beta_1=0.5) for role, rate in rates.items()}

    # === Training ===

    def discriminator_loss(self, batch, fake, training=True):
        real, _ = self._judge(batch["real"], training)
        judged, posterior = self._judge(fake, training)
        categorical, continuous = self._information(batch["z"], posterior)
        self.track(categorical_information=categorical, continuous_information=continuous)
        return minimax_discriminator_loss(real, judged) - self._weighted(categorical, continuous)

    def generator_loss(self, batch, fake, training=True):
        judged, posterior = self._judge(fake, training)
        return non_saturating_generator_loss(judged) - self._weighted(*self._information(batch["z"], posterior))

    def _judge(self, images, training):
        """The discriminator's logit, and what Q says: logits of the categories, means, log-variances."""
        outputs = self.discriminator(images, training=training)
        logit, logits, mean, *rest = tf.split(outputs, self._sizes, axis=1)
        log_variance = rest[0] if rest else tf.fill(tf.shape(mean), 2 * math.log(self.code_std))
        return logit, (logits, mean, log_variance)

    def _information(self, z, posterior):
        """The bounds of the category and of the continuous codes, in nats."""
        _, categories, codes = self.latent_prior.split(z)
        return categorical_information(categories, posterior[0]), uniform_information(codes, *posterior[1:])

    def _weighted(self, categorical, continuous):
        return self.categorical_weight * categorical + self.continuous_weight * continuous

    # === Verbs ===

    def generate(self, num_samples=16, *, seed=None, categories=None, codes=None, truncation=None, batch_size=256):
        """Draw images in [0, 1], also of codes that are asked for.

        Args:
            num_samples: int. How many. Defaults to 16.
            seed: int or None. The same seed gives the same images; None gives fresh ones. Defaults to None.
            categories: int, array of int, or None. One for all or one a sample; None draws them. Defaults to None.
            codes: array or None. The continuous codes, shape `(num_codes,)` for all or `(num_samples, num_codes)`;
                trained on [-1, 1). None draws them. Defaults to None.
            truncation: float or None. Keeps what is drawn and continuous within [-truncation, truncation]. Defaults to
                None.
            batch_size: int. Images computed at a time. Defaults to 256.

        Returns:
            np.ndarray. float32, shape `(num_samples, *image_shape)`.

        Raises:
            ConfigError: a count, the seed or the truncation is out of range, or codes of another shape.
            DataError: categories that there are not.
        """
        drawn = self.latent_prior.sample(num_samples, seed=seed, truncation=truncation)
        z, category, drawn = self.latent_prior.split(drawn)
        if categories is not None:
            category = self._one_hot(categories, num_samples)
        if codes is not None:
            drawn = check_codes(np.tile(codes, (num_samples, 1)) if np.ndim(codes) == 1 else codes, (self.num_codes,))
            if len(drawn) != num_samples:
                raise ConfigError(f"codes for {len(drawn)} of {num_samples} samples: one row a sample is expected")
        return self.decode(np.concatenate([z, category, drawn], axis=1), batch_size=batch_size)

    def traverse(self, code, values=None, *, num_columns=10, seed=0):
        """Images in which one code goes through values, while all else is the same along a column.

        Args:
            code: int. 0 for the category, from 1 to `num_codes` for a continuous code.
            values: sequence or None. Of the code. Defaults to None: every category, or seven values from -2 to 2.
            num_columns: int. How many different draws of all else. Defaults to 10.
            seed: int or None. Of these draws. Defaults to 0.

        Returns:
            np.ndarray. float32 in [0, 1], shape `(len(values), num_columns, *image_shape)`.

        Raises:
            ConfigError: a code that there is not, a count or the seed out of range.
        """
        code = check_integer("code", code, 0, self.num_codes)
        z = self.latent_prior.sample(num_columns, seed=seed)
        begin = self.latent_dim + self.num_categories  # of the continuous codes
        if code == 0:
            values = np.arange(self.num_categories) if values is None else np.asarray(values)
            place, rows = slice(self.latent_dim, begin), self._one_hot(values, len(values))
        else:
            place, rows = slice(begin + code - 1, begin + code), np.array(VALUES if values is None else values)[:, None]
        z = np.tile(z, (len(rows), 1, 1))
        z[..., place] = rows[:, None]
        return self.decode(z.reshape(-1, z.shape[-1])).reshape(len(rows), num_columns, *self.image_shape)

    def sample_grid(self, num=None, *, seed=0):
        """What `kerazoo sample` draws: each code goes down its values, all else is the same along a column.

        Args:
            num: int or None. About how many images; whole columns are drawn. Defaults to None: ten columns.
            seed: int or None. Defaults to 0.

        Returns:
            (images, columns): the category's rows, a white one, those of the first continuous code, and so on; and how
            many images stand side by side.
        """
        of_column = self.num_categories + self.num_codes * len(VALUES)
        columns = max(1, (10 * of_column if num is None else check_integer("num", num)) // of_column)
        grids = [self.traverse(code, num_columns=columns, seed=seed) for code in range(1 + self.num_codes)]
        rows = np.concatenate([grids[0], *(part for grid in grids[1:] for part in (np.ones_like(grid[:1]), grid))])
        return rows.reshape(-1, *self.image_shape), columns

    def _one_hot(self, categories, num):
        return np.eye(self.num_categories, dtype="float32")[asked_labels(categories, num, self.num_categories)]

    @verb("probabilities", images="images")
    def discriminate(self, images):
        """The discriminator's probability that each image is real.

        Returns:
            np.ndarray. float32 in [0, 1], shape `(num,)`.
        """
        return tf.sigmoid(self._judge(to_signed(images), training=False)[0])[:, 0]

    @verb(None, images="images")
    def infer_codes(self, images):
        """Q's distribution of the codes of each image.

        Returns:
            dict[str, np.ndarray]. float32: `probabilities` of the categories, shape `(num, num_categories)`;
            `means` and `log_variances` of the continuous codes, shape `(num, num_codes)`.
        """
        logits, means, log_variances = self._judge(to_signed(images), training=False)[1]
        return {"probabilities": tf.nn.softmax(logits), "means": means, "log_variances": log_variances}

    # === Measuring ===

    def own_figures(self, data, settings, extractor):
        """The bound on generated images, and how well the categories of real ones agree with labels, if there are any.

        Returns:
            dict[str, float]. `information_bound` in nats, the sum of `categorical_information` and
            `continuous_information`; `category_accuracy`, the fraction of real images in the category matched to their
            label, by the best matching, and `category_nmi` (see `kerazoo.metrics.cluster_agreement`).
        """
        z = self.latent_prior.sample(settings.num, seed=settings.seed)
        bounds = [part.mean(dtype="float64") for part in self.calls.in_batches(self._bounds, z, batch_size=256)]
        names = ("categorical_information", "continuous_information")
        figures = {"information_bound": float(sum(bounds)), **dict(zip(names, map(float, bounds), strict=True))}
        source = data.open(settings.split)
        rows = source.sample(min(settings.num, len(source)), seed=settings.seed)
        if "label" in rows:
            found = self.infer_codes(rows["image"])["probabilities"]
            agreement = cluster_agreement(found.argmax(axis=1), rows["label"])
            figures |= {"category_accuracy": agreement.accuracy, "category_nmi": agreement.nmi}
        return figures

    def _bounds(self, z):
        return self._information(z, self._judge(self.generator(z, training=False), training=False)[1])
