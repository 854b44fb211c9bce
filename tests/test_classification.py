"""Classifiers on a user's own images: as many classes as there are folders, and labels that are labels."""

import numpy as np
import pytest
import tensorflow as tf
from PIL import Image

import kerazoo
from kerazoo.cli import main
from kerazoo.utils.errors import DataError
from tests.zoo_rows import Row, Verb, tiny_images


def adversarial_reference(model, batch, noise):
    """Goodfellow et al. 2015, section 6, with alpha a half, in probabilities."""
    images, labels = tf.cast(batch["image"], tf.float32) / 255.0, tf.one_hot(batch["label"], model.num_classes)

    def nats(x):
        return -tf.reduce_sum(labels * tf.math.log(tf.nn.softmax(model.head(model.encoder(x)))), axis=1)

    with tf.GradientTape() as tape:
        tape.watch(images)
        total = tf.reduce_sum(nats(images))
    changed = tf.clip_by_value(images + 0.25 * tf.sign(tape.gradient(total, images)), 0.0, 1.0)
    yield "classifier", lambda: (nats(images) + nats(changed)) / 2


ARGUMENTS = {"image_shape": (16, 16, 1), "num_classes": 3, "filters": (4, 4), "feature_dim": 6}

ROWS = {
    "cnn_classifier": Row(
        arguments=ARGUMENTS,
        batch=tiny_images,
        # 3x3 convolutions 1 -> 4 and 4 -> 4, the hidden layer 4 x 4 x 4 -> 6 and the output 6 -> 3, all with biases
        parameters=40 + 148 + 390 + 21,
        verbs={
            "classify": Verb(lambda model, batch: model.classify(batch["image"]), (8, 3), (0, 1)),
            "features": Verb(lambda model, batch: model.features(batch["image"]), (8, 6), (0, np.inf)),
        },
        falling=("classifier_loss",),
        on_source={"num_classes": 10},
        mechanism="one loss",
    ),
    "cnn_classifier@adversarial": Row(
        arguments={**ARGUMENTS, "dropout_rate": 0.0, "adversarial_epsilon": 0.25},
        batch=tiny_images,
        parameters=40 + 148 + 390 + 21,  # those of the other
        verbs={"classify": Verb(lambda model, batch: model.classify(batch["image"]), (8, 3), (0, 1))},
        falling=("classifier_loss",),
        on_source={"num_classes": 10},
        mechanism="one loss",
        reference=adversarial_reference,
    ),
}


IMAGES = np.zeros((4, 16, 16, 1), "uint8")


def photos(folder, classes, num=12):
    """Images in folders `a`, `b`, ..., or, without classes, in one."""
    for i in range(num * max(1, len(classes))):
        path = folder / (classes[i % len(classes)] if classes else ".")
        path.mkdir(parents=True, exist_ok=True)
        Image.fromarray(np.full((16, 16), i, np.uint8)).save(path / f"{i}.png")
    return f"folder:{folder}"


@pytest.mark.parametrize("architecture", ["cnn_classifier", "dbn"])
def test_as_many_classes_as_folders(here, capsys, architecture):
    data = photos(here / "photos", "abc")
    options = ["--data", data, "--epochs", "1", "--batch-size", "4", "--out", "run"]
    options += {"dbn": ["--set", "model.hidden_units=[4]"], "cnn_classifier": []}[architecture]
    assert main(["train", architecture, *options]) == 0
    assert "num_classes = 3, from the data" in capsys.readouterr().out
    model = kerazoo.load("run")
    assert model.classify(IMAGES).shape == (4, 3)
    # an epoch each: a preset's own epochs of its stages do not count where --epochs is given
    assert kerazoo.info("run")["training"]["steps"] % len(model.stages()) == 0


@pytest.mark.parametrize("architecture", ["cnn_classifier", "dbn"])
def test_images_without_classes_are_refused_before_training(here, capsys, architecture):
    assert main(["train", architecture, "--data", photos(here / "photos", ""), "--out", "run"]) == 1
    assert f"has no labels, which {architecture} needs: give a folder for each class" in capsys.readouterr().err
    assert not (here / "run").exists()


@pytest.mark.parametrize(
    ("labels", "message"),
    [
        (None, "no labels: this model learns from"),
        ([0, 1, 2, 3], "labels from 0 to 3 where the model has 3 classes, 0 to 2: create it with num_classes=4"),
        ([0, -1, 2, 1], r"1 of 4 examples have no label \(-1\), which this model needs: leave them out"),
        ([0.0, 1.0, 2.0, 0.5], "labels of type float32 and shape"),
        (np.eye(4, 3, dtype=int), r"shape \(4, 3\): integers, shape \(num,\), are expected"),
    ],
)
def test_labels_that_are_none(labels, message):
    model = kerazoo.create("cnn_classifier", image_shape=(16, 16, 1), num_classes=3, filters=(2, 2), feature_dim=4)
    model.compile(seed=0, run_eagerly=True)
    labels = labels if labels is None else np.asarray(labels)
    with pytest.raises(DataError, match=message):
        model.fit(IMAGES, labels, batch_size=4, verbose=0)


def test_stages_without_classes_need_no_labels():
    model = kerazoo.create("dbn", image_shape=(16, 16, 1), hidden_units=(3,), num_classes=2)
    model.compile(seed=0, run_eagerly=True)
    model.fit(IMAGES, batch_size=4, verbose=0)
    model.begin_stage(model.stages()[-1].name)
    with pytest.raises(DataError, match="no labels"):
        model.fit(IMAGES, batch_size=4, verbose=0)
