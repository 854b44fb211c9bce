"""The same networks and steps in plain Keras, as users write them; the DCGAN is `plain_keras_dcgan.py`."""

import sys
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf
from contenders import THREADS
from keras import layers

sys.path.insert(0, str(Path(__file__).parents[1]))
import plain_keras_dcgan as plain

tf.config.threading.set_intra_op_parallelism_threads(THREADS)


def _repeated(model, batch):
    data = tf.data.Dataset.from_tensors(batch).repeat()
    return lambda steps: model.fit(data, steps_per_epoch=steps, verbose=0)


def dcgan(batch_size=64):
    """A `train_step` with two tapes and two passes of the generator, in `fit`."""
    gan = plain.build_gan("preset")
    return _repeated(gan, np.random.default_rng(0).uniform(-1, 1, (batch_size, 28, 28, 1)).astype("float32"))


def short_epochs(batches, autotune, batch_size=64):
    """A small network in `fit`; the pipeline is that of tutorials: map, cache, shuffle, batch, prefetch."""
    network = keras.Sequential([keras.Input((28, 28, 1)), layers.Flatten(), layers.Dense(10)])
    network.compile("adam", keras.losses.SparseCategoricalCrossentropy(from_logits=True))
    images = np.random.default_rng(0).integers(0, 256, (batches * batch_size, 28, 28, 1), dtype=np.uint8)
    data = tf.data.Dataset.from_tensor_slices((images, np.zeros(len(images), int)))
    data = data.map(lambda image, label: (tf.cast(image, tf.float32) / 255.0, label), tf.data.AUTOTUNE)
    data = data.cache().shuffle(10_000).batch(batch_size).prefetch(tf.data.AUTOTUNE)
    if not autotune:
        options = tf.data.Options()
        options.autotune.enabled = False
        data = data.with_options(options)
    return lambda epochs: network.fit(data, epochs=epochs, verbose=0)


def character_model(batch_size=64, steps_of_time=64, num_characters=65, embedding_dim=64, units=288):
    """Stateful LSTM layers of Keras under a softmax, in `fit`."""
    recurrent = {"return_sequences": True, "stateful": True}
    model = keras.Sequential(
        [
            keras.Input((steps_of_time,), batch_size=batch_size),
            layers.Embedding(num_characters, embedding_dim),
            layers.LSTM(units, **recurrent),
            layers.Dropout(0.25),
            layers.LSTM(units, **recurrent),
            layers.Dropout(0.25),
            layers.Dense(num_characters),
        ]
    )
    loss = keras.losses.SparseCategoricalCrossentropy(from_logits=True)
    model.compile(keras.optimizers.Adam(3e-3, clipnorm=5.0), loss)
    tokens = np.random.default_rng(0).integers(num_characters, size=(batch_size, steps_of_time + 1))
    return _repeated(model, (tokens[:, :-1], tokens[:, 1:]))
