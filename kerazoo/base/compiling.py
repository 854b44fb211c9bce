"""`compile`: what a model needs for training, and how a `.keras` file brings it back."""

import keras
import numpy as np

from kerazoo.base.optimizers import build_optimizers, optimizer_configs, restore_optimizers
from kerazoo.utils.checks import MAX_SEED, check_integer, check_seed
from kerazoo.utils.errors import ConfigError

# How a step is run; whatever else `keras.Model.compile` takes says what a step is.
EXECUTION = ("jit_compile", "steps_per_execution", "run_eagerly")


class Compiling:
    """Mixin; list it before `keras.Model`."""

    def default_optimizers(self):
        """role -> the optimizer of the paper. Every subclass that trains by gradients writes it."""
        raise NotImplementedError(f"{type(self).__name__} has no default optimizers: give them to compile()")

    def compile(self, optimizers=None, *, optimizer=None, seed=None, accumulate=1, ema_decay=None, **kwargs):
        """Prepare for training.

        Args:
            optimizers: dict[str, optimizer], or None. Role -> Keras optimizer (object, name or configuration).
                Roles left out, or all of them with None (the default), get the paper's.
            optimizer: optimizer or None. Short for `optimizers` in a model of one role. Defaults to None. Afterwards
                `model.optimizer` is the first role's, the one that Keras's callbacks know. Where one of them changes
                its learning rate (`ReduceLROnPlateau`, `LearningRateScheduler`), `fit` changes those of all roles by
                the same factor; a role that follows a schedule is an error then. Who sets it by hand, outside of a
                callback, changes the first role alone: `model.optimizers[role].learning_rate` for the others.
            seed: int or None. Seed of all noise drawn in training, 0 to 2**31 - 1. With None (the default) it is
                drawn from NumPy's global generator, so `keras.utils.set_random_seed` makes it repeatable.
            accumulate: int, 1 or more. Batches that make one update, each `batch_size` rows; their gradients are summed
                one batch at a time. Defaults to 1. See `kerazoo.base.updates.Updating`.
            ema_decay: float in (0, 1), or None. Decay of the moving averages of all weights, which `averaged()` puts in
                their place. Defaults to None, no averages. See `kerazoo.base.averages.Averaging`.
            **kwargs: `jit_compile`, `steps_per_execution`, `run_eagerly` of `keras.Model.compile`.

        Raises:
            ConfigError: an unknown role, `optimizer` with several roles, a number out of range, `jit_compile` or
                `steps_per_execution` on several devices, or a loss or metrics, which a model has of its own.
        """
        if optimizer is not None:
            if optimizers is not None or len(self.roles) != 1:
                raise ConfigError(f"optimizer= is for models of one role; give optimizers={{...}} for {[*self.roles]}")
            optimizers = dict.fromkeys(self.roles, optimizer)
        if optimizers is not None and not isinstance(optimizers, dict):
            given = type(optimizers).__name__
            raise ConfigError(
                f"optimizers is a {given}: a dict of {[*self.roles]} is expected, or optimizer= for one role"
            )
        if seed is None:
            seed = int(np.random.randint(MAX_SEED))  # noqa: NPY002 (the generator that set_random_seed seeds)
        accumulate = check_integer("accumulate", accumulate)
        names = dict.fromkeys(name for stage in self.stages() for name in stage.tracked)
        _check_options(names, kwargs)
        _check_execution(self.distribute_strategy, **kwargs)
        self.seed = check_seed(seed)
        self.accumulate = accumulate
        self.optimizers = build_optimizers(self, optimizers)
        # Keras looks at `optimizer` (callbacks): it is the first role's, and was wrapped for loss scaling above.
        super().compile(optimizer=next(iter(self.optimizers.values()), None), auto_scale_loss=False, **kwargs)
        self._trackers = {name: keras.metrics.Mean(name=name, dtype="float32") for name in names}
        self.trace_anew()
        self._compile_arguments = dict(kwargs)
        self._state.clear()
        self.add_state("step")
        self.add_state("stage").assign(self._stage_index)
        self.begin_averages(ema_decay)
        self.add_state("stage_begin")
        self.add_state("stage_steps")
        self.add_state("adapted").assign(int(self._adapted))
        self.connect_noisy_layers()

    def get_compile_config(self):
        """The configuration that `compile_from_config` takes to prepare a loaded model for further training."""
        if not self.compiled:
            return None
        given = {"seed": self.seed, "accumulate": self.accumulate, "ema_decay": self.ema_decay}
        return {"optimizers": optimizer_configs(self), **given, **self._compile_arguments}

    def compile_from_config(self, config):
        """Compile as the saved model was, with every optimizer built, so that its state can be read."""
        config = dict(config)
        self.compile(restore_optimizers(config.pop("optimizers")), **config)


def _check_options(tracked, options):
    """A `ConfigError` for what `keras.Model.compile` takes and a step of a paper's own would pass by."""
    unused = [name for name, value in options.items() if name not in EXECUTION and value is not None]
    if unused:
        raise ConfigError(
            f"compile({unused[0]}=...): a zoo model has losses and metrics of its own ({', '.join(tracked)}); "
            f"compile() takes optimizers, seed, accumulate, ema_decay, {', '.join(EXECUTION)}"
        )


def _check_execution(strategy, jit_compile="auto", steps_per_execution=1, **_):
    """A `ConfigError` for what TensorFlow cannot do on several devices, and says in the middle of the first step."""
    devices = strategy.num_replicas_in_sync
    if devices > 1 and jit_compile is True:
        raise ConfigError(f"jit_compile=True: XLA cannot compile a step of {devices} devices; leave it out")
    if devices > 1 and steps_per_execution != 1:
        raise ConfigError(
            f"steps_per_execution={steps_per_execution}: {devices} devices train one step at a time; leave it out"
        )
