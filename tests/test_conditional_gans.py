"""GANs of a class asked for: conditional GAN (Mirza and Osindero 2014) and ACGAN (Odena et al. 2017)."""

import keras
import numpy as np
import tensorflow as tf

import kerazoo
from tests.zoo_rows import Row, Verb, tiny_images


def pieces(model, batch, noise):
    """Real images in [-1, 1], one-hot labels, and the generator as a function without arguments."""
    real = tf.cast(batch["image"], tf.float32) / 127.5 - 1.0
    labels = tf.one_hot(tf.cast(batch["label"], tf.int32), model.num_classes)
    z = tf.concat([noise("latent", (model.latent_dim,), "uniform"), labels], axis=1)
    return real, labels, lambda: model.generator(z, training=True)


def source_loss(real, fake):
    """-log D(x) - log (1 - D(G(z)))."""
    return -tf.math.log_sigmoid(real) - tf.math.log_sigmoid(-fake)


def conditional_reference(model, batch, noise):
    real, labels, generate = pieces(model, batch, noise)
    fake = tf.stop_gradient(generate())

    def judge(images):
        maps = tf.tile(labels[:, None, None], [1, 16, 16, 1])
        return model.discriminator(tf.concat([images, maps], axis=3), training=True)[:, 0]

    yield "discriminator", lambda: source_loss(judge(real), judge(fake))
    yield "generator", lambda: -tf.math.log_sigmoid(judge(generate()))


def acgan_reference(model, batch, noise):
    real, labels, generate = pieces(model, batch, noise)
    fake = tf.stop_gradient(generate())

    def judge(images):
        outputs = model.discriminator(images, training=True)
        log_class = tf.reduce_sum(labels * tf.nn.log_softmax(outputs[:, 1:]), axis=1)
        return outputs[:, 0], log_class

    def of_discriminator():
        (real_source, real_class), (fake_source, fake_class) = judge(real), judge(fake)
        return source_loss(real_source, fake_source) - real_class - fake_class

    def of_generator():
        source, log_class = judge(generate())
        return -tf.math.log_sigmoid(source) - log_class

    yield "discriminator", of_discriminator
    yield "generator", of_generator


TINY = {"image_shape": (16, 16, 1), "num_classes": 3, "latent_dim": 5, "filters": 4, "kernel_size": 3}
# DCGAN's, with three labels beside five latents
GENERATOR = 8 * 128 + 288 + 37 + 4 * 12
COMMON = {
    "arguments": TINY,
    "batch": tiny_images,
    "mechanism": "gan",
    "sample": lambda model, seed: model.generate(3, seed=seed),
    "falling": ("discriminator_loss",),
    "learners": ("discriminator",),
    "on_source": {"num_classes": 10},
    "litert_fixed": {"generate"},
}
GENERATE = Verb(lambda model, batch: model.generate(3, labels=[2, 0, 1], seed=0), (3, 16, 16, 1), (0, 1))

ROWS = {
    "acgan": Row(
        **COMMON,
        # the discriminator gives the source and three classes
        parameters=GENERATOR + (40 + 288 + 32 + 128 * 4 + 4),
        verbs={
            "generate": GENERATE,
            "discriminate": Verb(lambda model, batch: model.discriminate(batch["image"]), (8,), (0, 1)),
            "classify": Verb(lambda model, batch: model.classify(batch["image"]), (8, 3), (0, 1)),
        },
        reference=acgan_reference,
    ),
    "conditional_gan": Row(
        **COMMON,
        # the discriminator sees four channels
        parameters=GENERATOR + (9 * 4 * 4 + 4 + 288 + 32 + 129),
        verbs={"generate": GENERATE},
        reference=conditional_reference,
    ),
}


def test_a_step_does_not_depend_on_how_labels_are_shaped():
    """Keras pipelines give labels of shape (batch,) or (batch, 1)."""
    losses = []
    for shape in ((8,), (8, 1)):
        model = kerazoo.create("acgan", **TINY)
        model.set_weights([np.full_like(weight, 0.01) for weight in model.get_weights()])
        model.compile(seed=0)
        batch = tiny_images()
        losses.append(model.fit(batch["image"], batch["label"].reshape(shape), batch_size=8, verbose=0).history)
    assert losses[0] == losses[1]


def test_both_networks_of_the_conditional_gan_see_the_label():
    model = kerazoo.create("conditional_gan", **TINY)
    images = model.generate(2, labels=[0, 1], seed=0)
    same = model.decode(np.zeros((2, 5), "float32"), [0, 1])
    assert np.abs(same[0] - same[1]).max() > 1e-6
    signed = tf.constant(images * 2 - 1)
    judged = [model._judge(signed, tf.fill([2], label), training=False).numpy() for label in (0, 1)]
    assert np.abs(judged[0] - judged[1]).max() > 1e-6


def test_the_class_that_the_auxiliary_classifier_finds_is_learned():
    """Classes that can be told apart are, after some steps on eight images."""
    keras.utils.set_random_seed(0)
    model = kerazoo.create("acgan", **TINY)
    model.compile(seed=0)
    batch = tiny_images()
    model.fit(batch, batch_size=8, epochs=60, verbose=0)
    assert (model.classify(batch["image"]).argmax(axis=1) == batch["label"]).mean() >= 0.75
