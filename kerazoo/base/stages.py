"""The stages of training, for models that are trained in parts; most have one."""

from dataclasses import dataclass

from kerazoo.utils.errors import ConfigError


@dataclass(frozen=True)
class Stage:
    """One part of training.

    Attributes:
        name: str. For configurations (`training.stages`) and `begin_stage`.
        roles: tuple[str, ...]. The roles that this stage updates.
        tracked: tuple[str, ...]. Names of the losses and metrics that it logs.
    """

    name: str
    roles: tuple
    tracked: tuple


def stage_index(stages, name):
    """The position of a stage by name; a `ConfigError` that lists them otherwise."""
    names = [stage.name for stage in stages]
    if name not in names:
        raise ConfigError(f"unknown stage {name!r}; the stages are {', '.join(names)}")
    return names.index(name)


class Staged:
    """What `ZooModel` has of it: the stage that `fit` trains, kept in `.keras` files."""

    _stage_index = 0

    def stages(self):
        """The parts of training, in order; one, with all roles, unless a subclass says otherwise."""
        return (Stage("training", tuple(self.roles), self.tracked or tuple(f"{role}_loss" for role in self.roles)),)

    @property
    def stage(self):
        """The `Stage` that `fit` trains."""
        return self.stages()[self._stage_index]

    def begin_stage(self, name):
        """Train another stage from now on.

        Args:
            name: str. The name of one of `stages()`.

        Raises:
            ConfigError: there is no stage of this name.
        """
        self.continue_stage(name)
        self.enter_stage(self.stage)
        self.restart_averages()

    def continue_stage(self, name):
        """Like `begin_stage`, for a stage whose training has begun already: nothing is initialised."""
        index = stage_index(self.stages(), name)
        if self.compiled:
            self.state("stage").assign(index)
        if index != self._stage_index:
            self._stage_index = index
            self.trace_anew()

    def restore_stage(self):
        """Take up the stage that a `.keras` file says."""
        if self.compiled:
            self.continue_stage(self.stages()[int(self.state("stage").numpy())].name)

    def enter_stage(self, stage):
        """Set what a stage takes over from those before; nothing by default."""

    def trace_anew(self):
        """Forget the compiled steps, which were traced for another stage or other states."""
        self.train_function = self.test_function = None
