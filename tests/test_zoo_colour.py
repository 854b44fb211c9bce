"""Every architecture of images trains on a folder of colour photos of 32 and of 64 pixels."""

import json

import numpy as np
import pytest
from PIL import Image

import kerazoo
from kerazoo.training import train
from kerazoo.training.arguments import training_arguments
from tests.zoo_rows import all_rows, architecture

OF_IMAGES = [
    name for name, row in all_rows().items() if "image_shape" in row.arguments and "domains" not in row.arguments
]


@pytest.fixture(scope="module", params=[32, 64])
def photos(request, tmp_path_factory):
    """(side, folder) of two classes of noisy colour photos."""
    folder, rng = tmp_path_factory.mktemp("photos"), np.random.default_rng(0)
    for label in ("earth", "water"):
        (folder / label).mkdir()
        for i in range(8):
            pixels = rng.integers(0, 256, (request.param, request.param, 3), dtype="uint8")
            Image.fromarray(pixels).save(folder / label / f"{i}.png")
    return request.param, folder


@pytest.mark.slow
@pytest.mark.parametrize("name", OF_IMAGES)
def test_a_folder_of_colour_photos(name, photos, tmp_path):
    """The tiny sizes of the row, and all else as the preset's command has it."""
    side, folder = photos
    sizes = {
        key: value for key, value in all_rows()[name].arguments.items() if key not in ("image_shape", "num_classes")
    }
    overrides = [f"model.{key}={json.dumps(value)}" for key, value in sizes.items()] + ["training.stages={}"]
    source = f"folder:{folder}" if all_rows()[name].source == "digits" else f"twins:folder:{folder}"  # of two domains
    options = {"epochs": 1, "batch_size": 4, "precision": "float32"}
    config, data = training_arguments(architecture(name), data=source, options=options, overrides=overrides)
    result = train(config, tmp_path / "run", data=data)
    model = kerazoo.load(result.preset)
    assert model.image_shape == (side, side, 3)
    assert all(np.isfinite(weights).all() for weights in model.get_weights())
