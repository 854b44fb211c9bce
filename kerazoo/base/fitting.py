"""`fit` and `evaluate`: the data that they take, and the checks of them."""

import functools

import numpy as np

from kerazoo.base.rates import with_common_rates
from kerazoo.data import as_dataset, split_last
from kerazoo.utils.errors import ConfigError, DataError

ROWS = 4096  # of arrays, checked at a time
# Examples that `adapt` sees in a plain `fit`, which cannot know how long a dataset is.
MOST_ADAPTED = 100_000


def _remembering(adapt):
    """An `adapt` that leaves a mark, so that `fit` does not call it again."""

    @functools.wraps(adapt)
    def adapt_and_mark(self, arrays):
        self.mark_adapted()
        return adapt(self, arrays)

    return adapt_and_mark


class Fitting:
    """Mixin; list it before `keras.Model`. Its `space` says what examples are."""

    _adapted = False

    def __init_subclass__(cls, **kwargs):
        super().__init_subclass__(**kwargs)
        if "adapt" in vars(cls):
            cls.adapt = _remembering(cls.adapt)

    @classmethod
    def fitting_shape(cls, shape, arguments):
        """The `image_shape` of a model for images of a shape: by default a square within `image_sizes`.

        Args:
            shape: tuple[int, int, int]. Height, width and channels of the images.
            arguments: dict[str, Any]. The arguments that a configuration gives.

        Returns:
            tuple[int, int, int]. Itself for images of that shape.
        """
        least, most = cls.image_sizes
        side = min(max(min(shape[:2]), least), most)
        return side, side, shape[2]

    @classmethod
    def arguments_from(cls, source, arguments):
        """Arguments of `__init__` that the data determine.

        Args:
            source: Source. The training data.
            arguments: dict[str, Any]. The arguments that a configuration gives.

        Returns:
            dict[str, Any]. By default the images' `fitting_shape`.
        """
        shape = source.info.shapes.get("image")
        if shape is None or cls.image_sizes is None:
            return {}
        return {"image_shape": list(cls.fitting_shape(shape, arguments))}

    def prepare(self, source):
        """A source as this model trains on it (text as tokens, say); by default as it is."""
        return source

    def prepare_examples(self, source):
        """A source to learn from, or to be measured on: prepared, and checked where one look is not enough."""
        return self.prepare(source)

    def batch(self, data):
        """A batch as a dict, whichever way it was given: a dict, a tensor, `(inputs,)` or `(inputs, labels)`."""
        if isinstance(data, dict):
            return data
        parts = data if isinstance(data, (tuple, list)) else (data,)
        if isinstance(parts[0], dict):  # of `train_on_batch`
            return parts[0]
        named = zip((self.batch_key, "label"), parts, strict=False)
        return {name: part for name, part in named if part is not None}

    @property
    def batch_key(self):
        """The name of the main entry of a batch: `"image"`, `"points"`, `"tokens"`."""
        return self.space.key

    def example_shape(self):
        """Shape of one example, None where it is free."""
        return self.space.shape

    def check(self, batch):
        """Raise a `DataError` of one line unless a batch (a dict of arrays, or None) is one that the model takes."""
        self.space.check(batch)

    def check_inputs(self, inputs):
        """`inputs` as an array that the model can take; a `DataError` of one line otherwise."""
        return self.space.check_inputs(inputs)

    def adapt(self, arrays):
        """Set from the training examples what is not learned (the bias of an output, say); nothing by default.

        `kerazoo train` calls it, and so does the first `fit` of a fresh model, with up to 100,000 examples, unless it
        was called by hand or weights were loaded.

        Args:
            arrays: dict[str, np.ndarray]. Entry -> examples, as `Source.arrays`.
        """

    def set_weights(self, weights):
        """As `keras.Model.set_weights`; `fit` adapts nothing then."""
        super().set_weights(weights)
        self.mark_adapted()

    def mark_adapted(self):
        """Leave what `adapt` sets as it is from now on; a `.keras` file of a compiled model keeps the mark."""
        self._adapted = True
        if self.compiled:
            self.state("adapted").assign(1)

    def begin(self, batch, *, training):
        """Make, before the first step, the states whose size is that of the global batch (a dict of arrays)."""

    def fit(
        self,
        x=None,
        y=None,
        *,
        batch_size=32,
        shuffle=True,
        steps_per_epoch=None,
        validation_split=0.0,
        validation_data=None,
        **kwargs,
    ):
        """Train; as `keras.Model.fit`, on any data that the model can take.

        Args:
            x: array (float in [0, 1] or uint8), dict of arrays, batched `tf.data.Dataset` (of inputs, `(inputs,
                labels)` or dicts), a source of `kerazoo.data` or its name (`"digits"`, `"folder:photos"`).
            y: array or None. Labels, for models that use them. Defaults to None.
            batch_size: int. Of arrays and sources; a dataset has its own. Defaults to 32.
            shuffle: bool. Whether to shuffle arrays and sources, by the seed given to `compile`; a later call goes on
                in the same order where this one stops. Defaults to True.
            steps_per_epoch: int or None. Defaults to one pass.
            validation_split: float in [0, 1). The last part of arrays and sources, before they are shuffled, which is
                validated on and not learned from. Defaults to 0.0.
            validation_data: like `x`, or `(x, y)`, or None. Defaults to None.
            **kwargs: `epochs`, `callbacks`, `verbose`, `initial_epoch`, ... of `keras.Model.fit`. A callback that
                changes the learning rate changes that of every role, by the same factor.

        Returns:
            keras.callbacks.History. `history` holds the epoch averages of every name in `tracked`.

        Raises:
            DataError: no examples, a wrong shape, values out of range, or a `validation_split` of a dataset.
            ConfigError: `validation_split` and `validation_data` at once; or a callback that changes the learning rate,
                where a role's follows a schedule.
        """
        self._assert_compile_called("fit")
        if kwargs.pop("class_weight", None) is not None or kwargs.pop("sample_weight", None) is not None:
            raise DataError("class_weight and sample_weight: a paper's losses have none; repeat examples instead")
        if validation_split:
            if validation_data is not None:
                raise ConfigError("validation_split and validation_data: give one of both")
            given = x if y is None else (x, y)
            shape = {"key": self.batch_key, "image_shape": self.image_shape}
            (x, validation_data), y = split_last(given, validation_split, **shape), None
        if hasattr(self.adapt, "__wrapped__") and not self._adapted and not int(self.step.numpy()):
            self.adapt(self._first_examples(x, y, batch_size))
        # The stream goes on where the model stopped, so that two calls, also with a save between, train like one.
        order = {"shuffle": shuffle, "seed": self.seed, "start_step": int(self.step.numpy())}
        dataset, steps = self._dataset(x, y, batch_size, training=True, **order)
        self._plan(steps_per_epoch or steps, kwargs)
        kwargs["callbacks"] = with_common_rates(self, kwargs.get("callbacks"))
        if validation_data is not None:
            validation_data, _ = self._dataset(validation_data, None, batch_size, training=False)
        return super().fit(
            dataset, steps_per_epoch=steps_per_epoch or steps, validation_data=validation_data, shuffle=False, **kwargs
        )

    def evaluate(self, x=None, y=None, *, batch_size=32, **kwargs):
        """Average losses and metrics.

        Args:
            x, y: as for `fit`.
            batch_size: int. Of arrays and sources; a dataset has its own. Defaults to 32.
            **kwargs: `steps`, `verbose`, `return_dict`, ... of `keras.Model.evaluate`.

        Returns:
            As `keras.Model.evaluate`: the averages, with `return_dict=True` as a dict, name -> float.

        Raises:
            DataError: no examples, a wrong shape, or values out of range.
        """
        dataset, _ = self._dataset(x, y, batch_size, training=False)
        return super().evaluate(dataset, **kwargs)

    def train_on_batch(self, x, y=None, **kwargs):
        """One step on one batch, arrays or a dict of them, of `x` or of (x, y); see `keras.Model.train_on_batch`."""
        return super().train_on_batch(self._checked(x, y, training=True), **kwargs)

    def test_on_batch(self, x, y=None, **kwargs):
        """Losses and metrics of one batch, given as to `train_on_batch`; see `keras.Model.test_on_batch`."""
        return super().test_on_batch(self._checked(x, y, training=False), **kwargs)

    def _first_examples(self, x, y, batch_size):
        """Entry -> array, of all that `fit` was given, in order, `MOST_ADAPTED` examples at most."""
        dataset, _ = self._dataset(x, y, batch_size, training=False)
        batches, rows = [], 0
        for batch in dataset.as_numpy_iterator():
            batches.append(self.batch(batch))
            rows += len(batches[-1][self.batch_key])
            if rows >= MOST_ADAPTED:
                break
        return {key: np.concatenate([batch[key] for batch in batches]) for key in batches[0]}

    def _plan(self, steps_per_epoch, options):
        """Plan the stage's steps where nobody has, for `progress`."""
        epochs = options.get("epochs", 1) - options.get("initial_epoch", 0)
        if steps_per_epoch and not int(self.state("stage_steps").numpy()):
            done = int(self.step.numpy()) - int(self.state("stage_begin").numpy())
            self.plan_stage(done + epochs * steps_per_epoch)

    def _checked(self, x, y, *, training):
        batch = self.batch(x if y is None else (x, y))
        self._take_up(batch, training=training)
        return batch

    def _dataset(self, x, y, batch_size, *, training, **order):
        how = {
            "key": self.batch_key,
            "image_shape": self.image_shape,
            "prepare": self.prepare_examples,
            "batches_per_step": self.batches_per_step * self.accumulate if training else 1,
            "devices": self.distribute_strategy.num_replicas_in_sync,
            "training": training,
        }
        dataset, steps = as_dataset(x if y is None else (x, y), batch_size=batch_size, **how, **order)
        self._check_arrays(x if y is None else (x, y))
        self._take_up(next(iter(dataset.take(1).as_numpy_iterator()), None), training=training)
        return dataset, steps

    def _check_arrays(self, data):
        """Check all examples of arrays in memory: one that is not finite would spoil every weight."""
        arrays = self.batch(data)
        if self.batch_key in arrays and all(isinstance(values, np.ndarray) for values in arrays.values()):
            for begin in range(0, len(arrays[self.batch_key]), ROWS):
                self.check({key: values[begin : begin + ROWS] for key, values in arrays.items()})

    def _take_up(self, batch, *, training):
        """Check a first batch (a dict of arrays, or None), and make the states whose size is its own."""
        self.check(batch)
        devices = self.distribute_strategy.num_replicas_in_sync
        if (rows := len(batch[self.batch_key])) < devices:
            raise DataError(f"a batch of {rows} examples for {devices} devices: each needs one; raise batch_size")
        with self.distribute_strategy.scope():
            self.begin(batch, training=training)
