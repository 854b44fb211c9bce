"""Endpoints of fixed sizes, for signatures whose memory LiteRT must know before they run."""

import dataclasses

import numpy as np


def fixed_endpoint(endpoint, batch_size):
    """An endpoint with all of its sizes fixed.

    Args:
        endpoint: Endpoint.
        batch_size: int. Rows of a call.

    Returns:
        Endpoint. The same function; shorter inputs are drawn and padded with zeros.
    """
    return dataclasses.replace(endpoint, inputs={key: _fixed(one, batch_size) for key, one in endpoint.inputs.items()})


def _fixed(one, batch_size):
    if None not in one.shape:
        return one
    rows, *rest = one.shape
    shape = (batch_size if rows is None else rows, *(one.steps or 1 if size is None else size for size in rest))

    def draw(rng, rows):
        return padded(one.draw(rng, rows), shape)

    return dataclasses.replace(one, shape=shape, draw=draw)


def padded(array, shape):
    """An array padded with zeros, or cut, to the sizes of `shape` after its rows."""
    array = array[(slice(None), *(slice(size) for size in shape[1:]))]
    behind = [(0, 0), *((0, size - there) for size, there in zip(shape[1:], array.shape[1:], strict=True))]
    return np.pad(array, behind)


def split_calls(calls, endpoints):
    """Split calls, a list of (signature, named arrays), into parts of as many rows as fixed endpoints take."""
    return [(name, part) for name, inputs in calls for part in _parts(inputs, endpoints[name])]


def _parts(inputs, endpoint):
    (rows,) = {endpoint.inputs[key].shape[0] for key, value in inputs.items() if value.ndim}
    if rows is None:
        return [inputs]
    given = max(len(value) for value in inputs.values() if value.ndim)
    starts = range(0, given - rows + 1, rows)
    return [{k: v[start : start + rows] if v.ndim else v for k, v in inputs.items()} for start in starts]
