"""Classifiers of texts: unequal lengths, unknown words, empty texts, and a class that both ends of a text decide."""

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.base.registry import model_class
from kerazoo.data import open_source
from kerazoo.data.buckets import BucketedTokens
from kerazoo.presets.config import EvaluationConfig
from kerazoo.tasks import Data, text_classification
from kerazoo.utils.errors import ConfigError, DataError
from tests.zoo_rows import Row, Verb

WORDS = ["<pad>", "<unk>", "<s>", "</s>", "the", "film", "was", "dull", "fine"]
TEXTS = ["The film was dull", "fine", "was the film fine, or dull?"]


def tiny_texts():
    """Eight texts of one to six words, padded; the class is whether the first one is "film"."""
    rng = np.random.default_rng(0)
    tokens = rng.integers(4, 9, (8, 6)) * (np.arange(6) < np.array([6, 1, 4, 6, 2, 5, 3, 6])[:, None])
    tokens[::2, 0] = 5
    return {"tokens": tokens.astype("int32"), "label": (tokens[:, 0] == 5).astype("int64")}


ROWS = {
    "bidirectional_lstm": Row(
        arguments={"vocabulary": WORDS, "num_classes": 2, "embedding_dim": 3, "units": 4, "dropout_rate": 0.1},
        batch=tiny_texts,
        # vectors; in each direction four gates of 4 from 3 inputs, 4 states and a bias; softmax 8 -> 2
        parameters=9 * 3 + 2 * 16 * (3 + 4 + 1) + 18,
        verbs={
            "classify": Verb(lambda model, batch: model.classify(TEXTS), (3, 2), (0, 1)),
            "call": Verb(lambda model, batch: model(batch["tokens"]).numpy(), (8, 2), (0, 1)),
        },
        falling=("classifier_loss",),
        unchanged=frozenset(),
        source="opinions",
        on_source={"vocabulary": None, "num_classes": None},
        same=(("classify", {"text": TEXTS}, lambda model: model.classify(TEXTS)),),
        mechanism="one loss",
        litert_fixed={"classify_tokens"},
    ),
}


def new(**arguments):
    keras.utils.set_random_seed(0)
    sizes = {"embedding_dim": 6, "units": 5}
    return kerazoo.create("bidirectional_lstm", **{"vocabulary": WORDS, "num_classes": 2, **sizes, **arguments})


@pytest.mark.parametrize("pooling", ["mean", "last"])
def test_a_text_has_its_class_whatever_stands_beside_it(pooling):
    model = new(pooling=pooling)
    for weight in model.weights:
        weight.assign(4 * weight)
    together = model.classify(TEXTS)
    assert np.ptp(together[:, 0]) > 1e-3
    for text, found in zip(TEXTS, together, strict=True):
        np.testing.assert_allclose(model.classify(text)[0], found, atol=1e-5)
    np.testing.assert_allclose(model.classify(TEXTS, batch_size=2), together, atol=1e-5)


def test_unknown_words_empty_texts_and_what_follows_the_longest_length():
    model = new(max_length=3)
    found = model.classify(["film zebra", "film giraffe", "", "the film was dull", "the film was"])
    np.testing.assert_allclose(found[0], found[1], atol=1e-6)
    assert np.isfinite(found[2]).all()
    np.testing.assert_allclose(found[3], found[4], atol=1e-6)
    (exported,) = model.endpoints()["classify"](text=["film zebra", "", "the film was dull"]).values()
    np.testing.assert_allclose(exported, found[[0, 2, 3]], atol=1e-5)


def test_it_learns_what_the_words_together_say(tmp_path):
    """One word turns another one round: "was not dull"."""
    source = open_source("opinions")
    arguments = {"max_vocabulary": 100, "dropout_rate": 0.1, "units": 8, "embedding_dim": 8}
    found = model_class("bidirectional_lstm").arguments_from(source, arguments)
    assert found["num_classes"] == 2
    assert {"not", "garden"} < set(found["vocabulary"])
    model = new(**{**found, **arguments})
    model.compile({"classifier": keras.optimizers.Adam(0.02)}, seed=0)
    model.fit(source, batch_size=64, epochs=3, verbose=0)
    data = Data("opinions")
    report = text_classification.evaluate(model, data, EvaluationConfig(num=300))
    assert report["accuracy"] >= 0.98
    assert report["num_texts"] == 300
    (file,) = text_classification.sample(model, tmp_path / "samples", num=3, data=data)
    lines = file.read_text().split("\n\n")
    assert len(lines) == 3
    assert all(line.startswith(("for (", "against (")) for line in lines)


def test_batches_are_texts_of_similar_length():
    model = new(max_length=9)
    source = model.prepare(open_source("opinions", limit=200))
    assert source.info.class_names == ("against", "for")
    assert max(map(len, source.arrays["tokens"])) == 9
    for batch in source.batches(20, num_steps=5):
        assert batch["tokens"].shape[1] == np.count_nonzero(batch["tokens"], axis=1).max()
    some = source.select(np.arange(3))
    assert isinstance(some, BucketedTokens)
    assert len(some) == len(some.arrays["label"]) == 3


def test_what_does_not_fit_is_one_line():
    model = new()
    model.compile(seed=0)
    with pytest.raises(ConfigError, match="the first tokens must be"):
        new(vocabulary=["the", "film"])
    with pytest.raises(DataError, match="the vocabulary has 9"):
        model.fit({"tokens": np.full((2, 3), 9), "label": np.zeros(2, int)}, batch_size=2, verbose=0)
    with pytest.raises(DataError, match="labels from 0 to 2 where the model has 2 classes"):
        model.fit({"tokens": np.ones((3, 3), int), "label": np.arange(3)}, batch_size=3, verbose=0)
    with pytest.raises(DataError, match="no labels"):
        model_class("bidirectional_lstm").arguments_from(open_source("verse"), {"min_count": 1})
    with pytest.raises(DataError, match="no texts"):
        BucketedTokens([])
