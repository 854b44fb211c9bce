"""Sutskever's encoder and decoder against Keras's own LSTM layers, and what reading backwards is."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.data import open_source
from kerazoo.losses import sequence_log_likelihood
from kerazoo.metrics import exact_match
from kerazoo.text.vocabulary import SPECIALS
from kerazoo.utils.errors import ConfigError
from tests.test_attention_seq2seq import batch_of, raw_pairs
from tests.zoo_rows import Row, Verb, tiny_pairs

SOURCES, TARGETS = ["a b c a", "c", "e e d q"], ["v w", "x", "z q y"]


def keras_states(stack, embedded, mask, state):
    """The outputs of Keras's layers with the weights of a `Stack`, and each layer's last h and c."""
    last = []
    for cell, (h, c) in zip(stack.cells, state, strict=True):
        layer = keras.layers.LSTM(cell.units, return_sequences=True, return_state=True)
        layer.build(embedded.shape)
        for own, other in zip(layer.cell.weights, (cell.kernel, cell.recurrent_kernel, cell.bias), strict=True):
            own.assign(other)
        # Keras keeps kernels of trainable layers as variables: the gradient is taken of ours.
        layer.cell.kernel, layer.cell.recurrent_kernel, layer.cell.bias = (
            tf.convert_to_tensor(weight) for weight in (cell.kernel, cell.recurrent_kernel, cell.bias)
        )
        embedded, h, c = layer(embedded, mask=mask, initial_state=[h, c])
        last.append((h, c))
    return embedded, last


def log_likelihood(model, source, target):
    """log p(target | source) as the paper has it, by Keras's LSTM layers, the source reversed in NumPy."""
    encoder, decoder = model.encoder, model.decoder
    source = np.array(source)
    for row in source if model.reverse_source else ():
        words = np.flatnonzero(row == 3)[0]
        row[:words] = row[:words][::-1].copy()
    zeros = [(tf.zeros((len(source), cell.units)),) * 2 for cell in encoder.lstm.cells]
    table = lambda network: tf.convert_to_tensor(network.embedding.table)  # noqa: E731
    _, state = keras_states(encoder.lstm, tf.gather(table(encoder), source), tf.constant(source > 0), zeros)
    x, _ = keras_states(decoder.lstm, tf.gather(table(decoder), target[:, :-1]), None, state)
    logits = x @ tf.convert_to_tensor(decoder.output_kernel) + decoder.output_bias
    return sequence_log_likelihood(logits, target[:, 1:], target[:, 1:] > 0)


def reference(model, batch, noise):
    yield "translator", lambda: -log_likelihood(model, batch["source"].numpy(), batch["target"])


ROWS = {
    "seq2seq": Row(
        arguments={
            "source_vocabulary": [*SPECIALS, *"abcde"],
            "target_vocabulary": [*SPECIALS, *"vwxyz"],
            "embedding_dim": 4,
            "units": 5,
            "num_layers": 1,  # two in what tests the paper's equations below
            "max_length": 8,
        },
        batch=tiny_pairs,
        # on both sides a table of 9 x 4, and four gates of 5 from 4 and 5 inputs, with biases; the softmax layer 5 -> 9
        # with its bias
        parameters=2 * (36 + 20 * (4 + 5 + 1)) + 45 + 9,
        verbs={
            "score": Verb(lambda model, batch: model.score(["a b", "c", "d e"], ["y", "x v", "z"]), (3,), (-np.inf, 0)),
        },
        falling=("translator_loss",),
        source="reversal",
        on_source={"source_vocabulary": None, "target_vocabulary": None, "level": "character", "max_length": 32},
        reference=reference,
        same=(
            ("score", {"text": SOURCES, "target": TARGETS}, lambda model: model.score(SOURCES, TARGETS)),
            ("translate", {"text": SOURCES}, lambda model: np.array([t.encode() for t in model.translate(SOURCES)])),
        ),
        mechanism="translation",
        represents=True,
        litert_fixed={"translate_tokens", "translate_tokens_greedily", "score_tokens"},
        slow={"litert"},
    ),
}


def tiny(**arguments):
    keras.utils.set_random_seed(0)
    model = kerazoo.create("seq2seq", **{**ROWS["seq2seq"].arguments, "num_layers": 2, **arguments})
    for variable in model.trainable_variables:  # fresh weights are too small for translations that differ
        variable.assign(np.random.default_rng(len(variable.path)).normal(size=variable.shape))
    return model


@pytest.mark.parametrize("reverse_source", [True, False])
def test_score_is_that_of_keras_lstm_layers(reverse_source):
    """Rows of different lengths: the words of each are reversed, the end and the padding are not."""
    model = tiny(reverse_source=reverse_source)
    source, target = batch_of(model).values()
    assert len({tuple(row > 0) for row in source.numpy()}) > 1
    np.testing.assert_allclose(model._score(source, target), log_likelihood(model, source, target), rtol=1e-4)


def test_reading_backwards_is_reading_the_reversed_text():
    backwards, forwards = tiny(reverse_source=True), tiny(reverse_source=False)
    texts, targets = ["a b c", "d", "e a d d"], ["x", "v w", "z"]
    found = backwards.score(texts, targets)
    np.testing.assert_allclose(found, forwards.score([" ".join(text.split()[::-1]) for text in texts], targets))
    assert (abs(found - forwards.score(texts, targets))[[0, 2]] > 1e-3).all()


def test_decoding_agrees_with_teacher_forcing():
    model = tiny()
    ids = np.array([[4, 5, 6, 3], [7, 3, 0, 0]], np.int32)

    def found(beam_width):
        best, lengths = model._best(ids, 6, 0.0, beam_width)
        return [tokens[:length].tolist() for tokens, length in zip(best.numpy(), lengths.numpy(), strict=True)]

    def log_probabilities(row, tokens):
        batch = {"source": ids[row : row + 1], "target": np.array([[2, *tokens]], np.int32)}
        return tf.nn.log_softmax(model.call(batch)[0].numpy()[: len(tokens)]).numpy()

    for row, (greedy, beam) in enumerate(zip(found(1), found(3), strict=True)):
        assert log_probabilities(row, greedy).argmax(axis=1).tolist() == greedy
        of_greedy, of_beam = (log_probabilities(row, t)[range(len(t)), t].sum() for t in (greedy, beam))
        assert of_beam >= of_greedy - 1e-5


def test_it_has_no_attention():
    model = tiny()
    with pytest.raises(ConfigError, match="this model has no attention, and so no weights of it"):
        model.attend(["a"])
    assert "attend" not in model.endpoints()
    assert set(model.endpoints()["translate_tokens"].outputs) == {"tokens", "lengths"}


def test_short_strings_are_copied_after_a_little_training():
    texts = sorted({text[:3] for text in open_source("copy", limit=300).arrays["source"]})
    letters = [*SPECIALS, *"abcdefghijklmnopqrstuvwxyz"]
    keras.utils.set_random_seed(0)
    sizes = {"embedding_dim": 16, "units": 48, "num_layers": 2, "max_length": 8}
    model = kerazoo.create("seq2seq", source_vocabulary=letters, target_vocabulary=letters, level="character", **sizes)
    model.compile({"translator": keras.optimizers.Adam(0.01)}, seed=0)
    model.fit(raw_pairs({"source": texts, "target": texts}), batch_size=50, epochs=40, verbose=0)
    assert exact_match(model.translate(texts[:100], beam_width=1), texts[:100]) > 0.9
