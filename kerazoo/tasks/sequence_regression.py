"""Models that predict numbers of sequences, of their steps, or of the next step: how far off they are."""

import numpy as np

from kerazoo.tasks.plots import scatter_plot

HEADLINES = ("mean_squared_error",)  # of a card's table of exported files


def sample(model, path, *, num=500, seed=0, data=None, scale=None, overwrite=False):
    """Write what is predicted of held-out sequences over what is true, where grey points are right.

    Args:
        model: ZooModel with `regress`.
        path: Path. As for `scatter_plot`, as are `scale` and `overwrite`.
        num: int. Sequences. Defaults to 500.
        seed: int. Which ones. Defaults to 0.
        data: Data. Its split `test`.
        scale, overwrite: see `path`.

    Returns:
        tuple[Path]. The file.
    """
    source = data.open("test")
    true, found = _numbers(model, source, np.random.default_rng(seed).permutation(len(source))[:num])
    points, right = np.stack([true[:, 0], found[:, 0]], axis=1), np.stack([true[:, 0]] * 2, axis=1)
    return (scatter_plot(points, path, reference=right, scale=scale, overwrite=overwrite),)


def evaluate(model, data, settings):
    """The squared error on a split, or on its first `settings.num` sequences.

    Args:
        model: ZooModel with `regress`.
        data: Data. Its split `settings.split`.
        settings: EvaluationConfig.

    Returns:
        dict[str, float]. `mean_squared_error`; `mean_squared_error_of_the_mean`, of whoever always says the mean;
        `num_sequences`.
    """
    source = data.open(settings.split)
    rows = np.arange(min(settings.num, len(source)))
    true, found = _numbers(model, source, rows)
    return {
        "mean_squared_error": float(np.mean((found - true) ** 2)),
        "mean_squared_error_of_the_mean": float(np.mean((true - true.mean(axis=0)) ** 2)),
        "num_sequences": len(rows),
    }


def _numbers(model, source, rows):
    """What is true of some sequences and what is found, `(num, numbers)` each; of all their steps where these have
    numbers."""
    found = model.regress([source.arrays["sequence"][row] for row in rows])
    answers = source.arrays[model.answer.entry]
    width = np.shape(found[0])[-1]
    true = np.concatenate([np.reshape(answers[row], (-1, width)) for row in rows])
    return true, np.concatenate([np.reshape(row, (-1, width)) for row in found])
