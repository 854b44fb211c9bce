"""Models of images or of points, by the argument that is given: what their examples are, and what data determine."""

from typing import Any

from kerazoo.base.example_spaces import Images, Points
from kerazoo.utils.errors import ConfigError


class PointsOrImagesModel:
    """Mixin; list it before `ZooModel`. The class has the arguments `image_shape` and `num_features`, one of them None.

    Attributes:
        image_space: type. The space of images, a class of `kerazoo.base.example_spaces`.
    """

    image_space: Any = Images

    def __init__(self, **kwargs):
        if (self.image_shape is None) == (self.num_features is None):
            given = f"{self.image_shape} and {self.num_features}"
            name = type(self).__name__
            raise ConfigError(f"{name}: one of image_shape and num_features (for points) is expected, not {given}")
        super().__init__(**kwargs)

    @property
    def space(self):
        return self.image_space(self.image_shape) if self.num_features is None else Points((self.num_features,))

    @classmethod
    def arguments_from(cls, source, arguments):
        points = source.info.shapes.get("points")
        if points is not None and len(points) == 1:
            found, other = {"num_features": points[0]}, "image_shape"
        else:
            found, other = super().arguments_from(source, arguments), "num_features"
        return found | ({other: None} if arguments.get(other) is not None else {})
