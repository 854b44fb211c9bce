"""The stages of training, for models that are trained in parts; most have one."""

from dataclasses import dataclass, field

import tensorflow as tf

from kerazoo.utils.errors import ConfigError


@dataclass(frozen=True)
class Stage:
    """One part of training.

    Attributes:
        name: str. For configurations (`training.stages`) and `begin_stage`.
        roles: tuple[str, ...]. The roles that this stage updates.
        tracked: tuple[str, ...]. Names of the losses and metrics that it logs.
        needs_labels: bool. Whether it learns from labels. Defaults to False.
        keeps_averages: bool. Whether averages of the weights go on from the stage before. Defaults to True.
        batch_size: int or None. Of this stage, where a configuration does not say otherwise. Defaults to None, the
            configured one.
        learning_rates: dict[str, float]. Role -> learning rate from here on, where it is another than before. Defaults
            to `{}`.
    """

    name: str
    roles: tuple
    tracked: tuple
    needs_labels: bool = False
    keeps_averages: bool = True
    batch_size: int | None = None
    learning_rates: dict = field(default_factory=dict)


def stage_index(stages, name):
    """The position of a stage by name; a `ConfigError` that lists them otherwise."""
    names = [stage.name for stage in stages]
    if name not in names:
        raise ConfigError(f"unknown stage {name!r}; the stages are {', '.join(names)}")
    return names.index(name)


class Staged:
    """Mixin; list it before `keras.Model`. The stage that `fit` trains, kept in `.keras` files."""

    _stage_index = 0
    needs_labels = False

    def stages(self):
        """The parts of training, in order; one, with all roles, unless a subclass says otherwise."""
        tracked = self.tracked or tuple(f"{role}_loss" for role in self.roles)
        return (Stage("training", tuple(self.roles), tracked, self.needs_labels),)

    @property
    def stage(self):
        """The `Stage` that `fit` trains."""
        return self.stages()[self._stage_index]

    @property
    def progress(self):
        """The part of the stage that is done: a float32 scalar tensor from 0 to 1, a state of training.

        `kerazoo train` and `fit` plan the stage's steps; 1 where nothing is planned, as after training.
        """
        begin, planned = (tf.cast(self.state(name).value, tf.float32) for name in ("stage_begin", "stage_steps"))
        done = tf.cast(self.step.value, tf.float32) - begin
        return tf.where(planned > 0, tf.clip_by_value(done / tf.maximum(planned, 1.0), 0.0, 1.0), 1.0)

    def plan_stage(self, num_steps):
        """Say how many steps the stage has in all, from its first one on; 0 takes the plan back."""
        self.state("stage_steps").assign(num_steps)

    def begin_stage(self, name, *, num_steps=0):
        """Train another stage from now on.

        Args:
            name: str. The name of one of `stages()`.
            num_steps: int. How many steps it will have, for `progress`. Defaults to 0: `fit` plans them.

        Raises:
            ConfigError: there is no stage of this name.
        """
        self.continue_stage(name)
        self.enter_stage(self.stage)
        if not self.compiled:
            return
        self.state("stage_begin").assign(self.step)
        self.plan_stage(num_steps)
        for role, rate in self.stage.learning_rates.items():
            set_learning_rate(role, self.optimizers[role], rate)
        if not self.stage.keeps_averages:
            self.restart_averages()

    def continue_stage(self, name):
        """Like `begin_stage`, for a stage whose training has begun already: nothing is initialised."""
        index = stage_index(self.stages(), name)
        if self.compiled:
            self.state("stage").assign(index)
        if index != self._stage_index:
            traced = vars(self).setdefault("_traced_stages", {})
            traced[self._stage_index] = self.train_function, self.test_function
            self._stage_index = index
            self.train_function, self.test_function = traced.get(index, (None, None))

    def restore_stage(self):
        """Take up the stage that a `.keras` file says."""
        if self.compiled:
            self.continue_stage(self.stages()[int(self.state("stage").numpy())].name)

    def enter_stage(self, stage):
        """Set what a stage takes over from those before; nothing by default."""

    def trace_anew(self):
        """Forget the compiled steps of all stages, which were traced for other states."""
        vars(self)["_traced_stages"] = {}
        self.train_function = self.test_function = None


def set_learning_rate(role, optimizer, rate):
    """Give an optimizer a constant learning rate; a `ConfigError` where it follows a schedule."""
    try:
        optimizer.learning_rate = rate
    except (TypeError, ValueError):
        raise ConfigError(
            f"role {role!r}: its learning rate follows a schedule, and the stage sets it to {rate}; give one of both"
        ) from None
