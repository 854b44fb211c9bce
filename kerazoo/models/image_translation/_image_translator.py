"""The family of translators between two image domains: `translate`, `cycle`, their signatures."""

from typing import Any

from kerazoo.base.endpoints import Endpoint
from kerazoo.base.example_spaces import ImagePairs
from kerazoo.base.inputs import images
from kerazoo.data.unpaired import DOMAINS
from kerazoo.utils.errors import ConfigError


class ImageTranslator:
    """Mixin; list it before `ZooModel`. The class has `call`, from a to b, and `b_to_a`, the way back."""

    task: Any = "image-translation"
    default_endpoint: str | None = "translate"

    @property
    def space(self):
        return ImagePairs(self.image_shape)

    def translate(self, images, direction="a_to_b", *, batch_size=64):
        """Images of one domain as images of the other.

        Args:
            images: array. uint8, or float in [0, 1], shape `(num, *image_shape)`.
            direction: `"a_to_b"` or `"b_to_a"`. Defaults to `"a_to_b"`.
            batch_size: int. Images computed at a time. Defaults to 64.

        Returns:
            np.ndarray. float32 in [0, 1], shape `(num, *image_shape)`.

        Raises:
            ConfigError: an unknown direction, or `batch_size` is below 1.
            DataError: a wrong shape or values out of range.
        """
        return self._run({"a_to_b": self.call, "b_to_a": self.b_to_a}, direction, images, batch_size)

    def cycle(self, images, direction="a_to_b", *, batch_size=64):
        """Images translated to the other domain and back; arguments, result and errors as for `translate`."""
        return self._run({"a_to_b": self._a_to_b_to_a, "b_to_a": self._b_to_a_to_b}, direction, images, batch_size)

    def _run(self, ways, direction, images, batch_size):
        if direction not in ways:
            raise ConfigError(f"direction = {direction!r}: one of {', '.join(ways)} is expected")
        return self.calls.in_batches(ways[direction], self.check_inputs(images), batch_size=batch_size)

    def extra_endpoints(self):
        of_a, of_b = ({"images": images(self.image_shape, entry=domain)} for domain in DOMAINS)
        return {
            **super().extra_endpoints(),
            "translate": Endpoint(self.call, of_a, "images"),
            "translate_b_to_a": Endpoint(self.b_to_a, of_b, "images"),
            "cycle": Endpoint(self._a_to_b_to_a, of_a, "images"),
            "cycle_b_to_a": Endpoint(self._b_to_a_to_b, of_b, "images"),
        }

    def _a_to_b_to_a(self, images):
        return self.b_to_a(self.call(images))

    def _b_to_a_to_b(self, images):
        return self.call(self.b_to_a(images))
