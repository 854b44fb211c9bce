"""Stacks of restricted Boltzmann machines that learn one after another, and then as a network (Hinton et al. 2006)."""

import math

import tensorflow as tf

from kerazoo.utils.images import as_float


class GreedyStack:
    """Mixin; list it before the family's base. A stage of the name of an RBM trains it by contrastive divergence; any
    other stage is the base's. The class has `rbms()`, and writes `contrastive_gradients`."""

    def rbms(self):
        """The RBMs, layers, from the images upwards; each is the role and the stage of its name."""
        raise NotImplementedError(f"{type(self).__name__} has no rbms")

    def variables_of(self, role):
        """The variables of a role, frozen or not: of one RBM, or all but the biases of visible units, which no layer of
        the whole network adds."""
        found, rbms = super().variables_of(role), self.rbms()
        own = [id(variable) for rbm in rbms if rbm.name == role for variable in rbm.variables]
        if own:
            return [variable for variable in found if id(variable) in own]
        unused = [id(rbm.visible_bias) for rbm in rbms]
        return [variable for variable in found if id(variable) not in unused]

    def contrastive_gradients(self, rbm, v, stream):
        """The update of an RBM by contrastive divergence; it tracks `reconstruction_error`.

        Args:
            rbm: RestrictedBoltzmann. One of `rbms()`.
            v: tf.Tensor. float32, shape `(batch, rbm.num_visible)`: its visible units, or their probabilities.
            stream: str. Names the noise of this part of the step.

        Returns:
            list of tf.Tensor. As of `RestrictedBoltzmann.gradients`.
        """
        raise NotImplementedError(f"{type(self).__name__} has no contrastive_gradients")

    def train_step(self, data):
        if self.stage.name in self._names:
            self.update(self.stage.name, self._gradients(data, "train"))
            return self.finish_step()
        return super().train_step(data)

    def test_step(self, data):
        if self.stage.name in self._names:
            self._gradients(data, "test")
            return self.logs()
        return super().test_step(data)

    @property
    def _names(self):
        return [rbm.name for rbm in self.rbms()]

    def _gradients(self, data, stream):
        """The update of the stage's RBM, which sees the images through those below it."""
        v = tf.reshape(as_float(self.batch(data)["image"]), [-1, math.prod(self.image_shape)])
        *below, rbm = self.rbms()[: 1 + self._names.index(self.stage.name)]
        for layer in below:
            v = layer(v)
        return self.contrastive_gradients(rbm, v, stream)
