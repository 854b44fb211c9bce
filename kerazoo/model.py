"""`ZooModel`, the only base class: optimizers by role, exact noise, exact saving, and `fit` on any images.

A subclass writes its paper: networks, losses, the order of the updates. This base solves once:

- **Roles.** Each role (`"generator"`, ...) has its networks and its optimizer; `minimize` changes its variables alone.
- **Devices.** `minimize` divides a sum of per-example losses by the global batch, and `noise` gives each example its
  own row of one global draw, so a batch split over replicas trains exactly like the same batch on one device.
- **Resumption.** Noise is a function of (seed, step, stream), and the step, the seed and every optimizer are in the
  `.keras` file, so a reloaded model continues as if it had never stopped.
"""

import inspect
import zlib

import keras
import numpy as np
import tensorflow as tf

from kerazoo.config import MAX_SEED, check_arguments, check_seed, model_parameters, plain
from kerazoo.data import as_dataset, check_batch
from kerazoo.errors import ConfigError
from kerazoo.optimizers import build_optimizers, optimizer_configs, restore_optimizers
from kerazoo.replicas import global_rows, row_noise
from kerazoo.state import TrainingState


class ZooModel(keras.Model):
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
    """

    architecture = None
    preset = None
    task = None
    paper = None
    roles = {}
    tracked = ()
    batch_key = "image"

    def __new__(cls, *args, **kwargs):
        given = inspect.signature(cls.__init__).bind_partial(None, *args, **kwargs).arguments
        given |= given.pop("kwargs", {})
        check_arguments(cls, {name: value for name, value in given.items() if name != "self"})
        return super().__new__(cls, *args, **kwargs)

    def __init__(self, **kwargs):
        # Inputs are converted where their meaning is known (uint8 images, integer labels), not by autocasting.
        super().__init__(autocast=False, **kwargs)
        self.optimizers = {}
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

    def save_own_variables(self, store):
        """Write the training state (step, and what a subclass adds) beside the weights."""
        super().save_own_variables(store)
        self._state.save(store)

    def load_own_variables(self, store):
        """Read back the training state where the model is compiled and the file has one."""
        super().load_own_variables(self._state.load(store))

    def add_state(self, name, shape=(), dtype="int64", initializer="zeros"):
        """A variable that belongs to training, not to the model: saved in `.keras` files, absent from presets.

        Args:
            name: str. Name among the model's states.
            shape: tuple[int, ...]. Defaults to `()`.
            dtype: str. Defaults to `"int64"`.
            initializer: str or initializer. Defaults to `"zeros"`.

        Returns:
            keras.Variable. Not among `weights`; the same on all replicas.
        """
        return self._state.add(name, shape, dtype, initializer)

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
        names = self.tracked or tuple(f"{role}_loss" for role in self.roles)
        self._trackers = {name: keras.metrics.Mean(name=name) for name in names}
        self._compile_arguments = dict(kwargs)
        self.add_state("step")

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
        """Exactly the trackers of `tracked`, so that `fit` reports epoch averages of each."""
        return list(self._trackers.values())

    def track(self, **values):
        """Add per-example values (or one value) to the running averages of that name."""
        for name, value in values.items():
            self._trackers[name].update_state(value)

    def logs(self):
        """What `train_step` and `test_step` return: name -> average since the epoch began."""
        values = {name: tracker.result() for name, tracker in self._trackers.items()}
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
        variables = self.variables_of(role)
        with tape if tape is not None else tf.GradientTape() as tape:
            losses = tf.cast(loss_fn(), tf.float32)
            loss = optimizer.scale_loss(tf.reduce_sum(losses) / global_rows(losses))
        optimizer.apply(tape.gradient(loss, variables), variables)
        self.track(**{f"{role}_loss": losses})
        return losses

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

    def train_step(self, data):
        """One step of training on a batch; a subclass writes it, and ends it with `return self.finish_step()`."""
        raise NotImplementedError(f"{type(self).__name__} does not train by fit()")

    def finish_step(self):
        """Count the step, which moves all noise on, and return the logs."""
        self.step.assign_add(1)
        return self.logs()

    def batch(self, data):
        """A batch as a dict, whichever way it was given: a dict, a tensor, `(inputs,)` or `(inputs, labels)`."""
        if isinstance(data, dict):
            return data
        parts = data if isinstance(data, (tuple, list)) else (data,)
        return dict(zip((self.batch_key, "label"), parts, strict=False))

    def example_shape(self):
        """Shape of one example of `batch_key`, for checks of the data."""
        return self.image_shape

    def fit(self, x=None, y=None, *, batch_size=32, shuffle=True, steps_per_epoch=None, validation_data=None, **kwargs):
        """Train; as `keras.Model.fit`, on any data that the model can take.

        Args:
            x: array (float in [0, 1] or uint8), dict of arrays, batched `tf.data.Dataset` (of inputs, `(inputs,
                labels)` or dicts), a source of `kerazoo.data` or its name (`"digits"`, `"folder:photos"`).
            y: array or None. Labels, for models that use them. Defaults to None.
            batch_size: int. Of arrays and sources; a dataset has its own. Defaults to 32.
            shuffle: bool. Whether to shuffle arrays and sources, by the seed given to `compile`; a later call goes on
                in the same order where this one stops. Defaults to True.
            steps_per_epoch: int or None. Defaults to one pass.
            validation_data: like `x`, or `(x, y)`, or None. Defaults to None.
            **kwargs: `epochs`, `callbacks`, `verbose`, `initial_epoch`, ... of `keras.Model.fit`.

        Returns:
            keras.callbacks.History. `history` holds the epoch averages of every name in `tracked`.

        Raises:
            DataError: no examples, a wrong shape, or values out of range.
        """
        self._assert_compile_called("fit")
        # The stream goes on where the model stopped, so that two calls, also with a save between, train like one.
        order = {"shuffle": shuffle, "seed": self.seed, "start_step": int(self.step.numpy())}
        dataset, steps = self._dataset(x, y, batch_size, training=True, **order)
        if validation_data is not None:
            validation_data, _ = self._dataset(validation_data, None, batch_size, training=False)
        return super().fit(
            dataset, steps_per_epoch=steps_per_epoch or steps, validation_data=validation_data, shuffle=False, **kwargs
        )

    def evaluate(self, x=None, y=None, *, batch_size=32, **kwargs):
        """Average losses and metrics on `x`, which is given as to `fit`; see `keras.Model.evaluate`."""
        dataset, _ = self._dataset(x, y, batch_size, training=False)
        return super().evaluate(dataset, **kwargs)

    def _dataset(self, x, y, batch_size, *, training, **order):
        data, of = x if y is None else (x, y), {"key": self.batch_key, "shape": self.example_shape()}
        dataset, steps = as_dataset(data, batch_size=batch_size, training=training, **of, **order)
        first = next(iter(dataset.take(1).as_numpy_iterator()), None)
        check_batch(first, **of)
        return dataset, steps

    def _maybe_symbolic_build(self, iterator=None, data_batch=None):
        """Nothing: all is built before `fit`, and Keras's version adds up the replicas' batches, which may differ."""

    def check_inputs(self, inputs):
        """`inputs` as an array that the model can take; a `DataError` of one line otherwise."""
        inputs = np.asarray(inputs)
        check_batch({self.batch_key: inputs}, key=self.batch_key, shape=self.example_shape())
        return inputs

    def save_preset(self, folder, *, overwrite=False, **kwargs):
        """Write the model as a preset folder that `kerazoo.load(folder)` reads; see `kerazoo.presets.save_preset`."""
        from kerazoo.presets import save_preset

        return save_preset(self, folder, overwrite=overwrite, **kwargs)
