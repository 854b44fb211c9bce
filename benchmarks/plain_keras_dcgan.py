"""A plain Keras DCGAN on MNIST, as found in tutorials, that kerazoo is measured against.

It uses nothing from kerazoo. Everything is as users copy it: a `train_step` with two tapes and fresh noise for each
update, a `tf.data` pipeline with its default options, a generator that begins at 7x7 (`--networks tutorial`); or the
networks of the preset `dcgan_mnist`, which begin at 4x4 (`--networks preset`). Real and fake images pass the
discriminator in two calls: one joint batch, which tutorials without batch normalisation use, fails with it (the
discriminator wins by the batch's statistics alone, both losses go to zero within an epoch, and nothing is learned).

    TFDS_DATA_DIR=... python benchmarks/plain_keras_dcgan.py --steps 3000 --out plain.keras
"""

import argparse

import keras
import tensorflow as tf
import tensorflow_datasets as tfds
from keras import layers

LATENT_DIM = 100


def build_tutorial_networks():
    """The generator and discriminator of tutorials, for 28x28x1: 7x7, 14x14, 28x28."""
    init = keras.initializers.RandomNormal(stddev=0.02)
    generator = keras.Sequential(
        [
            keras.Input((LATENT_DIM,)),
            layers.Dense(7 * 7 * 128, use_bias=False, kernel_initializer=init),
            layers.Reshape((7, 7, 128)),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2DTranspose(64, 4, 2, "same", use_bias=False, kernel_initializer=init),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2DTranspose(1, 4, 2, "same", activation="tanh", kernel_initializer=init),
        ],
        name="generator",
    )
    discriminator = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(64, 4, 2, "same", kernel_initializer=init),
            layers.LeakyReLU(0.2),
            layers.Conv2D(128, 4, 2, "same", use_bias=False, kernel_initializer=init),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.2),
            layers.Flatten(),
            layers.Dense(1, kernel_initializer=init),
        ],
        name="discriminator",
    )
    return generator, discriminator


def build_preset_networks():
    """The networks of the preset `dcgan_mnist`: 4x4, 7x7, 14x14, 28x28, with 56, 112 and 224 filters."""
    init = keras.initializers.RandomNormal(stddev=0.02)
    generator = keras.Sequential(
        [
            keras.Input((LATENT_DIM,)),
            layers.Dense(4 * 4 * 224, use_bias=False, kernel_initializer=init),
            layers.Reshape((4, 4, 224)),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2DTranspose(112, 4, 2, "same", use_bias=False, kernel_initializer=init),
            layers.Cropping2D(((0, 1), (0, 1))),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2DTranspose(56, 4, 2, "same", use_bias=False, kernel_initializer=init),
            layers.BatchNormalization(),
            layers.ReLU(),
            layers.Conv2DTranspose(1, 4, 2, "same", activation="tanh", kernel_initializer=init),
        ],
        name="generator",
    )
    discriminator = keras.Sequential(
        [
            keras.Input((28, 28, 1)),
            layers.Conv2D(56, 4, 2, "same", kernel_initializer=init),
            layers.LeakyReLU(0.2),
            layers.Conv2D(112, 4, 2, "same", use_bias=False, kernel_initializer=init),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.2),
            layers.Conv2D(224, 4, 2, "same", use_bias=False, kernel_initializer=init),
            layers.BatchNormalization(),
            layers.LeakyReLU(0.2),
            layers.Flatten(),
            layers.Dense(1, kernel_initializer=init),
        ],
        name="discriminator",
    )
    return generator, discriminator


NETWORKS = {"tutorial": build_tutorial_networks, "preset": build_preset_networks}


class GAN(keras.Model):
    def __init__(self, networks):
        super().__init__()
        self.generator, self.discriminator = NETWORKS[networks]()
        self.d_loss_metric = keras.metrics.Mean(name="d_loss")
        self.g_loss_metric = keras.metrics.Mean(name="g_loss")

    def compile(self, d_optimizer, g_optimizer):
        super().compile()
        self.d_optimizer = d_optimizer
        self.g_optimizer = g_optimizer
        self.loss_fn = keras.losses.BinaryCrossentropy(from_logits=True)

    @property
    def metrics(self):
        return [self.d_loss_metric, self.g_loss_metric]

    def train_step(self, real_images):
        batch_size = tf.shape(real_images)[0]
        noise = tf.random.normal((batch_size, LATENT_DIM))
        fake_images = self.generator(noise, training=True)
        with tf.GradientTape() as tape:
            real_logits = self.discriminator(real_images, training=True)
            fake_logits = self.discriminator(fake_images, training=True)
            d_loss = self.loss_fn(tf.ones_like(real_logits), real_logits)
            d_loss += self.loss_fn(tf.zeros_like(fake_logits), fake_logits)
        gradients = tape.gradient(d_loss, self.discriminator.trainable_weights)
        self.d_optimizer.apply_gradients(zip(gradients, self.discriminator.trainable_weights, strict=True))

        noise = tf.random.normal((batch_size, LATENT_DIM))
        with tf.GradientTape() as tape:
            logits = self.discriminator(self.generator(noise, training=True), training=True)
            g_loss = self.loss_fn(tf.ones((batch_size, 1)), logits)
        gradients = tape.gradient(g_loss, self.generator.trainable_weights)
        self.g_optimizer.apply_gradients(zip(gradients, self.generator.trainable_weights, strict=True))

        self.d_loss_metric.update_state(d_loss)
        self.g_loss_metric.update_state(g_loss)
        return {"d_loss": self.d_loss_metric.result(), "g_loss": self.g_loss_metric.result()}


def build_gan(networks="tutorial"):
    """The compiled GAN with the optimizers of the paper."""
    gan = GAN(networks)
    gan.compile(
        d_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5),
        g_optimizer=keras.optimizers.Adam(2e-4, beta_1=0.5),
    )
    return gan


def build_dataset(batch_size):
    """MNIST in [-1, 1], shuffled and batched as tutorials do it."""
    dataset = tfds.load("mnist", split="train", download=False)
    dataset = dataset.map(lambda row: tf.cast(row["image"], tf.float32) / 127.5 - 1.0, tf.data.AUTOTUNE)
    return dataset.cache().shuffle(10_000).batch(batch_size, drop_remainder=True).prefetch(tf.data.AUTOTUNE)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--steps", type=int, default=3000)
    parser.add_argument("--batch-size", type=int, default=64)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--networks", choices=NETWORKS, default="tutorial")
    parser.add_argument("--out", default="plain.keras", help="where the generator is saved")
    arguments = parser.parse_args()
    keras.utils.set_random_seed(arguments.seed)
    gan = build_gan(arguments.networks)
    dataset = build_dataset(arguments.batch_size)
    steps_per_epoch = 60_000 // arguments.batch_size
    epochs, rest = divmod(arguments.steps, steps_per_epoch)
    gan.fit(dataset, epochs=epochs, verbose=2)
    if rest:
        gan.fit(dataset, epochs=1, steps_per_epoch=rest, verbose=2)
    gan.generator.save(arguments.out)


if __name__ == "__main__":
    main()
