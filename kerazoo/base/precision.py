"""The precision that a model computes in."""

import keras

from kerazoo.utils.errors import ConfigError


def precision(dtype=None):
    """The dtype policy of a model.

    Args:
        dtype: dtype, policy or None. Defaults to None: Keras's global policy, but float32 where that is float64, which
            `keras.config.set_floatx` makes of it for other models.

    Returns:
        keras.DTypePolicy.

    Raises:
        ConfigError: float64 was asked for.

    Example:
        >>> precision("mixed_bfloat16").compute_dtype
        'bfloat16'
    """
    policy = keras.dtype_policies.get(keras.config.dtype_policy() if dtype is None else dtype)
    if policy.compute_dtype != "float64":
        return policy
    if dtype is not None:
        raise ConfigError("dtype = 'float64': 'float32', 'mixed_bfloat16' or 'mixed_float16' is expected")
    return keras.dtype_policies.get("float32")
