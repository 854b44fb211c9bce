"""Claims of Bengio et al. 2007 and Vincent et al. 2010: layers learn one after another, and that helps."""

import keras
import numpy as np
import pytest
from scipy.special import expit

import kerazoo
from kerazoo.data import open_source
from tests.zoo_rows import Row, Verb, tiny_images

ROWS = {
    "stacked_autoencoder": Row(
        arguments={"image_shape": (16, 16, 1), "hidden_units": (7,), "latent_dim": 5},
        batch=tiny_images,
        # kernels and biases of 256 -> 7 -> 5, and the biases of the way back
        parameters=(1792 + 7) + (35 + 5) + (7 + 256),
        verbs={
            "encode": Verb(lambda model, batch: model.encode(batch["image"]), (8, 5), (0, 1)),
            "reconstruct": Verb(lambda model, batch: model.reconstruct(batch["image"]), (8, 16, 16, 1), (0, 1)),
        },
        mechanism="stages",
        represents=True,
        falling=("layer_1_loss",),
    ),
}

TINY = {**ROWS["stacked_autoencoder"].arguments, "hidden_units": (7, 6)}


def tiny(**arguments):
    keras.utils.set_random_seed(0)
    return kerazoo.create("stacked_autoencoder", **{**TINY, **arguments})


def test_stages_are_the_layers_from_below_and_then_all_of_them():
    model = tiny()
    assert [stage.name for stage in model.stages()] == ["layer_1", "layer_2", "layer_3", "joint"]
    shapes = [[tuple(variable.shape) for variable in model.variables_of(role)] for role in model.roles]
    assert shapes[1] == [(7, 6), (6,), (7,)]
    assert len(shapes[-1]) == 9
    assert [stage.name for stage in tiny(pretraining=False).stages()] == ["joint"]


def test_a_layer_learns_to_reconstruct_what_the_layers_below_it_give_of_clean_images():
    model = tiny()
    model.compile({role: keras.optimizers.SGD(0.5) for role in model.roles}, seed=3)
    model.begin_stage("layer_2")
    below, kernel = model.encoder.layers[-3].kernel.numpy(), model.encoder.layers[-2].kernel.numpy()
    x = expit(tiny_images()["image"].reshape(8, -1) / 255 @ below)  # biases are still zero
    seen = np.where(model.noise(8, (7,), stream="corruption", distribution="unit").numpy() < 0.25, 0, x)
    h = expit(seen @ kernel)
    p = expit(h @ kernel.T)
    into = (p - x) @ kernel * h * (1 - h)
    history = model.fit(tiny_images(), batch_size=8, shuffle=False, verbose=0).history
    loss = -(x * np.log(p) + (1 - x) * np.log(1 - p)).sum(axis=1).mean()
    assert history["layer_2_loss"][0] == pytest.approx(loss, rel=1e-5)
    expected = kernel - 0.5 * (seen.T @ into + (p - x).T @ h) / 8
    np.testing.assert_allclose(model.encoder.layers[-2].kernel, expected, atol=1e-5)
    np.testing.assert_array_equal(model.encoder.layers[-3].kernel, below)


@pytest.mark.slow
def test_greedy_layers_lead_to_a_lower_training_loss_in_as_many_epochs():
    """Bengio et al. 2007, section 4: four logistic layers; of 60 epochs, 9 for each of them and 24 for all."""
    source, losses = open_source("digits"), {}
    for pretraining in (True, False):
        options = {"image_shape": (8, 8, 1), "hidden_units": (50, 40, 30), "latent_dim": 20, "corruption_level": 0.0}
        model = tiny(**options, pretraining=pretraining)
        model.compile(seed=0, steps_per_execution=7)
        for stage in model.stages():
            model.begin_stage(stage.name)
            epochs = 9 if stage.name != "joint" else 24 if pretraining else 60
            model.fit(source, batch_size=50, epochs=epochs, verbose=0)
        losses[pretraining] = model.evaluate(source, batch_size=500, verbose=0, return_dict=True)["autoencoder_loss"]
    assert losses[True] < losses[False] - 0.5
