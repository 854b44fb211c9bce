"""Features and class probabilities of images, from any Keras image classifier."""

import numpy as np

from kerazoo.metrics._checks import as_images, finite_array
from kerazoo.utils.checks import check_integer
from kerazoo.utils.errors import ConfigError, DataError


def as_extractor(model, *, batch_size=256):
    """Make an extractor: an object with `features(images)` and `classify(images)`.

    Measure with a classifier that was trained separately, never with a part of the judged model.

    Args:
        model: An object that has both methods, which is returned as it is; or a built Keras functional or Sequential
            classifier of NHWC images in [0, 1] with one input, one output (N, C), C >= 2, and a Dense layer of its
            own (not inside a nested model). Any rescaling of the images belongs inside the model.
        batch_size: Integer, at least 1, default 256. Images in one forward pass of a Keras model.

    Returns:
        An object with
        `features(images)`: float32 (N, H, W, C) in [0, 1] -> float32 (N, D), the input of the last Dense layer;
        `classify(images)`: the same images -> float32 (N, C) class probabilities. An output whose rows are not
        distributions is read as logits and goes through a softmax.

    Raises:
        ConfigError: The model cannot be split in that way, and the message says what is missing; or `batch_size` is
            below 1. The two methods raise `DataError` for images of another shape or range.

    Example:
        >>> import keras
        >>> layers = [keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)]
        >>> extractor = as_extractor(keras.Sequential(layers))
        >>> images = np.zeros((3, 8, 8, 1), "float32")
        >>> extractor.features(images).shape, extractor.classify(images).shape
        ((3, 64), (3, 10))
    """
    if all(callable(getattr(model, method, None)) for method in ("features", "classify")):
        return model
    return KerasExtractor(model, batch_size=batch_size)


class KerasExtractor:
    """The extractor of a Keras classifier; see `as_extractor` for arguments, shapes and errors."""

    def __init__(self, model, *, batch_size=256):
        import keras

        _check_classifier(model)
        self._classifier = model
        self._batch_size = check_integer("batch_size", batch_size)
        tensor = _last_dense_input(model)
        try:
            self._feature_model = keras.Model(model.inputs[0], tensor)
            # Keras before 3.13 takes a tensor of another model here, and fails when the model is called.
            self._feature_model(np.zeros([1, *(size or 64 for size in model.inputs[0].shape[1:])], "float32"))
        except (KeyError, ValueError) as error:
            # A layer knows the tensor of its first call only, which may belong to another model.
            raise ConfigError(
                f"The last Dense layer of {model.name} was first called in another model; rebuild the classifier with "
                "layers of its own, for example by keras.models.clone_model and set_weights."
            ) from error

    def features(self, images):
        """Input of the last Dense layer.

        Args:
            images: Float array (N, H, W, C) in [0, 1].

        Returns:
            float32 array (N, D).

        Raises:
            DataError: Images of another shape or range.
        """
        return self._run(self._feature_model, images)

    def classify(self, images):
        """Class probabilities; arguments and errors as for `features`.

        Returns:
            float32 array (N, C); rows sum to one.
        """
        return as_probabilities(self._run(self._classifier, images))

    def _run(self, model, images):
        images = as_images("images", images)
        expected = tuple(self._classifier.inputs[0].shape)[1:]
        if any(size not in (None, given) for size, given in zip(expected, images.shape[1:], strict=True)):
            raise DataError(f"The extractor takes images of shape {expected}, got {images.shape[1:]}.")
        outputs = model.predict(images, batch_size=self._batch_size, verbose=0)
        return finite_array("the extractor's output", outputs, 2, np.float32)


def as_probabilities(outputs):
    """Rows that are distributions as they are, others through a softmax: (N, C) -> (N, C)."""
    # float16 sums of a thousand classes miss 1 by less than this.
    if outputs.min() >= 0 and np.allclose(outputs.sum(axis=1), 1.0, atol=1e-2):
        return outputs
    exponentials = np.exp(outputs - outputs.max(axis=1, keepdims=True))
    return exponentials / exponentials.sum(axis=1, keepdims=True)


def _check_classifier(model):
    import keras

    if not isinstance(model, keras.Model):
        raise ConfigError(
            "An extractor is a Keras classifier or an object with features() and classify(), "
            f"got {type(model).__name__}."
        )
    # Functional and built Sequential models have both; a subclassed model has no graph to cut.
    inputs, outputs = getattr(model, "inputs", None), getattr(model, "outputs", None)
    if not inputs or not outputs:
        raise ConfigError(
            f"{model.name} is neither a functional model nor a Sequential model that starts with keras.Input, so its "
            "features cannot be traced; give the extractor features() and classify() methods instead."
        )
    input_shapes, output_shapes = [tuple(x.shape) for x in inputs], [tuple(x.shape) for x in outputs]
    one_to_one = len(inputs) == len(outputs) == 1
    if not one_to_one or len(input_shapes[0]) != 4 or len(output_shapes[0]) != 2 or (output_shapes[0][1] or 0) < 2:
        raise ConfigError(
            f"{model.name} must map images (N, H, W, C) to at least two class scores (N, classes) to be an extractor, "
            f"got {input_shapes} to {output_shapes}."
        )


def _last_dense_input(model):
    import keras

    dense = [layer for layer in model.layers if isinstance(layer, keras.layers.Dense)]
    if not dense:
        raise ConfigError(
            f"{model.name} has no Dense layer of its own, so its features are undefined; give the extractor features() "
            "and classify() methods instead."
        )
    tensor = dense[-1].input
    if len(tensor.shape) != 2:
        raise ConfigError(
            f"The last Dense layer of {model.name} takes a tensor of shape {tuple(tensor.shape)}; features must be "
            "vectors, so flatten or pool before it."
        )
    return tensor
