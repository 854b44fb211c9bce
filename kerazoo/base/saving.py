"""A model's configuration, which makes it again, and `save`."""

import keras

from kerazoo.base.registry import check_registered
from kerazoo.utils.errors import ConfigError


class Saving:
    """Mixin; list it before `keras.Model`."""

    def get_config(self):
        """The arguments of `__init__`, those of every Keras model, and `frozen_layers` where layers were frozen."""
        policy = keras.dtype_policies.serialize(self.dtype_policy)
        config = {**self.given_arguments(), "name": self.name, "dtype": policy, "trainable": self.trainable}
        frozen = self.frozen_entries()
        return config if frozen is None else {**config, "frozen_layers": frozen}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model that `get_config` describes, with fresh weights."""
        config = dict(config)
        frozen = config.pop("frozen_layers", None)
        if isinstance(config.get("dtype"), dict):
            config["dtype"] = keras.dtype_policies.deserialize(config["dtype"])
        model = cls(**config)
        if frozen is not None:
            model.freeze_layers(frozen)
        return model

    def save(self, filepath, *args, **kwargs):
        """As `keras.Model.save`, to a `.keras` file.

        Args:
            filepath: str or Path. Ends in `.keras`.
            *args, **kwargs: `overwrite` and `zipped` of `keras.Model.save`.

        Raises:
            ConfigError: another suffix; or a class that is not registered, so that nothing could load it.
        """
        check_registered(self)
        elsewhere = str(filepath).startswith("hf://") or kwargs.get("zipped") is False  # Keras's Hub, and its folders
        if not (elsewhere or str(filepath).endswith(".keras")):
            raise ConfigError(
                f"{filepath}: models are saved as .keras files; save_weights writes a .weights.h5 file, save_preset a "
                "folder, export what other programs read"
            )
        return super().save(filepath, *args, **kwargs)
