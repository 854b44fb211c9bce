"""Claims of Hinton and Salakhutdinov 2006: RBMs with a linear code, unrolled, and better than PCA."""

import keras
import numpy as np
import pytest
from scipy.special import expit

import kerazoo
from kerazoo.data import open_source
from tests.zoo_rows import Row, Verb, published, tiny_images

ROWS = {
    "deep_autoencoder": Row(
        arguments={"image_shape": (16, 16, 1), "hidden_units": (20, 10), "latent_dim": 3},
        batch=tiny_images,
        # RBMs (a kernel and both biases each) of 256, 20, 10 and 3 units, and kernels and biases of the way back
        parameters=(5120 + 256 + 20) + (200 + 20 + 10) + (30 + 10 + 3) + (30 + 10) + (200 + 20) + (5120 + 256),
        verbs={
            "encode": Verb(lambda model, batch: model.encode(batch["image"]), (8, 3)),
            "decode": Verb(lambda model, batch: model.decode(np.ones((2, 3), "float32")), (2, 16, 16, 1), (0, 1)),
            "reconstruct": Verb(lambda model, batch: model.reconstruct(batch["image"]), (8, 16, 16, 1), (0, 1)),
        },
        mechanism="stages",
        falling=("squared_error",),
        taken_over=("decoder",),
    ),
}


def tiny(**arguments):
    keras.utils.set_random_seed(0)
    return kerazoo.create("deep_autoencoder", **{**ROWS["deep_autoencoder"].arguments, **arguments})


def test_the_rbm_of_the_code_has_gaussian_hidden_units():
    model = tiny()
    model.compile({role: keras.optimizers.SGD(0.5) for role in model.roles}, seed=3)
    model.begin_stage("rbm_3")
    first, second, third = (layer.kernel.numpy() for layer in model.encoder.layers[-3:])
    v = expit(expit(tiny_images()["image"].reshape(8, -1) / 255 @ first) @ second)  # the biases are still zero
    means = v @ third
    h = means + model.noise(8, (3,), stream="train").numpy()
    chain = expit(h @ third.T)
    model.fit(tiny_images(), batch_size=8, shuffle=False, verbose=0)
    expected = third + 0.5 * (v.T @ means - chain.T @ (chain @ third)) / 8
    np.testing.assert_allclose(model.encoder.layers[-1].kernel, expected, atol=1e-5)
    np.testing.assert_allclose(model.encoder.layers[-1].visible_bias, 0.5 * (v - chain).mean(axis=0), atol=1e-5)


def test_unrolled_the_decoder_is_the_way_down_through_the_rbms():
    model, rng = tiny(), np.random.default_rng(0)
    for weight in model.encoder.weights:
        weight.assign(rng.normal(size=weight.shape))
    x = z = rng.normal(size=(4, 3)).astype("float32")
    model.begin_stage("autoencoder")
    for rbm in model.encoder.layers[:-4:-1]:
        x = expit(x @ rbm.kernel.numpy().T + rbm.visible_bias.numpy())
    np.testing.assert_allclose(model.decode(z).reshape(4, -1), x, rtol=1e-4, atol=1e-6)


@pytest.mark.slow
def test_pretraining_leads_to_a_lower_error_than_random_weights_in_as_many_epochs_of_fine_tuning():
    """Figure 2 of the paper's point: without it a deep autoencoder gives every image the mean of all."""
    source, errors = open_source("digits"), {}
    for pretraining in (True, False):
        model = tiny(image_shape=(8, 8, 1), hidden_units=(60, 40, 20), latent_dim=6, pretraining=pretraining)
        model.compile(seed=0, steps_per_execution=7)
        for stage in model.stages():
            model.begin_stage(stage.name)
            model.fit(source, batch_size=50, epochs=10, verbose=0)
        errors[pretraining] = model.evaluate(source, batch_size=500, verbose=0, return_dict=True)["squared_error"]
    assert errors[True] < 0.9 * errors[False]


@pytest.mark.skipif("deep_autoencoder_mnist" not in published(), reason="the preset is not trained yet")
def test_recorded_figures_meet_their_bars():
    metrics = kerazoo.info("deep_autoencoder_mnist")["metrics"]
    assert (metrics["num_codes"], metrics["num_examples"]) == (30, 10_000)
    assert metrics["squared_error"] <= 5.0
    assert metrics["squared_error_ratio"] < 0.5
