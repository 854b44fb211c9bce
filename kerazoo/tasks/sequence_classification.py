"""Classifiers of sequences, or of their steps: what they find in held-out ones, and how often it is right."""

import numpy as np

from kerazoo.tasks.plots import sequence_maps
from kerazoo.utils.errors import DataError

HEADLINES = ("accuracy",)  # of a card's table of exported files


def sample(model, path, *, num=6, seed=0, data=None, scale=None, overwrite=False):
    """Write held-out sequences with the class that is found in each, or, where steps have classes, their probabilities.

    Args:
        model: ZooModel with `classify`.
        path: Path. As for `sequence_maps`, as are `scale` and `overwrite`.
        num: int. Sequences. Defaults to 6.
        seed: int. Which ones. Defaults to 0.
        data: Data. Its split `test`.
        scale, overwrite: see `path`.

    Returns:
        tuple[Path]. The file.
    """
    source = data.open("test")
    chosen = np.random.default_rng(seed).permutation(len(source))[:num]
    sequences, names = [source.arrays["sequence"][place] for place in chosen], source.info.class_names
    maps = []
    for sequence, found in zip(sequences, model.classify(sequences), strict=True):
        if found.ndim > 1:
            maps += [("sequence", sequence), ("probabilities of the classes", found)]
        else:
            best = int(found.argmax())
            maps.append((f"{names[best] if names else best} ({found[best]:.2f})", sequence))
    return (sequence_maps(maps, path, columns=2, scale=scale, overwrite=overwrite),)


def evaluate(model, data, settings):
    """Accuracy and cross-entropy on a split, or on its first `settings.num` sequences.

    Args:
        model: ZooModel with `classify`.
        data: Data. Its split `settings.split`, with labels.
        settings: EvaluationConfig.

    Returns:
        dict[str, float]. `accuracy` and `cross_entropy` (nats), averages over sequences, or over all steps where these
        have classes; then also `sequences_right`, the share of sequences without an error; `num_sequences`.
    """
    source = data.open(settings.split)
    if "label" not in source.arrays:
        raise DataError(f"{source.info.name} has no labels, which a classifier is measured on")
    labels = [np.atleast_1d(label) for label in source.arrays["label"][: settings.num]]
    found = model.classify(list(source.arrays["sequence"][: settings.num]))
    rows = [np.reshape(row, (-1, np.shape(row)[-1])) for row in found]
    right = [row.argmax(axis=1) == label for row, label in zip(rows, labels, strict=True)]
    of_label = np.concatenate([row[np.arange(len(row)), label] for row, label in zip(rows, labels, strict=True)])
    of_steps = np.ndim(found[0]) > 1
    return {
        "accuracy": float(np.mean(np.concatenate(right))),
        "cross_entropy": float(-np.mean(np.log(np.maximum(of_label, 1e-12)))),
        **({"sequences_right": float(np.mean([row.all() for row in right]))} if of_steps else {}),
        "num_sequences": len(labels),
    }
