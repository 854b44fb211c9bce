"""Deep belief networks: greedy updates and the classifier against NumPy, and the gain from pretraining."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from scipy.special import expit, softmax

import kerazoo
from kerazoo.data import open_source
from kerazoo.layers.restricted_boltzmann import uniform_draws
from tests.zoo_rows import Row, Verb, tiny_images

ROWS = {
    "dbn": Row(
        arguments={"image_shape": (16, 16, 1), "hidden_units": (6, 5, 4), "num_classes": 3, "dropout_rate": 0.2},
        batch=tiny_images,
        # three RBMs (a kernel and both biases each) of 256, 6, 5 and 4 units, and the softmax
        parameters=(1536 + 256 + 6) + (30 + 6 + 5) + (20 + 5 + 4) + (12 + 3),
        verbs={
            "classify": Verb(lambda model, batch: model.classify(batch["image"]), (8, 3), (0, 1)),
            "encode": Verb(lambda model, batch: model.encode(batch["image"]), (8, 4), (0, 1)),
        },
        falling=("classifier_loss",),
        on_source={"num_classes": 10},
        mechanism="stages",
        represents=True,
    ),
}


TINY = {**ROWS["dbn"].arguments, "dropout_rate": 0.0}
RESULTS = Path(__file__).parents[1] / "benchmarks" / "results" / "dbn_pretraining.json"


def tiny(**arguments):
    keras.utils.set_random_seed(0)
    return kerazoo.create("dbn", **{**TINY, **arguments})


def test_stages_are_the_rbms_from_below_and_then_the_classifier():
    model = tiny()
    assert [stage.name for stage in model.stages()] == ["rbm_1", "rbm_2", "rbm_3", "classifier"] == [*model.roles]
    paths = [variable.path for variable in model.variables_of("classifier")]
    assert paths[:-2] == [f"rbm_{i}/{name}" for i in (1, 2, 3) for name in ("kernel", "hidden_bias")]
    assert paths[-2:] == [variable.path for variable in model.head.trainable_variables]


def test_a_stage_learns_by_cd_from_what_the_stages_before_it_give():
    model = tiny()
    model.compile({role: keras.optimizers.SGD(0.5) for role in model.roles}, seed=3)
    model.begin_stage("rbm_2")
    images = tiny_images()["image"]
    v = expit(images.reshape(8, -1) / 255 @ model.rbm_1.kernel.numpy())  # the biases are still zero
    kernel = model.rbm_2.kernel.numpy()
    p = expit(v @ kernel)
    h = (uniform_draws(model, 8, "train")("start", 5).numpy() < 2 * p - 1).astype(float)
    reconstruction = expit(h @ kernel.T)
    again = expit(reconstruction @ kernel)
    history = model.fit(tiny_images(), batch_size=8, shuffle=False, verbose=0).history
    np.testing.assert_allclose(model.rbm_2.kernel, kernel + 0.5 * (v.T @ p - reconstruction.T @ again) / 8, atol=1e-6)
    np.testing.assert_allclose(model.rbm_2.visible_bias, 0.5 * (v - reconstruction).mean(axis=0), atol=1e-6)
    np.testing.assert_allclose(model.rbm_2.hidden_bias, 0.5 * (p - again).mean(axis=0), atol=1e-6)
    error = np.square(v - reconstruction).sum(axis=1).mean()
    np.testing.assert_allclose(history["reconstruction_error"][0], error, rtol=1e-5)


def test_the_classifier_is_the_stack_of_logistic_layers():
    model = tiny()
    images = tiny_images()["image"]
    h = images.reshape(8, -1) / 255
    for rbm in (model.rbm_1, model.rbm_2, model.rbm_3):
        rbm.hidden_bias.assign(np.linspace(-1, 1, rbm.units))
        h = expit(h @ rbm.kernel.numpy() + rbm.hidden_bias.numpy())
    np.testing.assert_allclose(model.encode(images), h, rtol=1e-5)
    kernel, bias = (v.numpy() for v in model.head.trainable_variables)
    np.testing.assert_allclose(model.classify(images), softmax(h @ kernel + bias, axis=1), rtol=1e-5)


def test_without_pretraining_the_same_network_starts_from_glorot_weights():
    greedy, random = tiny(), tiny(pretraining=False)
    assert [stage.name for stage in random.stages()] == ["classifier"] == [*random.roles]
    assert random.count_params() == greedy.count_params()
    limit = np.sqrt(6 / (256 + 6))
    assert 0.95 * limit < np.abs(random.rbm_1.kernel.numpy()).max() <= limit
    assert np.abs(greedy.rbm_1.kernel.numpy()).max() < 0.06


def test_pretraining_lets_few_steps_of_fine_tuning_classify():
    train, test = open_source("digits"), open_source("digits", split="test")
    accuracy = {}
    for pretraining in (True, False):
        model = tiny(image_shape=(8, 8, 1), hidden_units=(60, 60, 60), num_classes=10, pretraining=pretraining)
        model.compile(seed=0)
        for stage in model.stages():
            model.begin_stage(stage.name)
            model.fit(train, batch_size=50, epochs=5 if stage.name == "classifier" else 20, verbose=0)
        accuracy[pretraining] = (model.classify(test.arrays["image"]).argmax(axis=1) == test.arrays["label"]).mean()
    assert accuracy[True] > 0.8
    assert accuracy[True] > accuracy[False] + 0.2


def test_recorded_figures_meet_their_bars():
    metrics = kerazoo.info("dbn_mnist")["metrics"]
    assert metrics["num_images"] == 10_000
    assert metrics["accuracy"] >= 0.984


@pytest.mark.parametrize("seed", range(3))
def test_recorded_pretraining_beats_random_initialisation(seed):
    runs = {(run["pretraining"], run["seed"]): run["test_error"] for run in json.loads(RESULTS.read_text())["runs"]}
    assert runs[True, seed] <= 0.016
    assert runs[True, seed] < runs[False, seed]
