"""Checks that every SavedModel must pass, tiny models' and presets' alike."""

import numpy as np
import tensorflow as tf

from kerazoo.exporting.signatures import SERVING_DEFAULT, compare
from tests.c_api import Session


def check_saved_model(model, folder, rows=4):
    """Export, and compare every signature, through the C API and through Python, with Keras; returns the metadata."""
    metadata, endpoints = model.export(folder), model.endpoints()
    session, signatures = Session(folder), tf.saved_model.load(str(folder)).signatures
    assert set(session.signatures) - {"__saved_model_init_op"} == {SERVING_DEFAULT, *endpoints} == set(signatures)
    assert set(metadata["signatures"]) == set(endpoints)
    for name, endpoint in endpoints.items():
        inputs = endpoint.example(np.random.default_rng(7), rows)
        expected = {key: value.numpy() for key, value in endpoint(**inputs).items()}
        compare(name, session.run(name, inputs), expected)
        tensors = {key: tf.constant(value) for key, value in inputs.items()}
        compare(name, {key: value.numpy() for key, value in signatures[name](**tensors).items()}, expected)
    first = next(iter(endpoints))
    assert endpoints[first].batchable
    default, other = session.signatures[SERVING_DEFAULT], session.signatures[first]
    assert (set(default.inputs), set(default.outputs)) == (set(other.inputs), set(other.outputs))
    return metadata
