"""CycleGAN: translation between two image domains without pairs (Zhu, Park, Isola and Efros 2017)."""

import keras
import tensorflow as tf

from kerazoo.base.arguments import Count, ImageShape, PositiveInt, Weight
from kerazoo.base.model import ZooModel
from kerazoo.base.registry import register
from kerazoo.base.replicas import gather_rows, local_rows
from kerazoo.data.unpaired import DOMAINS, require_unpaired
from kerazoo.losses import least_squares_discriminator_loss, least_squares_generator_loss
from kerazoo.models.gans._image_pool import exchange
from kerazoo.models.image_translation._image_translator import ImageTranslator
from kerazoo.networks.image_translation import build_patch_discriminator, build_residual_generator, most_patch_layers
from kerazoo.utils.images import as_float, from_signed, to_signed


@register("cyclegan")
class CycleGAN(ImageTranslator, ZooModel):
    """Two generators, a to b and b to a, that undo each other, and a discriminator of each domain.

    Residual generators with instance normalisation and reflection padding, discriminators of 70x70 patches, least
    squares losses. The generators also minimise the L1 distance between an image and its return from the other domain
    (the cycle), and between an image and its translation to its own domain (the identity). The discriminators see a
    history of 50 translations, and their loss is halved. Weights start from N(0, 0.02); Adam has rate 2e-4 and beta_1
    0.5, constant and then linearly to zero (`training.decay_start: 0.5`); a step takes one image of each domain.

    As in the authors' code both generators share one update, then both discriminators theirs, on the translations that
    the generators' update has used. The defaults are the paper's for 256 pixels; it takes 6 blocks for 128 and less.

    Args:
        image_shape: tuple[int, int, int]. Height, width and channels of both domains; 8 pixels or more, the sides
            multiples of `2 ** num_downsamplings`. Defaults to `(256, 256, 3)`.
        filters: int. Channels of the generators at full size; they double with each downsampling. Defaults to 64.
        num_blocks: int. Residual blocks of a generator. Defaults to 9.
        num_downsamplings: int. How often a generator halves the image. Defaults to 2.
        discriminator_filters: int. Channels of a discriminator's first layer. Defaults to 64.
        discriminator_layers: int. Its layers of stride 2: 1, 2, 3 see patches of 16, 34, 70 pixels. Defaults to 3.
        cycle_weight: float. Weight of the cycle's L1 distance on [-1, 1], the paper's lambda. Defaults to 10.0.
        identity_weight: float. Weight of the identity's, 0.5 lambda in the paper; 0 leaves it out. Defaults to 5.0.
        pool_size: int. Translations of each domain that are kept for its discriminator; 0 keeps none. Defaults to 50.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument, a value out of range, or sizes that do not fit together.

    Example:
        >>> model = kerazoo.load("cyclegan")
        >>> images = np.zeros((2, 28, 28, 3), "uint8")  # or float in [0, 1]
        >>> model.translate(images, "a_to_b").shape
        (2, 28, 28, 3)
        >>> fresh = kerazoo.create("cyclegan", image_shape=(128, 128, 3), num_blocks=6)
        >>> fresh.compile(seed=0)
        >>> fresh.fit("unpaired:folder:horses,folder:zebras", batch_size=1, epochs=200)  # doctest: +SKIP

    Source: Zhu, Park, Isola and Efros 2017, "Unpaired Image-to-Image Translation using Cycle-Consistent Adversarial
    Networks", arXiv:1703.10593.
    """

    paper = "Zhu, Park, Isola and Efros 2017, arXiv:1703.10593"
    roles = {"generators": ("generator_ab", "generator_ba"), "discriminators": ("discriminator_a", "discriminator_b")}
    # The L1 distances are of images in [0, 1].
    tracked: tuple[str, ...] = ("generators_loss", "discriminators_loss", "cycle_l1", "identity_l1")
    image_sizes = (8, 256)

    def __init__(
        self,
        image_shape: ImageShape = (256, 256, 3),
        filters: PositiveInt = 64,
        num_blocks: Count = 9,
        num_downsamplings: Count = 2,
        discriminator_filters: PositiveInt = 64,
        discriminator_layers: PositiveInt = 3,
        cycle_weight: Weight = 10.0,
        identity_weight: Weight = 5.0,
        pool_size: Count = 50,
        **kwargs,
    ):
        super().__init__(**kwargs)
        if not identity_weight:
            self.tracked = self.tracked[:-1]
        generator = (image_shape, filters, num_blocks, num_downsamplings, self.dtype_policy)
        discriminator = (image_shape, discriminator_filters, discriminator_layers, self.dtype_policy)
        self.generator_ab = build_residual_generator(*generator, name="generator_ab")
        self.generator_ba = build_residual_generator(*generator, name="generator_ba")
        self.discriminator_a = build_patch_discriminator(*discriminator, name="discriminator_a")
        self.discriminator_b = build_patch_discriminator(*discriminator, name="discriminator_b")

    @classmethod
    def fitting_shape(cls, shape, arguments):
        """A square whose side can be halved as often as the generators do."""
        side, _, channels = super().fitting_shape(shape, arguments)
        factor = 2 ** arguments.get("num_downsamplings", 2)
        side = max(side // factor, 1) * factor
        return side, side, channels

    @classmethod
    def arguments_from(cls, source, arguments):
        shape = cls.fitting_shape(require_unpaired(source).info.shapes["a"], arguments)
        layers, most = arguments.get("discriminator_layers", 3), most_patch_layers(shape)
        fewer = {"discriminator_layers": most} if most < layers else {}
        return {"image_shape": list(shape), **fewer}

    def default_optimizers(self):
        return {role: keras.optimizers.Adam(2e-4, beta_1=0.5) for role in self.roles}

    def compile(self, optimizers=None, **kwargs):
        """As `ZooModel.compile`; also makes the two pools of translations."""
        super().compile(optimizers, **kwargs)
        for domain in DOMAINS:
            self.add_state(f"pool_{domain}", (self.pool_size, *self.image_shape), "float32")
            self.add_state(f"pool_{domain}_count")

    def prepare(self, source):
        return require_unpaired(source)

    # === Training ===

    def train_step(self, data):
        a, b = self._images(data)
        with tf.GradientTape() as tape:
            translations = self._translations(a, b)
        self.minimize("generators", lambda: self._generators_loss(a, b, *translations), tape=tape)
        shown = [self._from_pool(f"pool_{domain}", fakes) for domain, fakes in zip(DOMAINS, translations, strict=False)]
        self.minimize("discriminators", self._discriminators_loss, a, b, *shown)
        return self.finish_step()

    def test_step(self, data):
        a, b = self._images(data)
        fake_a, fake_b, *same = self._translations(a, b)
        losses = self._generators_loss(a, b, fake_a, fake_b, *same)
        self.track(generators_loss=losses, discriminators_loss=self._discriminators_loss(a, b, fake_a, fake_b))
        return self.logs()

    def _images(self, data):
        batch = self.batch(data)
        return tuple(to_signed(as_float(batch[domain])) for domain in DOMAINS)

    def _translations(self, a, b):
        """Both translations, to a and to b; then, for the identity loss, of each domain's images to their own."""
        if not self.identity_weight:
            return self.generator_ba(b), self.generator_ab(a)
        fake_a, same_a = _together(self.generator_ba, b, a)
        fake_b, same_b = _together(self.generator_ab, a, b)
        return fake_a, fake_b, same_a, same_b

    def _generators_loss(self, a, b, fake_a, fake_b, *same):
        """Equation 3 of the paper for both generators, with the identity loss of section 5.2."""
        adversarial = least_squares_generator_loss(self.discriminator_a(fake_a))
        adversarial += least_squares_generator_loss(self.discriminator_b(fake_b))
        cycle = _l1(self.generator_ba(fake_b), a) + _l1(self.generator_ab(fake_a), b)
        self.track(cycle_l1=cycle / 4)  # the mean of two distances, on a scale twice as long
        loss = adversarial + self.cycle_weight * cycle
        if same:
            identity = _l1(same[0], a) + _l1(same[1], b)
            self.track(identity_l1=identity / 4)
            loss += self.identity_weight * identity
        return loss

    def _discriminators_loss(self, a, b, fake_a, fake_b):
        of_a = least_squares_discriminator_loss(*_together(self.discriminator_a, a, fake_a))
        return of_a + least_squares_discriminator_loss(*_together(self.discriminator_b, b, fake_b))

    def _from_pool(self, name, fakes):
        """The images that the discriminator sees for new translations; every replica passes on the global batch."""
        fakes = tf.stop_gradient(fakes)
        if not self.pool_size:
            return fakes
        pool, count = self.state(name), self.state(f"{name}_count")
        shown, images, filled = exchange(pool.value, count.value, gather_rows(fakes), self.noise_seed(name))
        pool.assign(images)
        count.assign(filled)
        return local_rows(shown, tf.shape(fakes)[0])

    # === Verbs ===

    def call(self, inputs, training=False):
        """Translations from a to b, in [0, 1], of images (uint8, or float in [0, 1])."""
        return from_signed(self.generator_ab(to_signed(as_float(inputs)), training=training))

    def b_to_a(self, inputs):
        """Translations from b to a; arguments and result as for `call`."""
        return from_signed(self.generator_ba(to_signed(as_float(inputs))))


def _together(network, *batches):
    """A network on equally many examples of two kinds in one pass: instance normalisation keeps all examples apart."""
    return tf.split(network(tf.concat(batches, axis=0)), len(batches))


def _l1(x, y):
    """The mean absolute difference of each image."""
    return tf.reduce_mean(tf.abs(x - y), axis=[1, 2, 3])
