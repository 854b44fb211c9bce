"""Conditional generators: the report on them, and their pictures."""

import numpy as np
import pytest
from PIL import Image

import kerazoo
from kerazoo import metrics
from kerazoo.data import from_arrays
from kerazoo.presets.config import EvaluationConfig
from kerazoo.tasks import Data, image_generation, task_module
from kerazoo.utils.errors import DataError

TASK = task_module("image-generation")
CLASSES = 3


def images_of(labels, seed, spread=0.3):
    """8x8 images whose row `label` is bright, under noise."""
    rng = np.random.default_rng(seed)
    images = rng.uniform(0, spread, (len(labels), 8, 8, 1)).astype("float32")
    images[np.arange(len(labels)), 2 * np.asarray(labels)] = 0.9
    return images


class Generator:
    """A conditional generator; of the classes in `collapsed` it draws one image only, and `swapped` are mixed up."""

    task, conditional, num_classes = "image-generation", True, CLASSES

    def __init__(self, collapsed=(), swapped=False):
        self.collapsed, self.swapped, self.asked = collapsed, swapped, None

    def generate(self, num_samples, *, seed=None, labels=None):
        assert len(labels) == num_samples
        self.asked = labels
        drawn = np.where(labels == 2, 1, labels) if self.swapped else labels
        images = images_of(drawn, 100 + seed)
        for c in self.collapsed:
            images[labels == c] = images[labels == c][:1]
        return images


class Extractor:
    def features(self, images):
        return images.reshape(len(images), -1)

    def classify(self, images):
        rows = images[:, ::2].mean(axis=(2, 3))[:, :CLASSES]
        return np.eye(CLASSES)[rows.argmax(axis=1)]


class Images(Data):
    labelled = True

    def open(self, split):
        seed = {"train": 0, "test": 1}[split]
        labels = np.random.default_rng(seed).integers(CLASSES, size=300)
        arrays = {"image": images_of(labels, seed), "label": labels}
        return from_arrays(arrays if self.labelled else {"image": arrays["image"]}, split=split)


@pytest.fixture(autouse=True)
def extractor(monkeypatch):
    monkeypatch.setattr(image_generation, "load_extractor", lambda name: Extractor())


def evaluate(model, data=None):
    return TASK.evaluate(model, data or Images(), EvaluationConfig(num=300, seed=0))


def test_a_good_generator_draws_what_it_is_asked_for():
    model = Generator()
    found = evaluate(model)
    np.testing.assert_array_equal(model.asked[:7], [0, 1, 2, 0, 1, 2, 0])
    assert found["asked_class_accuracy"] == found["asked_class_accuracy_real"] == 1
    ratios = [found[f"class_diversity_{c}"] for c in range(CLASSES)]
    assert ratios == pytest.approx([1, 1, 1], abs=0.05)
    assert found["class_diversity_lowest"] == min(ratios)
    assert found["num_images"] == 300
    assert "classifier_fid" in found


def test_classes_that_are_mixed_up_and_one_that_collapsed_are_seen():
    assert evaluate(Generator(swapped=True))["asked_class_accuracy"] == pytest.approx(2 / 3)
    found = evaluate(Generator(collapsed=(1,)))
    assert found["class_diversity_lowest"] == found["class_diversity_1"] < 1e-5
    assert found["class_diversity_0"] == pytest.approx(1, abs=0.05)
    # The average over classes hides it, and the accuracy does not see it at all.
    assert found["within_class_diversity"] > 0.6
    assert found["asked_class_accuracy"] == 1


def test_data_without_labels_still_give_the_accuracy():
    class Unlabelled(Images):
        labelled = False

    found = evaluate(Generator(), Unlabelled())
    assert found["asked_class_accuracy"] == 1
    assert not [name for name in found if name.startswith("class_diversity")]


def test_an_extractor_of_fewer_classes_is_refused():
    model = Generator()
    model.num_classes = 5
    model.generate = lambda num, seed, labels: images_of(labels % CLASSES, seed)
    with pytest.raises(DataError, match="the extractor knows 3 classes where the model generates 5"):
        evaluate(model)


def test_a_column_holds_one_class(tmp_path):
    model = Generator()
    (file,) = TASK.sample(model, tmp_path / "classes", seed=0, scale=1)
    assert len(model.asked) == 8 * CLASSES
    picture = np.asarray(Image.open(file).convert("L"))
    assert picture.shape == (8 * 10 + 2, CLASSES * 10 + 2)
    for row in range(8):
        for c in range(CLASSES):
            tile = picture[2 + 10 * row : 10 + 10 * row, 2 + 10 * c : 10 + 10 * c]
            assert tile.mean(axis=1).argmax() == 2 * c
    TASK.sample(model, tmp_path / "five", num=5)
    np.testing.assert_array_equal(model.asked, [0, 1, 2, 0, 1])


def test_other_generators_are_not_asked(tmp_path):
    """A real model of the zoo takes no labels, and is not given any."""
    model = kerazoo.create("dcgan", image_shape=(16, 16, 1), filters=4, latent_dim=8, kernel_size=3)
    (file,) = TASK.sample(model, tmp_path / "samples", num=9)
    assert Image.open(file).size == (3 * (64 + 2) + 2,) * 2


def test_diversities_by_hand():
    fake, real = np.random.default_rng(0).normal(size=(2, 40, 3))
    classes = np.arange(40) % 4
    found = metrics.class_diversities(fake, classes, 2 * real, classes, 5)
    for c in range(4):
        mean = [metrics.within_class_diversity(x[classes == c], np.zeros(10, int), 1) for x in (fake, 2 * real)]
        assert found[c] == pytest.approx(mean[0] / mean[1])
    assert np.isnan(found[4])
    with pytest.raises(DataError, match=r"real_classes must lie in \[0, 3\)"):
        metrics.class_diversities(fake, classes % 3, real, classes, 3)
    with pytest.raises(DataError, match="found must hold one class for each of the 2 rows"):
        metrics.asked_class_accuracy([0, 1], [0])
