"""Functions of a model called on arrays: which of them are the same, and what runs them."""

import functools

import numpy as np
import tensorflow as tf

from kerazoo.base.compiled_calls import Calls

X = np.arange(6, dtype="float32").reshape(3, 2)


class Model:
    """Has methods, one traced anew for each of its names."""

    def __init__(self):
        self.traces = []

    def plus(self, x, amount=1.0):
        self.traces.append((tuple(x.shape), amount))
        return x + amount


def test_functions_of_one_name_are_not_taken_for_each_other():
    calls = Calls()
    for amount in (1, 2):

        def plus(x, amount=amount):
            return x + amount

        np.testing.assert_array_equal(calls.in_batches(plus, X, batch_size=2), X + amount)


def test_a_method_is_traced_once_for_all_batch_sizes_and_a_partial_once_for_its_arguments():
    calls, model = Calls(), Model()
    for rows in (1, 2, 3):
        np.testing.assert_array_equal(calls(model.plus, X[:rows]), X[:rows] + 1)
    for amount in (5.0, 7.0, 5.0):
        np.testing.assert_array_equal(calls(functools.partial(model.plus, amount=amount), X), X + amount)
    assert model.traces == [((None, 2), 1.0), ((None, 2), 5.0), ((None, 2), 7.0)]
    calls(model.plus, X[:, :1])
    calls(model.plus, X, any_shape=True)
    calls(model.plus, X[:, :1], any_shape=True)
    assert model.traces[3:] == [((None, 1), 1.0), ((None, None), 1.0)]


def test_structures_of_results_are_joined_over_the_batches():
    found = Calls().in_batches(lambda x: {"sum": tf.reduce_sum(x, 1), "x": x}, X, batch_size=2)
    np.testing.assert_array_equal(found["sum"], X.sum(1))
    np.testing.assert_array_equal(found["x"], X)
    assert Calls().in_batches(lambda x: x + 1, X[:0], batch_size=2).shape == (0, 2)


def test_a_runner_takes_the_place_of_the_functions_and_gives_it_back():
    calls, model = Calls(), Model()
    with calls.replaced(lambda function, x: (function.__name__, x * 10)):
        name, value = calls(model.plus, X)
    assert name == "plus"
    np.testing.assert_array_equal(value, X * 10)
    np.testing.assert_array_equal(calls(model.plus, X), X + 1)
