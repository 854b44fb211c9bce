"""Autoencoders of images, or of points: reconstructions, their error beside that of PCA, and probes of the codes."""

import numpy as np

from kerazoo.metrics import linear_probe, principal_components
from kerazoo.tasks.embedding import encode
from kerazoo.tasks.grids import write_grid
from kerazoo.tasks.plots import scatter_plot
from kerazoo.utils.images import as_float_array, as_rows

HEADLINES = ("squared_error", "psnr")  # of a card's table of exported files

PROBE_TRAIN, PROBE_TEST = 10_000, 10_000
NUM_EXAMPLES, COLUMNS = 40, 10


def sample(model, path, *, num=NUM_EXAMPLES, seed=0, data=None, scale=None, overwrite=False):
    """Write `num` examples of the data with their reconstructions.

    Images stand in rows of ten, each row above the row of their reconstructions, and below all of them what the model
    shows besides (`own_pictures`); of points the reconstructions are drawn over the originals.
    """
    source = data.open("test")
    examples = source.sample(min(num, len(source)), seed=seed)[source.info.key]
    if source.info.key != "image":
        options = {"reference": _plane(examples), "scale": scale, "overwrite": overwrite}
        return (scatter_plot(_plane(model.reconstruct(examples)), path, **options),)
    originals, columns = as_float_array(examples), min(COLUMNS, len(examples))
    starts = range(0, len(originals), columns)
    rows = [part for i in starts for part in _two_rows(originals[i : i + columns], model, columns)]
    rows += [_whole_rows(images, columns) for images in model.own_pictures(originals, seed)]
    return (write_grid(np.concatenate(rows), path, columns=columns, scale=scale, overwrite=overwrite),)


def _two_rows(images, model, columns):
    """Images and their reconstructions, each filled up to a row."""
    return [_whole_rows(part, columns) for part in (images, model.reconstruct(images))]


def _whole_rows(images, columns):
    """Images filled up with white, so that the next ones begin a row."""
    return np.pad(images, ((0, -len(images) % columns), *[(0, 0)] * 3), constant_values=1)


def _plane(points):
    return np.pad(points, ((0, 0), (0, max(0, 2 - points.shape[1]))))


def evaluate(model, data, settings):
    """Measure reconstructions of held-out examples, beside those of PCA with as many codes, fitted on the train split.

    Args:
        model: ZooModel with `reconstruct` and `encode`.
        data: Data. Splits `settings.split`, and `train` for PCA and the probe.
        settings: EvaluationConfig. `num` examples of `seed`.

    Returns:
        dict[str, float]. `squared_error`, the sum over an example's pixels (images in [0, 1]) or features, mean over
        the examples; `squared_error_ratio`, over that of PCA (where its components leave an error); of images
        `psnr` in decibels, mean over the images; with labels `linear_probe_accuracy`, of a linear classifier of the
        codes. Each with `pca_` before its name is that of PCA. `num_codes`, `num_examples`.
    """
    test, train = data.open(settings.split), data.open("train")
    num, key = min(settings.num, len(test)), test.info.key
    rows = test.sample(num, seed=settings.seed)
    originals, known = as_rows(rows[key]), as_rows(train.arrays[key][:])
    num_codes = encode(model, rows[key][:1]).shape[1]
    mean, components = known.mean(axis=0), principal_components(known, min(num_codes, *known.shape))
    linear = mean + (originals - mean) @ components @ components.T
    errors = {"": _errors(originals, model.reconstruct(rows[key])), "pca_": _errors(originals, linear)}
    report = {f"{prefix}squared_error": float(error.mean()) for prefix, error in errors.items()}
    of_pca = report["pca_squared_error"]
    if of_pca > 1e-9:  # otherwise there are as many codes as the images have numbers
        report["squared_error_ratio"] = report["squared_error"] / of_pca
    if key == "image":
        num_values = originals[0].size
        report |= {f"{prefix}psnr": _mean_psnr(error / num_values) for prefix, error in errors.items()}
    if "label" in rows and "label" in train.arrays:
        report |= _probes(model, components, train, test, settings.seed)
    return {**report, "num_codes": num_codes, "num_examples": num}


def _errors(originals, reconstructions):
    return np.square(originals.astype(np.float64) - as_rows(reconstructions)).sum(axis=1)


def _mean_psnr(mean_squares):
    """In decibels; an error of nothing counts as one of 1e-10, 100 dB."""
    return float(np.mean(-10 * np.log10(np.maximum(mean_squares, 1e-10))))


def _probes(model, components, train, test, seed):
    """Linear probes of the codes, and of the principal components."""
    rows, held_out = (s.sample(min(n, len(s)), seed=seed) for s, n in ((train, PROBE_TRAIN), (test, PROBE_TEST)))
    inputs = [part[train.info.key] for part in (rows, held_out)]
    labels = [part["label"] for part in (rows, held_out)]
    codes = [encode(model, part) for part in inputs]
    linear = [as_rows(part) @ components for part in inputs]
    return {
        f"{prefix}linear_probe_accuracy": linear_probe(features[0], labels[0], features[1], labels[1])
        for prefix, features in (("", codes), ("pca_", linear))
    }
