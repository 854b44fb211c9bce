"""Real inputs of endpoints, for the calibration of int8's ranges."""

import numpy as np

from kerazoo.data import open_source
from kerazoo.presets.preset import read_preset
from kerazoo.utils.errors import ExportError, KerazooError
from kerazoo.utils.images import as_float_array

SPLIT, SEED = "train", 0
ROWS = 10  # of a call


def calibration_calls(model, endpoints, source=None, num=200):
    """Calls of every endpoint, on real data where they take data.

    Inputs with an `entry` are rows of a source's batch; ids of one step are the columns of a batch of texts, one after
    the other. Outputs that have an input's name (a recurrent state, the units of a Gibbs chain) go into the endpoint's
    next call. All other inputs are drawn.

    Args:
        model: ZooModel.
        endpoints: dict[str, Endpoint].
        source: str, Source or arrays, as `kerazoo.data.open_source` takes it, or None: the data of the model's preset.
        num: int. Examples of each endpoint. Defaults to 200.

    Returns:
        (list, dict or None). Calls, (endpoint's name, named arrays); and the data that they come from, None where none
        were needed.

    Raises:
        ExportError: data are needed, but the model's preset names none.
        DataError: a source that cannot be opened, or that the model does not take.
    """
    entries = {one.entry for endpoint in endpoints.values() for one in endpoint.inputs.values()} - {None}
    batch, about = _batch(model, source, num) if entries or source is not None else ({}, None)
    if entries - set(batch):
        raise ExportError(f"calibration: {about['source']} has no {', '.join(sorted(entries - set(batch)))}")
    calls = []
    for name, endpoint in endpoints.items():
        rng, carried = np.random.default_rng(SEED), {}
        for step in range(max(1, num // ROWS)):
            inputs = endpoint.example(rng, ROWS)
            inputs |= {k: _rows(batch[one.entry], step, one) for k, one in endpoint.inputs.items() if one.entry}
            inputs |= carried
            calls.append((name, inputs))
            carried = carry(endpoint, inputs)
    return calls, about


def carry(endpoint, inputs):
    """The outputs of an endpoint, on these inputs, for its next call: named arrays, none for most endpoints."""
    own = {key for key, one in endpoint.inputs.items() if one.entry is None}
    outputs = (endpoint.outputs,) if isinstance(endpoint.outputs, str) else endpoint.outputs
    if not own & set(own if outputs is None else outputs):
        return {}
    return {key: value.numpy() for key, value in endpoint(**inputs).items() if key in own}


def _batch(model, source, num):
    source = open_source(_preset_data(model) if source is None else source, split=SPLIT, image_shape=model.image_shape)
    batch = next(model.prepare(source).batches(num, seed=SEED, num_steps=1).as_numpy_iterator())
    model.check(batch)
    return batch, {"source": source.info.name, "split": source.info.split, "num": num, "seed": SEED}


def _preset_data(model):
    """The data of a model's preset: those it is measured on, or else those it was trained on."""
    lack = "int8 is calibrated on real data; give calibration= (--calibration), for example 'tfds:mnist'"
    if model.preset is None:
        raise ExportError(f"{lack}: this model has no preset that names some")
    try:
        config = read_preset(model.preset_folder).config
    except KerazooError:
        raise ExportError(f"{lack}: {model.preset_folder} is not a preset any more") from None
    return config.evaluation.data or config.data.source


def _rows(entry, step, one):
    """The rows of a step, in the form that an input takes."""
    rows = entry[:ROWS, step % entry.shape[1]] if entry.ndim > len(one.shape) else _cycle(entry, step)
    return as_float_array(rows) if rows.dtype == np.uint8 else rows.astype(one.dtype)


def _cycle(entry, step):
    return entry[np.arange(step * ROWS, (step + 1) * ROWS) % len(entry)]
