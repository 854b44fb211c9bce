"""One optimizer a role: built, wrapped for loss scaling, saved and restored in one place; and their schedules."""

import keras
import tensorflow as tf

from kerazoo.utils.errors import ConfigError


def build_optimizers(model, given=None):
    """The built optimizers of a model, by role.

    Args:
        model: ZooModel. Its `roles`, and `default_optimizers()` for the roles left out.
        given: dict[str, optimizer] or None. Role -> optimizer, name or configuration. Defaults to None.

    Returns:
        dict[str, keras.optimizers.Optimizer]. In the order of `model.roles`; each is built on its role's variables
        (Keras restores only built ones) and, under `mixed_float16`, wrapped for loss scaling (Keras wraps one only).

    Raises:
        ConfigError: a role that the model does not have, one object for two roles, or an option of an optimizer that a
            zoo model has in `compile`.
    """
    given = dict(given or {})
    unknown = [role for role in given if role not in model.roles]
    if unknown:
        raise ConfigError(f"unknown role {unknown[0]!r}: {type(model).__name__} has {', '.join(model.roles) or 'none'}")
    if set(given) != set(model.roles):
        given = {**model.default_optimizers(), **given}
    optimizers = {}
    for role in model.roles:
        optimizer = keras.optimizers.get(given[role])
        if any(optimizer is other for other in optimizers.values()):
            raise ConfigError(f"role {role!r}: its optimizer is another role's, too; give each role its own")
        scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
        _refuse(optimizer.inner_optimizer if scaled else optimizer)
        if model.dtype_policy.name == "mixed_float16" and not scaled:
            optimizer = keras.optimizers.LossScaleOptimizer(optimizer)
        optimizer.build(model.variables_of(role))
        optimizers[role] = optimizer
    return optimizers


def _refuse(optimizer):
    """Refuse what Keras does in an optimizer, and neither several devices nor several roles bear."""
    if optimizer.use_ema:
        raise ConfigError(
            "use_ema=True: averages of the weights are made by compile(ema_decay=...) (training.ema_decay)"
        )
    if optimizer.gradient_accumulation_steps:
        raise ConfigError(
            "gradient_accumulation_steps: several batches make one update by compile(accumulate=...) "
            "(training.accumulate)"
        )


def with_overrides(optimizer, overrides):
    """A copy of an optimizer with some of its arguments changed.

    Args:
        optimizer: keras.optimizers.Optimizer. The paper's.
        overrides: dict[str, Any]. Arguments of its class, for example `{"learning_rate": 1e-4}`; `class` changes the
            class itself, whose other arguments then start from that class's defaults.

    Returns:
        keras.optimizers.Optimizer. A new, unbuilt optimizer.

    Raises:
        ConfigError: an argument that the optimizer does not have, or a value that it refuses.
    """
    overrides = dict(overrides)
    name = overrides.pop("class", None)
    config = {} if name else optimizer.get_config()
    unknown = sorted(set(overrides) - set(config)) if not name else []
    if unknown:
        allowed = ", ".join(key for key in config if key != "name")
        raise ConfigError(f"unknown optimizer argument {unknown[0]!r}; {type(optimizer).__name__} has: {allowed}")
    words = [key for key, value in overrides.items() if isinstance(value, str)]
    if words:  # Keras takes them, and fails at the first step
        raise ConfigError(f"optimizer argument {words[0]} = {overrides[words[0]]!r}: a number is expected")
    try:
        if name:
            return keras.optimizers.get({"class_name": name, "config": overrides})
        return type(optimizer).from_config({**config, **overrides})
    except (AttributeError, TypeError, ValueError) as error:
        raise ConfigError(f"optimizer {name or type(optimizer).__name__}: {str(error).splitlines()[0]}") from None


def optimizer_configs(model):
    """role -> serialised optimizer, for `get_compile_config`."""
    return {role: keras.optimizers.serialize(optimizer) for role, optimizer in model.optimizers.items()}


def restore_optimizers(configs):
    """The optimizers of `optimizer_configs`, unbuilt."""
    return {role: keras.optimizers.deserialize(config) for role, config in configs.items()}


@keras.saving.register_keras_serializable(package="kerazoo")
class LinearDecay(keras.optimizers.schedules.LearningRateSchedule):
    """A constant rate, then a straight line to zero.

    Args:
        learning_rate: float. The constant rate.
        total_steps: int. The step at which the rate reaches zero.
        start: float in [0, 1). The fraction of `total_steps` after which the rate falls. Defaults to 0.5, as for
            CycleGAN (Zhu et al. 2017, section 4).

    Example:
        >>> round(float(LinearDecay(2e-4, 100, 0.5)(75)), 8)
        0.0001
    """

    def __init__(self, learning_rate, total_steps, start=0.5):
        self.learning_rate = float(learning_rate)
        self.total_steps = int(total_steps)
        self.start = float(start)

    def __call__(self, step):
        """The learning rate of a step.

        Args:
            step: int or tf.Tensor. Steps so far.

        Returns:
            tf.Tensor. float32 scalar, in [0, `learning_rate`].
        """
        done = tf.cast(step, tf.float32) / self.total_steps
        return self.learning_rate * tf.clip_by_value((1.0 - done) / (1.0 - self.start), 0.0, 1.0)

    def get_config(self):
        return {"learning_rate": self.learning_rate, "total_steps": self.total_steps, "start": self.start}


@keras.saving.register_keras_serializable(package="kerazoo")
class InverseSquareRoot(keras.optimizers.schedules.LearningRateSchedule):
    """A rate that rises over the first steps, and then falls with the inverse square root of the step:

        width^-0.5 min(step^-0.5, step warmup_steps^-1.5)

    Args:
        width: int. Of the model's vectors.
        warmup_steps: int.

    Example:
        >>> rate = InverseSquareRoot(512, 4000)
        >>> [round(float(rate(step - 1)), 6) for step in (1000, 4000, 16000)]  # the first step is step 1
        [0.000175, 0.000699, 0.000349]

    Source: Vaswani et al. 2017, arXiv:1706.03762, equation 3.
    """

    def __init__(self, width, warmup_steps):
        self.width = int(width)
        self.warmup_steps = int(warmup_steps)

    def __call__(self, step):
        """The learning rate of a step.

        Args:
            step: int or tf.Tensor. Steps so far.

        Returns:
            tf.Tensor. float32 scalar.
        """
        number = tf.cast(step, tf.float32) + 1.0
        return self.width**-0.5 * tf.minimum(number**-0.5, number * self.warmup_steps**-1.5)

    def get_config(self):
        return {"width": self.width, "warmup_steps": self.warmup_steps}
