"""A language model of the Transformer's decoder: its window, and what it keeps of a text."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from tests.test_transformer import embed, gradients_by_place, layer_of
from tests.zoo_rows import Row, Verb, tiny_windows

TEXTS = ["abcdaebdcaeb", "e", "ddabcae"]


def logits_of(model, tokens):
    """The equations of `test_transformer`, of a decoder alone."""
    tokens = np.asarray(tokens)
    x = embed(model.decoder, tokens)
    for layer in model.decoder.blocks:
        x = layer_of(layer, x, np.tril(np.ones((tokens.shape[1],) * 2, bool)))
    return x @ tf.transpose(model.decoder.embedding.table)


def reference(model, batch, noise):
    def loss():
        logits = logits_of(model, batch["tokens"].numpy()[:, :-1])
        nats = keras.losses.sparse_categorical_crossentropy(batch["tokens"][:, 1:], logits, from_logits=True)
        return tf.reduce_mean(nats, axis=1)

    yield "language_model", loss


ROWS = {
    "transformer_lm": Row(
        arguments={
            "vocabulary": list("abcde"),
            "width": 8,
            "num_heads": 2,
            "hidden": 12,
            "num_layers": 2,
            "dropout_rate": 0.0,
            "sequence_length": 6,
            "warmup_steps": 50,
        },
        batch=tiny_windows,
        # a table of 5 x 8, also the softmax layer's; two layers: attention of four 8 x 8, 8 -> 12 -> 8 with biases, and
        # two normalisations of 8 + 8
        parameters=40 + 2 * (4 * 64 + (108 + 104) + 2 * 16),
        verbs={
            "score": Verb(lambda model, batch: model.score(["abcd", "e"]), (2,), (-np.inf, 0)),
            "call": Verb(lambda model, batch: model(batch["tokens"]).numpy(), (8, 7, 5)),
        },
        sample=lambda model, seed: model.generate("ab", 9, seed=seed, num_samples=2),
        falling=("language_model_loss",),
        source="verse",
        on_source={"vocabulary": None},
        reference=reference,
        same=(("score", {"text": TEXTS}, lambda model: model.score(TEXTS)),),
        mechanism="language model",
        litert_fixed={"score_tokens", "next_token"},
        slow={"litert"},
    ),
}


def tiny(**arguments):
    keras.utils.set_random_seed(0)
    model = kerazoo.create("transformer_lm", **{**ROWS["transformer_lm"].arguments, **arguments})
    for variable in model.trainable_variables:
        variable.assign(np.random.default_rng(len(variable.path)).normal(size=variable.shape))
    return model


def window_start(place, length):
    """Where the window begins that a character at `place` is read in: half of it goes where it is full."""
    half = length // 2
    return 0 if place < length else half * (1 + (place - length) // half)


@pytest.mark.parametrize("variant", [{}, {"pre_norm": True}, {"sequence_length": 5}], ids=str)
def test_a_long_text_is_read_in_windows_that_keep_their_last_half(variant):
    model = tiny(**variant)
    ids, length = np.array([[0, 1, 2, 3, 0, 4, 1, 3, 2, 0, 4, 1, 1, 2, 3]]), model.sequence_length
    found, _ = model.sequence_logits(tf.constant(ids), model.zero_state(1))
    np.testing.assert_allclose(found[:, :length], model(ids[:, :length]), rtol=1e-4, atol=1e-4)
    for place in range(ids.shape[1]):
        window = ids[:, window_start(place, length) : place + 1]
        assert place < length or length - length // 2 < window.shape[1] <= length
        np.testing.assert_allclose(found[:, place], model(window)[:, -1], rtol=1e-4, atol=1e-4)


def test_texts_of_all_lengths_are_scored_in_one_batch():
    model = tiny()
    for text, score in zip(TEXTS, model.score(TEXTS), strict=True):
        ids = model.characters.encode(text)
        logits, _ = model.sequence_logits(tf.constant(ids[None]), model.zero_state(1))
        log_p = tf.nn.log_softmax(logits[0]).numpy()
        np.testing.assert_allclose(score, log_p[np.arange(len(ids) - 1), ids[1:]].sum(), rtol=1e-4, atol=1e-5)


def test_the_likeliest_text_is_the_likeliest_at_each_step():
    """Behind a prompt longer than the window, too."""
    model = tiny()
    [text] = model.generate("abcdeabcd", 12, temperature=0)
    ids = model.characters.encode(text)
    for place in range(8, 20):
        window = ids[None, window_start(place, 6) : place + 1]
        assert int(np.argmax(model(window)[0, -1])) == ids[place + 1]


def test_the_loss_is_that_of_windows_alone():
    model = tiny()
    model.compile({"language_model": keras.optimizers.SGD(0.0)}, seed=0)
    tokens = tiny_windows()["tokens"]
    found = model.fit({"tokens": tokens, "first": np.zeros(8, bool)}, batch_size=8, verbose=0).history
    log_p = tf.nn.log_softmax(model(tokens[:, :-1])).numpy()
    expected = -np.take_along_axis(log_p, tokens[:, 1:, None], axis=-1).mean()
    np.testing.assert_allclose(found["language_model_loss"], [expected], rtol=1e-5)
    np.testing.assert_allclose(found["bits_per_character"], [expected / np.log(2)], rtol=1e-5)


def test_no_character_sees_its_future():
    model, ids = tiny(), np.array([[2, 0, 4, 1, 3]])
    found = gradients_by_place(model.decoder, lambda: model.decoder(tf.constant(ids))[0], ids)
    np.testing.assert_array_equal(found[np.triu_indices(5, 1)], 0)
    assert (found[np.tril_indices(5)] > 0).all()
