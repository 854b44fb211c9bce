"""Values that variables had before, as states of training."""

import tensorflow as tf


def keep(model, name, variables):
    """Make the states that hold one value of each variable; for `compile`."""
    for i, variable in enumerate(variables):
        model.add_state(f"{name}_{i}", tuple(variable.shape), "float32")


def kept(model, name, variables):
    """The states of `keep`, in the order of the variables."""
    return [model.state(f"{name}_{i}") for i in range(len(variables))]


def update_averages(averages, variables, count):
    """Take the variables into the averages of `count` values before: theta_bar_t = (1 / t) sum_i theta_i."""
    share = 1.0 / (tf.cast(count, tf.float32) + 1.0)
    for average, variable in zip(averages, variables, strict=True):
        average.assign_add(share * (tf.convert_to_tensor(variable) - tf.convert_to_tensor(average)))


def square_distance(averages, variables):
    """|theta - theta_bar|^2, a scalar, of which the averages are no variables (Salimans et al. 2016, section 3.3)."""
    pairs = zip(averages, variables, strict=True)
    squares = [tf.math.squared_difference(tf.convert_to_tensor(v), tf.convert_to_tensor(past)) for past, v in pairs]
    return tf.add_n([tf.reduce_sum(square) for square in squares])


def take_copies(copies, variables, due):
    """Copy the variables where `due`, a scalar bool tensor, is true."""
    for copy, variable in zip(copies, variables, strict=True):
        copy.assign(tf.where(due, tf.convert_to_tensor(variable), tf.convert_to_tensor(copy)))


def with_weights(network, weights, inputs, training):
    """The outputs of a network where its weights had other values; it does not change.

    Args:
        network: keras.Model.
        weights: list of tf.Tensor. In the order of `network.weights`.
        inputs: tf.Tensor.
        training: bool.
    """
    values = {id(variable): weight for variable, weight in zip(network.weights, weights, strict=True)}
    trainable = [values[id(variable)] for variable in network.trainable_variables]
    others = [values[id(variable)] for variable in network.non_trainable_variables]
    return network.stateless_call(trainable, others, inputs, training=training)[0]
