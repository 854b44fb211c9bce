"""Deep belief networks: greedy updates and the classifier against NumPy, and the gain from pretraining."""

import json
from pathlib import Path

import keras
import numpy as np
import pytest
from PIL import Image
from scipy.special import expit, softmax

import kerazoo
from kerazoo.data import open_source
from kerazoo.layers.restricted_boltzmann import uniform_draws
from kerazoo.tasks import Data, write_samples
from kerazoo.utils.errors import ConfigError
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
            "generate": Verb(lambda model, batch: model.generate(3, num_gibbs_steps=4, seed=0), (3, 16, 16, 1), (0, 1)),
        },
        sample=lambda model, seed: model.generate(3, num_gibbs_steps=4, seed=seed),
        falling=("classifier_loss",),
        on_source={"num_classes": 10},
        mechanism="stages",
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


def test_images_come_from_the_top_rbm_and_down_through_all_layers():
    model = tiny()
    rng = np.random.default_rng(0)
    for weight in model.weights:
        weight.assign(rng.normal(0, 1, weight.shape))
    top = kerazoo.create("rbm", image_shape=(1, 5, 1), hidden_units=4)
    for found, expected in zip(top.rbm.weights, model.rbm_3.weights, strict=True):
        found.assign(expected)
    v = top.generate(20, num_gibbs_steps=7, seed=3).reshape(20, 5)
    for rbm in (model.rbm_2, model.rbm_1):
        v = expit(v @ rbm.kernel.numpy().T + rbm.visible_bias.numpy())
    images = model.generate(20, num_gibbs_steps=7, seed=3)
    np.testing.assert_allclose(images.reshape(20, -1), v, rtol=1e-5, atol=1e-6)
    assert len(np.unique(images[:, 0, 0, 0])) > 3
    with pytest.raises(ConfigError, match=r"^num_gibbs_steps = 0"):
        model.generate(2, num_gibbs_steps=0)


def test_a_stack_of_one_rbm_draws_what_the_rbm_draws():
    stack, rbm = tiny(hidden_units=(6,)), kerazoo.create("rbm", image_shape=(16, 16, 1), hidden_units=6)
    for found, expected in zip(rbm.rbm.weights, stack.rbm_1.weights, strict=True):
        expected.assign(np.random.default_rng(1).normal(0, 0.5, expected.shape))
        found.assign(expected)
    np.testing.assert_array_equal(
        stack.generate(9, num_gibbs_steps=5, seed=2), rbm.generate(9, num_gibbs_steps=5, seed=2)
    )


def test_pretrained_rbms_draw_images_like_the_data():
    source = open_source("digits")
    model = tiny(image_shape=(8, 8, 1), hidden_units=(60, 60), num_classes=10)
    model.compile(seed=0)
    images = source.arrays["image"] / 255
    for stage in model.stages()[:-1]:
        model.begin_stage(stage.name)
        model.fit(source, batch_size=50, epochs=20, verbose=0)
    drawn = model.generate(200, num_gibbs_steps=200, seed=0)
    nearest = [np.square(images - image).sum(axis=(1, 2, 3)).min() for image in drawn]
    of_means = np.square(images - images.mean(axis=0)).sum(axis=(1, 2, 3)).min()
    assert np.mean(nearest) < 0.8 * of_means  # nearer to some digit than the mean image is
    assert len(np.unique(model.encode(drawn).round(1), axis=0)) > 20


def test_the_picture_has_classified_images_and_drawn_ones(tmp_path):
    model = tiny(image_shape=(8, 8, 1), num_classes=10)
    data = Data("digits", (8, 8, 1))
    (file,) = write_samples(model, tmp_path / "a.png", num=5, data=data, scale=2)
    width, height = 2 * 8 + 2, 2 * 8 + 2 + 16
    assert Image.open(file).size == (3 * width + 2, 4 * height + 2)  # five, a white one, six drawn
    picture = np.asarray(Image.open(file).convert("L")) / 255
    first = picture[2 + 2 * height : 2 + 2 * height + 16 : 2, 2:18:2]
    np.testing.assert_allclose(first, model.generate(6, seed=0)[0, ..., 0], atol=1 / 255)


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
