"""`ZooModel`, the only base class: optimizers by role, exact noise, exact saving, and `fit` on any images.

A subclass writes its paper: networks, losses, the order of the updates. This base solves once:

- **Roles.** Each role (`"generator"`, ...) has its networks and its optimizer; `minimize` changes its variables alone.
- **Devices.** `minimize` divides a sum of per-example losses by the global batch, and `noise` gives each example its
  own row of one global draw, so a batch split over replicas trains exactly like the same batch on one device.
- **Data.** `fit`, `evaluate` and the checks of what they are given: `feeding.py`.
- **Stages** of training, for models that are trained in parts: `stages.py`.
- **Resumption.** Noise is a function of (seed, step, stream), and the step, the seed and every optimizer are in the
  `.keras` file, so a reloaded model continues as if it had never stopped.
"""

import inspect
import zlib

import keras
import numpy as np
import tensorflow as tf

from kerazoo.config import MAX_SEED, check_arguments, check_seed, model_parameters, plain
from kerazoo.errors import ConfigError
from kerazoo.feeding import Feeding
from kerazoo.optimizers import build_optimizers, optimizer_configs, restore_optimizers
from kerazoo.replicas import global_rows, row_noise
from kerazoo.stages import Staged
from kerazoo.state import Stateful, TrainingState
from kerazoo.updates import apply_gradients


