"""A few numbers of what a published model gives, kept in its `metrics.json`: a changed layer would move them."""

import numpy as np

# Sums kept of each output beside mean and spread, and how far they may be from those of another machine.
NUM_SUMS, TOLERANCE = 4, 2e-3


def sample_outputs(model, *, seed=0):
    """Some numbers of every signature that gives numbers, on inputs drawn from a seed.

    Args:
        model: ZooModel.
        seed: int. Defaults to 0.

    Returns:
        dict[str, dict[str, list[float]]]. Signature -> output -> mean, standard deviation, and four sums of its numbers
        with fixed random weights, which see their order too.
    """
    found = {}
    for name, endpoint in model.endpoints().items():
        outputs = endpoint(**endpoint.example(np.random.default_rng(seed), 2))
        arrays = {key: value.numpy() for key, value in outputs.items()}
        found[name] = {key: _summary(array) for key, array in arrays.items() if array.dtype.kind == "f"}
    return {name: outputs for name, outputs in found.items() if outputs}


def _summary(array):
    flat = array.astype("float64").ravel()
    weights = np.random.default_rng(flat.size).standard_normal((NUM_SUMS, flat.size)) / np.sqrt(max(flat.size, 1))
    return [float(f"{value:.5g}") for value in (flat.mean(), flat.std(), *weights @ flat)]


def differing_outputs(found, stored):
    """The signatures whose numbers are not those stored, within `TOLERANCE` of the largest of them.

    Args:
        found, stored: dict. As `sample_outputs` gives them.

    Returns:
        list[str]. Names, of signatures that are missing too; empty where all agree.
    """
    return [name for name, outputs in stored.items() if not _close(found.get(name, {}), outputs)]


def _close(found, stored):
    if found.keys() != stored.keys():
        return False
    for key, values in stored.items():
        if len(found[key]) != len(values):
            return False
        bound = TOLERANCE * max(1.0, *map(abs, values))
        if not np.allclose(found[key], values, rtol=0, atol=bound):
            return False
    return True
