"""A model's endpoints as traced signatures, and their outputs, compared with those of a file."""

import numpy as np
import tensorflow as tf

from kerazoo.base.registry import check_registered
from kerazoo.utils.errors import ExportError
from kerazoo.utils.files import output_error

TOLERANCE = 1e-4  # of float32 outputs, relative to the largest value or to 1
SERVING_DEFAULT = "serving_default"


def float32_twin(model):
    """The model itself if it computes in float32; otherwise one that does, with the same weights.

    A mixed policy is for training. Other programs and devices seldom compute in bfloat16.
    """
    check_registered(model)
    if model.dtype_policy.compute_dtype == "float32":
        return model
    twin = type(model).from_config({**model.get_config(), "dtype": "float32"})
    twin.set_weights(model.get_weights())
    twin.preset, twin.page_inputs = model.preset, model.page_inputs
    return twin


def trace(endpoints):
    """Signatures: name -> concrete function of named tensors, which gives a dict of named tensors.

    Args:
        endpoints: dict[str, Endpoint].

    Returns:
        dict[str, ConcreteFunction].
    """

    def named(endpoint):
        return lambda **inputs: endpoint(**inputs)

    traced = {}
    for name, endpoint in endpoints.items():
        specs = {key: tf.TensorSpec(one.shape, one.dtype, name=key) for key, one in endpoint.inputs.items()}
        traced[name] = tf.function(named(endpoint), autograph=False).get_concrete_function(**specs)
    return traced


def describe(endpoints, traced, page_inputs):
    """Description of each signature for clients: name -> its inputs and outputs, in the types of JSON.

    Args:
        endpoints: dict[str, Endpoint].
        traced: dict[str, ConcreteFunction].
        page_inputs: dict. Inputs that a form begins with, text, number or picture (a data: URL): by the name of an
            input, or of one signature's, `"signature.input"`. Where there is none, the input's own.
    """
    described = {}
    for name, endpoint in endpoints.items():
        inputs = {
            key: _describe_input(one, page_inputs.get(f"{name}.{key}", page_inputs.get(key)))
            for key, one in endpoint.inputs.items()
        }
        outputs = {
            key: {"shape": spec.shape.as_list(), "dtype": spec.dtype.name}
            for key, spec in traced[name].structured_outputs.items()
        }
        described[name] = {"batchable": endpoint.batchable, "inputs": inputs, "outputs": outputs}
    return described


def opening(endpoints, page_inputs):
    """The signature that a page opens with: the first one with an input that a preset says, or the default one."""
    said = (name for name, one in endpoints.items() if any(key in page_inputs for key in one.inputs))
    return next(said, next(iter(endpoints)))


def _describe_input(one, example):
    known = {"about": one.about or None, "minimum": one.least, "maximum": one.most}
    example = one.shown if example is None else example
    if example is not None:
        known["example"] = example
    elif one.kind in ("number", "seed", "text", "tokens", "sequence"):  # a value for a form to begin with: one row
        drawn = np.asarray(one.draw(np.random.default_rng(0), 1)).tolist()
        known["example"] = drawn[0] if one.shape else drawn
    told = {key: value for key, value in known.items() if value is not None}
    return {"shape": list(one.shape), "dtype": one.dtype, "kind": one.kind, **told}


def variables_of(traced):
    """The variables that signatures read, each once."""
    return list({id(v): v for function in traced.values() for v in function.graph.variables}.values())


def save(signatures, folder):
    """Write signatures, name -> concrete function, as a SavedModel that holds each variable once.

    Raises:
        OutputError: the folder cannot be written.
    """
    module = tf.Module()
    module.variables_of_signatures = variables_of(signatures)
    try:
        tf.saved_model.save(module, str(folder), signatures=signatures)
    except tf.errors.OpError as error:
        raise output_error(folder, OSError(error.message)) from None


def compare(name, found, expected, *, tolerance=TOLERANCE):
    """The largest difference of a signature's outputs from what is expected.

    Args:
        name: str. Of the signature, for the error.
        found, expected: dict of arrays.
        tolerance: float or None. Of float outputs, relative to the largest value or to 1. None accepts any finite ones.
            Integers and strings must always be equal.

    Returns:
        float. The largest absolute difference of float outputs.

    Raises:
        ExportError: other names or shapes, other integers or strings, numbers that are not finite, or too far off.
    """
    if set(found) != set(expected):
        raise ExportError(f"signature {name!r} gives {sorted(found)} where Keras gives {sorted(expected)}")
    largest = 0.0
    for key, wanted in expected.items():
        got, where = np.asarray(found[key]), f"signature {name!r}, output {key!r}"
        if got.shape != wanted.shape:
            raise ExportError(f"{where}: shape {got.shape} where Keras gives {wanted.shape}")
        if wanted.dtype.kind != "f":
            if tolerance is not None and not np.array_equal(got, wanted):
                raise ExportError(f"{where}: values differ from those of Keras")
            continue
        if not np.isfinite(got).all():
            raise ExportError(f"{where}: values that are not finite")
        difference = float(np.abs(got - wanted).max(initial=0.0))
        if tolerance is not None and difference > tolerance * max(1.0, float(np.abs(wanted).max(initial=0.0))):
            raise ExportError(f"{where}: differs from Keras by {difference:.2g}")
        largest = max(largest, difference)
    return largest
