"""The steps of a run, and their division into stages and epochs, also when it begins in the middle of one."""

import itertools
from dataclasses import dataclass

from kerazoo.base.stages import stage_index
from kerazoo.utils.errors import ConfigError


@dataclass(frozen=True)
class Segment:
    """Epochs of equal length that one call of `fit` makes: numbers `first_epoch` (from 0) up to `last_epoch`.

    `done` steps of the first one were made before.
    """

    stage: str
    start_step: int
    first_epoch: int
    last_epoch: int
    steps_per_epoch: int
    done: int = 0


@dataclass(frozen=True)
class Plan:
    """The steps of a run.

    Attributes:
        stage_steps: dict[str, int]. Steps of each stage of the model, in order; a stage may have none.
        steps_per_epoch: int or dict[str, int]. Steps in one pass over the data, at least 1; of each stage, where their
            batches differ.
    """

    stage_steps: dict
    steps_per_epoch: int | dict

    @classmethod
    def of(cls, settings, stages, steps_per_epoch):
        """The plan of a configuration's training section: passes over the data, or a number of steps in all.

        Args:
            settings: TrainingConfig. `epochs` of every stage unless `stages` says otherwise; `steps`, where given, are
                divided among the stages as their epochs are.
            stages: tuple[Stage, ...]. The model's.
            steps_per_epoch: int or dict[str, int]. Of all stages, or of each.

        Raises:
            ConfigError: a stage that the model does not have, or no epochs at all.
        """
        for name in settings.stages:
            stage_index(stages, name)
        chosen = {name: stage.epochs for name, stage in settings.stages.items() if stage.epochs is not None}
        epochs = {stage.name: chosen.get(stage.name, settings.epochs) for stage in stages}
        total = sum(epochs.values())
        if total == 0:
            raise ConfigError("training.stages: every stage has 0 epochs; give one of them some")
        if settings.steps is None:
            each = {name: count * _of_stage(steps_per_epoch, name) for name, count in epochs.items()}
            return cls(each, steps_per_epoch)
        ends, done = [0], 0
        for count in epochs.values():
            done += count
            ends.append(round(settings.steps * done / total))
        steps = [end - begin for begin, end in itertools.pairwise(ends)]
        return cls(dict(zip(epochs, steps, strict=True)), steps_per_epoch)

    @property
    def total_steps(self):
        """Where the run ends."""
        return sum(self.stage_steps.values())

    @property
    def total_epochs(self):
        """Epochs of all stages; the last one of a stage may be a part."""
        return sum(self.stage_epochs(stage) for stage in self.stage_steps)

    def stage_epochs(self, stage):
        """Epochs of one stage, by its name."""
        return -(-self.stage_steps[stage] // _of_stage(self.steps_per_epoch, stage))

    def segments(self, start):
        """The steps from `start` on, stage by stage: the rest of an epoch, whole epochs, and a partial last one."""
        begin = epochs = 0
        for stage, steps in self.stage_steps.items():
            epoch_steps = _of_stage(self.steps_per_epoch, stage)
            for first, epoch, last, length, done in _stage_segments(max(start - begin, 0), steps, epoch_steps):
                yield Segment(stage, begin + first, epochs + epoch, epochs + last, length, done)
            begin += steps
            epochs += self.stage_epochs(stage)


def _stage_segments(start, total, epoch_steps):
    while start < total:
        epoch, done = divmod(start, epoch_steps)
        whole = (total - start) // epoch_steps if done == 0 else 0
        length = epoch_steps if whole else min(epoch_steps - done, total - start)
        yield start, epoch, epoch + max(whole, 1), length, done
        start += length * max(whole, 1)


def _of_stage(number, stage):
    return number[stage] if isinstance(number, dict) else number


def stage_batch_sizes(settings, stages):
    """The batch size of each stage: the configuration's for it, else the model's, else the configuration's for all.

    Args:
        settings: TrainingConfig.
        stages: tuple[Stage, ...]. The model's.

    Returns:
        dict[str, int].
    """
    chosen = {name: stage.batch_size for name, stage in settings.stages.items()}
    return {one.name: chosen.get(one.name) or one.batch_size or settings.batch_size for one in stages}
