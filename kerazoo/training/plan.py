"""How many steps a run has, and how they fall into epochs, also when it begins in the middle of one."""

from dataclasses import dataclass


@dataclass(frozen=True)
class Segment:
    """Epochs of equal length that one call of `fit` makes: numbers `first_epoch` (from 0) up to `last_epoch`."""

    start_step: int
    first_epoch: int
    last_epoch: int
    steps_per_epoch: int


@dataclass(frozen=True)
class Plan:
    """The steps of a run.

    Attributes:
        total_steps: int. Where the run ends.
        steps_per_epoch: int. Full batches in one pass over the data, at least 1.
    """

    total_steps: int
    steps_per_epoch: int

    @classmethod
    def of(cls, config, source):
        """The plan of a configuration on a source: `training.steps`, or `training.epochs` passes."""
        settings = config.training
        steps_per_epoch = max(1, len(source) // settings.batch_size)
        return cls(settings.steps or settings.epochs * steps_per_epoch, steps_per_epoch)

    def segments(self, start):
        """The steps from `start` on: the rest of its epoch, whole epochs, and a partial last one."""
        while start < self.total_steps:
            epoch, done = divmod(start, self.steps_per_epoch)
            whole = (self.total_steps - start) // self.steps_per_epoch if done == 0 else 0
            length = self.steps_per_epoch if whole else min(self.steps_per_epoch - done, self.total_steps - start)
            yield Segment(start, epoch, epoch + max(whole, 1), length)
            start += length * max(whole, 1)
