"""One optimizer update, the same on one device and on many."""

import keras
import tensorflow as tf

from kerazoo.base.noise import same_streams
from kerazoo.base.replicas import global_rows, parts


def apply_gradients(optimizer, gradients, variables, clip_norm=None):
    """Clip by the norm of the whole gradient, and update.

    Keras clips on each replica, before the gradients are summed; here the sum is taken first, so that clipping acts on
    the gradient of the global batch, also the optimizer's own (`clipnorm`, `global_clipnorm`, `clipvalue`). The sum is
    also taken first under loss scaling, so that a gradient which is not finite on one replica makes all of them leave
    out the step.

    Args:
        optimizer: keras.optimizers.Optimizer. Built on `variables`.
        gradients: list of tensors, scaled by the loss scale of the optimizer if it has one. Keras sums over replicas.
        variables: list of variables.
        clip_norm: float or None. Largest norm of all gradients together (Pascanu et al. 2013, arXiv:1211.5063).
            Defaults to None, no clipping.
    """
    scaled = isinstance(optimizer, keras.optimizers.LossScaleOptimizer)
    context = tf.distribute.get_replica_context()
    replicas = context.num_replicas_in_sync
    clips = _own_clips(optimizer.inner_optimizer if scaled else optimizer)
    together = replicas > 1 and (scaled or clips or clip_norm is not None)
    if not gradients:  # all are frozen
        return
    if together or clip_norm is not None:
        gradients = [tf.convert_to_tensor(gradient) for gradient in gradients]
    if together:
        gradients = context.all_reduce(tf.distribute.ReduceOp.SUM, gradients)
    scale = tf.cast(optimizer.dynamic_scale, tf.float32) if scaled else 1.0
    if clip_norm is not None:
        gradients, _ = tf.clip_by_global_norm(gradients, clip_norm * scale)
    if together:
        for clip, bound in clips:  # what Keras clips afterwards, the share of a replica, is within its bound then
            gradients = clip(gradients, bound * scale)
        gradients = [gradient / replicas for gradient in gradients]
    optimizer.apply(gradients, variables)


def _own_clips(optimizer):
    """(function, bound) of each clipping that an optimizer is asked for."""
    return [(clip, bound) for name, clip in CLIPS.items() if (bound := getattr(optimizer, name)) is not None]


# An optimizer's argument -> what it does to a list of gradients.
CLIPS = {
    "clipnorm": lambda gradients, bound: [tf.clip_by_norm(gradient, bound) for gradient in gradients],
    "global_clipnorm": lambda gradients, bound: tf.clip_by_global_norm(gradients, bound)[0],
    "clipvalue": lambda gradients, bound: [tf.clip_by_value(gradient, -bound, bound) for gradient in gradients],
}


class Updating:
    """Mixin; list it before `keras.Model`. Updates of one role's variables, right on any number of devices.

    **Gradient accumulation.** With `compile(accumulate=k)` a step takes k batches as one of k times the rows. Noise,
    states and `update` see all of them; `minimize` works on its `rows` in k parts, one after another, and sums their
    gradients, so that the memory of backpropagation is that of one batch. Nothing of it outlasts the step: steps count
    updates, schedules and checkpoints are those of the large batch. The update equals that of the large batch, except
    where a network takes statistics of the rows it sees: batch normalisation takes those of each part.
    """

    accumulate = 1

    def variables_of(self, role):
        """The variables of one role's networks that learn unless they are frozen; its optimizer is built on them."""
        learners = self._learners()
        networks = [getattr(self, name) for name in self.roles[role]]
        return [variable for network in networks for variable in network.variables if id(variable) in learners]

    def _learning(self, variables):
        """Those of some variables that are not frozen."""
        learners = self._learners()
        return [variable for variable in variables if learners.get(id(variable), variable.trainable)]

    def minimize(self, role, loss_fn, *rows, tape=None):
        """One optimizer update of one role's variables.

        Args:
            role: str. Whose variables change; no other variable does.
            loss_fn: callable. `loss_fn(*rows)` gives the loss of each example, shape `(batch,)`; the update follows the
                mean over the global batch. The losses are logged as `<role>_loss`.
            *rows: nested structures of tensors with an example in each row: all that the loss takes of the batch. Under
                `accumulate` they are divided; without any, and with a `tape`, the loss is computed at once.
            tape: tf.GradientTape or None. A tape that has already recorded part of the computation (a generator
                pass that an earlier update of this step used too); it records `loss_fn` as well. Defaults to None.
        """
        optimizer, variables = self.optimizers[role], self._learning(self.variables_of(role))
        count = self.accumulate if rows and tape is None else 1
        before = [tf.identity(state.value) for state in self.states()] if count > 1 else []
        gradients, streams = None, {}
        for context, part in parts(rows, count):
            # One part after another: side by side they would take the memory of all.
            with context, same_streams(streams), tf.control_dependencies(_tensors(gradients)):
                if gradients is not None:
                    # Every part finds the states as they were; the last one, which knows all rows, leaves them.
                    for state, value in zip(self.states(), before, strict=True):
                        state.assign(value)
                with tape or tf.GradientTape() as recorder:
                    losses = tf.cast(loss_fn(*part), tf.float32)
                    loss = optimizer.scale_loss(tf.reduce_sum(losses) / global_rows(losses))
                gradients = _added(gradients, recorder.gradient(loss, variables))
                self.track(**{f"{role}_loss": losses})
        apply_gradients(optimizer, self._after_losses(role, gradients), variables, self.clip_norms.get(role))

    def _after_losses(self, role, gradients):
        """The gradients, not before the losses are computed and logged.

        An update must not overtake a loss that reads the variable. The traced graph has that edge; TensorFlow's
        dependency optimizer drops it where another way leads from the read to the update, even one by a shape that is
        folded later. A variable whose gradient does not depend on its own value (the last kernel of a Wasserstein
        critic) then had a new value in some of the losses of one step in a hundred. The assignment to the log does
        depend on the value, and an edge between two assignments stays.
        """
        with tf.control_dependencies([tf.identity(self._trackers[f"{role}_loss"].total.value)]):
            return [None if gradient is None else tf.identity(gradient) for gradient in gradients]

    def update(self, role, gradients):
        """One optimizer update from gradients that are no derivative of a loss.

        Args:
            role: str. Whose variables change.
            gradients: list of tf.Tensor. For each of `variables_of(role)`, the sum over this replica's rows divided by
                the global number of rows (`kerazoo.base.replicas.global_rows`).
        """
        optimizer, variables = self.optimizers[role], self.variables_of(role)
        learning = set(map(id, self._learning(variables)))
        pairs = [pair for pair in zip(gradients, variables, strict=True) if id(pair[1]) in learning]
        scaled = [optimizer.scale_loss(gradient) for gradient, _ in pairs]
        apply_gradients(optimizer, scaled, [variable for _, variable in pairs], self.clip_norms.get(role))

    def updates_per_step(self, role):
        """The number of updates of a role in a training step, for schedules of its learning rate."""
        return 1


def _tensors(gradients):
    return [gradient for gradient in gradients or () if gradient is not None]


def _added(total, gradients):
    """The sums of two lists of gradients, the first of which may be None; so may a gradient, of what the loss lacks."""
    if total is None:
        return gradients
    pairs = zip(total, gradients, strict=True)
    return [None if b is None else tf.convert_to_tensor(a) + tf.convert_to_tensor(b) for a, b in pairs]
