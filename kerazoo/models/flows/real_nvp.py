"""RealNVP: real-valued non-volume preserving transformations (Dinh et al. 2017)."""

import keras

from kerazoo.base.arguments import ImageShape, PositiveInt, Widths
from kerazoo.base.points_or_images import PointsOrImagesModel
from kerazoo.base.registry import register
from kerazoo.layers.bijections import AffineCoupling, Chain, FactorOut, Flatten, LearnedTanh, Squeeze
from kerazoo.layers.partitions import Checkerboard, Halves
from kerazoo.models.flows._flow import Features, Flow, Margin
from kerazoo.networks.couplings import build_dense_coupling, build_residual_coupling


@register("real_nvp")
class RealNVP(PointsOrImagesModel, Flow):
    """RealNVP: a flow of affine couplings, for images of several scales or for points, with an exact likelihood.

    In a coupling one part of an example is scaled and shifted by a network of the other part; the next coupling changes
    the other part. Of images each scale has three couplings between the colours of a checkerboard, squeezes blocks of
    2x2 pixels into channels, and has three couplings between halves of the channels; then half of the channels are
    done, and the other half goes on at the next scale. The last scale has four couplings between colours. The networks
    are residual, their last layer begins at zero, and the logarithm of a scale is a tanh times a learned factor. Pixels
    are dequantised by uniform noise and go through a logit; the likelihood counts both.

    It differs from the paper in what goes without batch normalisation and weight normalisation, so that the likelihood
    of an example does not depend on its batch, and in that the two colours of a checkerboard are gathered into maps of
    half the side, where the paper multiplies whole maps by a mask: the same equations, on a quarter of the positions.
    Points go through couplings of perceptrons.

    Args:
        image_shape: tuple[int, int, int] or None. Of images: a height and a width that can be halved `num_scales`
            times, 1 or 3 channels.
        num_features: int or None. Dimension of points, at least 2. Exactly one of this and `image_shape` is given.
        num_scales: int. Of images. Defaults to 2.
        filters: int. For images: channels of the networks; they double from scale to scale. Defaults to 32.
        num_blocks: int. For images: residual blocks of a network. Defaults to 1.
        num_couplings: int. For points. Defaults to 8.
        hidden_units: tuple[int, ...]. For points: widths of a network's hidden layers. Defaults to `(64, 64)`.
        logit_margin: float in (0, 0.5). For images: the paper's alpha, which keeps pixels away from 0 and 1 before the
            logit. Defaults to 0.05.
        **kwargs: `name`, `dtype`, `trainable` of `keras.Model`.

    Raises:
        ConfigError: an unknown argument, a value out of range, sides that cannot be halved, or not exactly one of
            `image_shape` and `num_features`.

    Example:
        >>> model = kerazoo.create("real_nvp", image_shape=(8, 8, 1))
        >>> images = model.generate(4, seed=0)
        >>> model.score(images).shape  # nats
        (4,)
        >>> bool(abs(model.decode(model.encode(images)) - images).max() < 1 / 255)  # half a level, as for data
        True
        >>> points = kerazoo.create("real_nvp", num_features=2)
        >>> points.compile(seed=0)
        >>> points.fit("moons", batch_size=256, epochs=10)  # doctest: +SKIP

    Source: Dinh, Sohl-Dickstein and Bengio 2017, "Density estimation using Real NVP", arXiv:1605.08803.
    """

    paper = "Dinh, Sohl-Dickstein and Bengio 2017, arXiv:1605.08803"

    def __init__(
        self,
        image_shape: ImageShape | None = None,
        num_features: Features | None = None,
        num_scales: PositiveInt = 2,
        filters: PositiveInt = 32,
        num_blocks: PositiveInt = 1,
        num_couplings: PositiveInt = 8,
        hidden_units: Widths = (64, 64),
        logit_margin: Margin = 0.05,
        **kwargs,
    ):
        super().__init__(**kwargs)
        self.flow = self._flow_of_points() if image_shape is None else self._flow_of_images()

    def _flow_of_points(self):
        return Chain([self._coupling((self.num_features,), Halves(i % 2)) for i in range(self.num_couplings)])

    def _flow_of_images(self):
        self.check_halves()
        return self._scale(self.image_shape, 1)

    def _scale(self, shape, scale):
        """The bijection of a scale, the first of which is 1, and of all below it."""
        filters = self.filters * 2 ** (scale - 1)
        if scale == self.num_scales:
            colours = [self._coupling(shape, Checkerboard(i % 2), filters) for i in range(4)]
            return Chain([*colours, Flatten(shape)])
        squeezed = shape[0] // 2, shape[1] // 2, 4 * shape[2]
        colours = [self._coupling(shape, Checkerboard(i % 2), filters) for i in range(3)]
        channels = [self._coupling(squeezed, Halves(i % 2), filters) for i in range(3)]
        deeper = self._scale((*squeezed[:2], squeezed[2] // 2), scale + 1)
        return Chain([*colours, Squeeze(), *channels, FactorOut(squeezed, deeper)])

    def _coupling(self, shape, partition, filters=None):
        kept, (*_, changed) = partition.shapes(shape)
        if filters is None:
            network = build_dense_coupling(*kept, self.hidden_units, 2 * changed, dtype=self.dtype_policy)
        else:
            network = build_residual_coupling(kept, filters, self.num_blocks, 2 * changed, dtype=self.dtype_policy)
        return AffineCoupling(network, partition, LearnedTanh(changed))

    def default_optimizers(self):
        return {"flow": keras.optimizers.Adam(1e-3)}