class ZooModel(Feeding, Staged, Stateful, keras.Model):
    """Base of every architecture of the zoo.

    A subclass sets `task`, `roles` and `paper`, stores each argument of its `__init__` under the argument's name,
    builds its networks there (`self.built = True` ends it), and writes `call`, `train_step`, `test_step`,
    `default_optimizers` and its verbs (`generate`, `encode`, `classify`, ...).

    Args:
        **kwargs: `name`, `dtype` (a dtype or policy such as `"mixed_bfloat16"`) and `trainable` of `keras.Model`.

    Attributes:
        architecture, preset: str. The registered name; the preset whose weights were loaded (None: fresh weights).
        task: str. What the model does; names the module of `kerazoo.tasks` that samples and evaluates it.
        roles: dict[str, tuple[str, ...]]. Role -> names of the attributes that hold the networks it trains.
        tracked: tuple[str, ...]. Names of the losses and metrics that training logs; `<role>_loss` by default.
        batch_key: str. The name of the main entry of a batch: `"image"`, `"points"`, `"tokens"`.
        batches_per_step: int. Batches that a training step takes, the k-th in rows `k::batches_per_step`.
        clip_norms: dict[str, float]. Role -> largest norm of its gradient; roles left out are not clipped.
        image_sizes: tuple[int, int]. The smallest and largest image side, for models of images of any size.
    """

    architecture = None
    preset = None
    task = None
    paper = None
    roles = {}
    tracked = ()
    batch_key = "image"
    batches_per_step = 1
    image_sizes = None

    def __new__(cls, *args, **kwargs):
        given = inspect.signature(cls.__init__).bind_partial(None, *args, **kwargs).arguments
        given |= given.pop("kwargs", {})
        check_arguments(cls, {name: value for name, value in given.items() if name != "self"})
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, **kwargs):
        # Inputs are converted where their meaning is known (uint8 images, integer labels), not by autocasting.
        super().__init__(autocast=False, **kwargs)
        self.optimizers = {}
        self.clip_norms = {}
        self._trackers = {}
        self._state = TrainingState()

    @property
    def step(self):
        """The number of training steps since `compile` (a variable; saved in `.keras` files)."""
        return self._state["step"]

    # === Configuration and saving ===

    def get_config(self):
        """The arguments of `__init__`, by the convention that each is stored under its own name."""
        arguments = {name: plain(getattr(self, name)) for name in model_parameters(type(self))}
        policy = keras.dtype_policies.serialize(self.dtype_policy)
        return {**arguments, "name": self.name, "dtype": policy, "trainable": self.trainable}

    @classmethod
    def from_config(cls, config, custom_objects=None):
        """The model that `get_config` describes, with fresh weights."""
        config = dict(config)
        if isinstance(config.get("dtype"), dict):
            config["dtype"] = keras.dtype_policies.deserialize(config["dtype"])
        return cls(**config)

    # === Compilation ===

    def default_optimizers(self):
        """role -> the optimizer of the paper. Every subclass that trains by gradients writes it."""
        raise NotImplementedError(f"{type(self).__name__} has no default optimizers: give them to compile()")

    def compile(self, optimizers=None, *, optimizer=None, seed=None, **kwargs):
        """Prepare for training.

        Args:
            optimizers: dict[str, optimizer], or None. Role -> Keras optimizer (object, name or configuration).
                Roles left out, or all of them with None (the default), get the paper's.
            optimizer: optimizer or None. Short for `optimizers` in a model of one role. Defaults to None.
            seed: int or None. Seed of all noise drawn in training, 0 to 2**31 - 1. With None (the default) it is
                drawn from NumPy's global generator, so `keras.utils.set_random_seed` makes it repeatable.
            **kwargs: `jit_compile`, `steps_per_execution`, `run_eagerly` of `keras.Model.compile`.

        Raises:
            ConfigError: an unknown role, `optimizer` with several roles, or a seed out of range.
        """
        if optimizer is not None:
            if optimizers is not None or len(self.roles) != 1:
                raise ConfigError(f"optimizer= is for models of one role; give optimizers={{...}} for {[*self.roles]}")
            optimizers = dict.fromkeys(self.roles, optimizer)
        if seed is None:
            seed = int(np.random.randint(MAX_SEED))  # noqa: NPY002 (the generator that set_random_seed seeds)
        self.seed = check_seed(seed)
        self.optimizers = build_optimizers(self, optimizers)
        # Keras looks at `optimizer` (callbacks, EMA): it is the first role's, and was wrapped for loss scaling above.
        super().compile(optimizer=next(iter(self.optimizers.values()), None), auto_scale_loss=False, **kwargs)
        names = dict.fromkeys(name for stage in self.stages() for name in stage.tracked)
        self._trackers = {name: keras.metrics.Mean(name=name) for name in names}
        self._compile_arguments = dict(kwargs)
        self._state.clear()
        self.add_state("step")
        self.add_state("stage").assign(self._stage_index)

    def get_compile_config(self):
        """What `compile_from_config` needs to prepare a loaded model for training on."""
        if not self.compiled:
            return None
        return {"optimizers": optimizer_configs(self), "seed": self.seed, **self._compile_arguments}

    def compile_from_config(self, config):
        """Compile as the saved model was, with every optimizer built, so that its state can be read."""
        config = dict(config)
        self.compile(restore_optimizers(config.pop("optimizers")), **config)

    @property
    def metrics(self):
        """Exactly the trackers of the stage, so that `fit` reports epoch averages of each."""
        return [self._trackers[name] for name in self.stage.tracked] if self._trackers else []

    def track(self, **values):
        """Add per-example values (or one value) to the running averages of that name."""
        for name, value in values.items():
            self._trackers[name].update_state(value)

    def logs(self):
        """What `train_step` and `test_step` return: name -> average since the epoch began."""
        values = {name: self._trackers[name].result() for name in self.stage.tracked}
        if isinstance(self.distribute_strategy, tf.distribute.MultiWorkerMirroredStrategy):
            # Keras averages logs over workers along a first axis, which scalars lack.
            return {name: value[None] for name, value in values.items()}
        return values

    # === Training ===

    def adapt(self, arrays):
        """Set from the training examples (as `Source.arrays`) what is not learned; nothing by default."""

    def variables_of(self, role):
        """The trainable variables of one role's networks."""
        return [variable for name in self.roles[role] for variable in getattr(self, name).trainable_variables]

    def minimize(self, role, loss_fn, *, tape=None):
        """One optimizer update of one role's variables, right on any number of devices.

        Args:
            role: str. Whose variables change; no other variable does.
            loss_fn: callable without arguments. Gives the loss of each example, shape `(batch,)`; the update follows
                the mean over the global batch.
            tape: tf.GradientTape or None. A tape that has already recorded part of the computation (a generator
                pass that an earlier update of this step used too); it records `loss_fn` as well. Defaults to None.

        Returns:
            tf.Tensor. The per-example losses; they are also logged as `<role>_loss`.
        """
        optimizer = self.optimizers[role]
        with tape if tape is not None else tf.GradientTape() as tape:
            losses = tf.cast(loss_fn(), tf.float32)
            loss = optimizer.scale_loss(tf.reduce_sum(losses) / global_rows(losses))
        variables = self.variables_of(role)
        apply_gradients(optimizer, tape.gradient(loss, variables), variables, self.clip_norms.get(role))
        self.track(**{f"{role}_loss": losses})
        return losses

    def update(self, role, gradients):
        """One optimizer update from gradients that are no derivative of a loss.

        Args:
            role: str. Whose variables change.
            gradients: list of tf.Tensor. For each of `variables_of(role)`, the sum over this replica's rows divided by
                the global number of rows (`kerazoo.replicas.global_rows`).
        """
        optimizer = self.optimizers[role]
        scaled = [optimizer.scale_loss(gradient) for gradient in gradients]
        apply_gradients(optimizer, scaled, self.variables_of(role), self.clip_norms.get(role))

    def updates_per_step(self, role):
        """How many updates of a role a training step makes, for schedules of its learning rate."""
        return 1

    def noise(self, num_rows, shape, *, stream, distribution="normal"):
        """Random rows for the examples of this batch: a function of (seed, step, stream) and the place in the batch.

        Args:
            num_rows: int or tf.Tensor. Number of examples on this replica.
            shape: tuple[int, ...]. Shape of one example's noise.
            stream: str. Names this use of noise within a step; different streams are independent.
            distribution: `"normal"` (standard normal) or `"uniform"` (on [-1, 1)). Defaults to `"normal"`.

        Returns:
            tf.Tensor. float32, shape `(num_rows, *shape)`.
        """
        return row_noise(num_rows, shape, self.noise_seed(stream), distribution)

    def noise_seed(self, stream):
        """The seed, shape `(2,)` int32, of a stateless draw at this step; equal on all replicas."""
        base = tf.constant([self.seed, zlib.crc32(stream.encode()) & MAX_SEED], tf.int32)
        return tf.random.fold_in(base, tf.cast(self.step.value, tf.int32))

    def apply_dropout(self, x, rate, *, stream):
        """`x` with a fraction `rate` of each example's values at zero and the others scaled up (Srivastava 2014)."""
        draws = self.noise(tf.shape(x)[0], tf.shape(x)[1:], stream=stream, distribution="uniform")
        return x * tf.cast(draws >= 2 * rate - 1, x.dtype) / (1 - rate)

    def losses(self, batch, *, training):
        """The loss of each example of a batch (a dict of tensors), for stages that train one role by one loss."""
        raise NotImplementedError(f"{type(self).__name__} has neither `losses` nor a `train_step` of its own")

    def train_step(self, data):
        """One step of training on a batch: an update of the stage's only role by `losses`.

        A subclass with other updates writes them here, and ends with `return self.finish_step()`.
        """
        (role,), batch = self.stage.roles, self.batch(data)
        self.minimize(role, lambda: self.losses(batch, training=True))
        return self.finish_step()

    def test_step(self, data):
        """The losses of a batch, without an update."""
        (role,) = self.stage.roles
        self.track(**{f"{role}_loss": self.losses(self.batch(data), training=False)})
        return self.logs()

    def finish_step(self):
        """Count the step, which moves all noise on, and return the logs."""
        logs = self.logs()
        with tf.control_dependencies(list(logs.values())):  # not where a dataset has ended; see `updates.py`
            self.step.assign_add(1)
        return logs

    def save_preset(self, folder, *, overwrite=False, **kwargs):
        """Write the model as a preset folder that `kerazoo.load(folder)` reads; see `kerazoo.presets.save_preset`."""
        from kerazoo.presets import save_preset

        return save_preset(self, folder, overwrite=overwrite, **kwargs)
