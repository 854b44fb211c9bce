"""Image translation as a task: its figures and its picture."""

from types import SimpleNamespace

import keras
import numpy as np
import pytest

from kerazoo.base.registry import model_class
from kerazoo.data import from_arrays, open_source
from kerazoo.data.unpaired import Unpaired, twin_of
from kerazoo.presets.config import EvaluationConfig
from kerazoo.tasks import Data, image_translation
from kerazoo.utils.errors import DataError
from kerazoo.utils.images import as_float_array

# === Task ===


class Twin:
    """The perfect translator between twins."""

    def translate(self, images, direction):
        images = as_float_array(images)
        grey = 1 - images.min(-1, keepdims=True)
        return twin_of(images) if direction == "a_to_b" else np.repeat(grey, 3, axis=-1)

    def cycle(self, images, direction):
        there, back = ("a_to_b", "b_to_a") if direction == "a_to_b" else ("b_to_a", "a_to_b")
        return self.translate(self.translate(images, there), back)


@pytest.fixture(scope="module")
def extractor(tmp_path_factory):
    """A linear classifier of 8x8 digits, as a Keras file."""
    from sklearn.linear_model import LogisticRegression

    digits = open_source("digits").arrays
    fitted = LogisticRegression(max_iter=300).fit(digits["image"].reshape(-1, 64) / 255, digits["label"])
    model = keras.Sequential([keras.Input((8, 8, 1)), keras.layers.Flatten(), keras.layers.Dense(10)])
    model.set_weights([fitted.coef_.T, fitted.intercept_])
    file = tmp_path_factory.mktemp("extractor") / "linear.keras"
    model.save(file)
    return str(file)


def test_a_perfect_translator_keeps_everything(extractor):
    settings = EvaluationConfig(num=150, extractor=extractor)
    report = image_translation.evaluate(Twin(), Data("twins:digits"), settings)
    assert report["num_images"] == 150
    assert report["cycle_l1_a"] < 1e-6
    assert report["cycle_l1_b"] < 2e-3  # the twin's uint8 values are rounded
    assert report["class_kept_a_to_b"] == report["class_accuracy_a"] > 0.9
    assert report["class_kept_b_to_a"] == report["class_accuracy_b"] > 0.9
    assert max(abs(report[f"kid_{way}"]) for way in ("a_to_b", "b_to_a")) < 0.01
    assert report["identity_l1_a"] > 0.3  # this one inverts what is in the domain already
    plain = image_translation.evaluate(Twin(), Data("twins:digits"), EvaluationConfig(num=20))
    assert set(plain) == {"cycle_l1_a", "cycle_l1_b", "identity_l1_a", "identity_l1_b", "num_images"}


def test_the_picture_shows_before_and_after(tmp_path):
    from PIL import Image

    (file,) = image_translation.sample(Twin(), tmp_path / "twins", num=6, data=Data("twins:digits"))
    assert file == tmp_path / "twins.png"
    picture = np.asarray(Image.open(file))
    side = 56 + 2  # an image and its gap
    assert picture.shape == (3 * (side + 16) + 2, 6 * side + 2, 3)
    before, after, back = (picture[2:58, 2 + side * i : 58 + side * i] for i in range(3))
    np.testing.assert_array_equal(before, back)
    np.testing.assert_allclose(after, twin_of(before), atol=1)
    with pytest.raises(DataError, match="two domains are needed"):
        image_translation.sample(Twin(), tmp_path / "digits", data=Data("digits"))


def test_a_sample_takes_what_there_is(tmp_path):
    few = Unpaired(*(from_arrays(np.zeros((count, 8, 8, 3), "uint8")) for count in (3, 2)))
    (file,) = image_translation.sample(Twin(), tmp_path / "few", data=SimpleNamespace(open=lambda split: few))
    assert file.exists()


def test_small_images_get_a_discriminator_that_fits():
    found = model_class("cyclegan").arguments_from(open_source("twins:digits"), {})
    assert found == {"image_shape": [8, 8, 3], "discriminator_layers": 1}
    assert model_class("cyclegan")(**found, filters=2, num_blocks=0, discriminator_filters=2).built
    assert "discriminator_layers" not in model_class("cyclegan").arguments_from(
        open_source("twins:digits", image_shape=(32, 32, 3)), {}
    )


def test_texts_without_words_are_read_letter_by_letter():
    found = model_class("attention_seq2seq").arguments_from(open_source("reversal"), {})
    assert found["level"] == "character"
    assert len(found["source_vocabulary"]) == 30
