"""The family of generative adversarial networks: their training step, written once."""

import tensorflow as tf

from kerazoo.base.example_spaces import SignedImages
from kerazoo.base.latents import LatentModel
from kerazoo.base.model import ZooModel
from kerazoo.base.replicas import global_rows, local_rows


class GAN(LatentModel, ZooModel):
    """Base of generators that learn against an adversary: a discriminator, a critic, an energy.

    A paper builds `generator` and its adversary, and writes `discriminator_loss` and `generator_loss`, one value an
    example. `draw` adds to a batch what a step draws for it; one with labels or codes draws its own. The adversary's
    role comes first in `roles`, the generator's is `"generator"`.

    With one update of the adversary a step, one batch of generated examples serves both updates, the generator's after
    the adversary has changed, as in DCGAN's code. With several (`n_critic`) each takes a part of the batch and fresh
    latents, and the generator's is followed through a pass of its own, as in the algorithm of Arjovsky et al. 2017.

    Attributes:
        n_critic: int. Updates of the adversary for one of the generator.
    """

    roles = {"discriminator": ("discriminator",), "generator": ("generator",)}
    n_critic = 1

    @property
    def space(self):
        return SignedImages(self.image_shape)

    @property
    def task(self):
        return self.space.generation_task

    def call(self, inputs, training=False):
        """Examples in the range that users see, of latents of shape `(batch, latent_dim)`."""
        return self.space.from_network(self.generator(inputs, training=training))

    # === Parts of a step ===

    def draw(self, batch, stream):
        """Add to a batch what a step draws for it.

        Args:
            batch: dict. Its tensors; `real` holds the examples in the networks' range.
            stream: callable `name -> name`. Names the noise of this part of the step, for `self.noise`.

        Returns:
            dict. The batch with the latents `z`; a paper with codes or labels adds them.
        """
        rows = tf.shape(batch["real"])[0]
        return {**batch, "z": self.latent_prior.noise(self, rows, stream("latent"))}

    def fake(self, batch, training):
        """The generator's examples for a batch that was drawn, in the networks' range; or a dict of what it makes."""
        return self.generator(batch["z"], training=training)

    def shown(self, fake):
        """The generated examples that the adversary learns from.

        Args:
            fake: tf.Tensor, or a dict of what the generator makes. Those of this step.

        Returns:
            tf.Tensor or dict. The same, unless a paper shows others.
        """
        return fake

    def discriminator_loss(self, batch, fake, training=True):
        """The adversary's loss of each example.

        Args:
            batch: dict. As `draw` gave it; `real` holds the real examples.
            fake: tf.Tensor. Generated examples, through which no gradient flows.
            training: bool. Whether this is a training step. Defaults to True.

        Returns:
            tf.Tensor. Shape `(batch,)`.
        """
        raise NotImplementedError(f"{type(self).__name__} has no discriminator_loss")

    def generator_loss(self, batch, fake, training=True):
        """The generator's loss of each generated example; arguments and result as for `discriminator_loss`."""
        raise NotImplementedError(f"{type(self).__name__} has no generator_loss")

    # === Training ===

    def train_step(self, data):
        batch = self._with_real(data)
        if self.n_critic > 1:
            self._alternate(batch)
        else:
            self._share_one_pass(self.draw(batch, str))
        return self.finish_step()

    def _share_one_pass(self, batch):
        with tf.GradientTape() as tape:
            fake = self.fake(batch, training=True)
        seen = self.shown(tf.nest.map_structure(tf.stop_gradient, fake))
        self.minimize(self.adversary, self.discriminator_loss, batch, seen)
        self.minimize("generator", lambda: self.generator_loss(batch, fake), tape=tape)

    def _alternate(self, batch):
        parts = self._parts(batch)
        for k, part in enumerate(parts):
            part = self.draw(part, lambda name, k=k: f"{name}_{k}")
            self.minimize(self.adversary, self.discriminator_loss, part, self.fake(part, training=True))
        part = self.draw(parts[0], "{}_generator".format)
        self.minimize("generator", lambda part: self.generator_loss(part, self.fake(part, training=True)), part)

    def test_step(self, data):
        batch = self.draw(self._with_real(data), "test_{}".format)
        fake = self.fake(batch, training=False)
        self.track(**{f"{self.adversary}_loss": self.discriminator_loss(batch, fake, training=False)})
        self.track(generator_loss=self.generator_loss(batch, fake, training=False))
        return self.logs()

    @property
    def adversary(self):
        """The role that plays against the generator."""
        return next(iter(self.roles))

    @property
    def batches_per_step(self):
        return self.n_critic

    def updates_per_step(self, role):
        return self.n_critic if role == self.adversary else 1

    def _with_real(self, data):
        batch = dict(self.batch(data))
        return {"real": self.space.to_network(batch.pop(self.batch_key)), **batch}

    def _parts(self, batch):
        """The batch of each of the adversary's updates: row i of the global batch belongs to part i % n_critic."""
        num_rows, total = tf.shape(batch["real"])[0], tf.cast(global_rows(batch["real"]), tf.int32)
        first = tf.reduce_min(local_rows(tf.range(total), num_rows))  # this replica's
        stride = tf.minimum(self.n_critic, total)  # so that no part is empty
        rows = [tf.range((k - first) % stride, num_rows, stride) for k in range(self.n_critic)]
        return [tf.nest.map_structure(lambda x, row=row: tf.gather(x, row), batch) for row in rows]
