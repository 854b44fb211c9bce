"""Beam search against trying every sequence; greedy search against a loop in Python."""

import itertools

import numpy as np
import pytest
import tensorflow as tf
from scipy.special import log_softmax

from kerazoo.text.decoding import beam_search, greedy_search, length_penalty, repeat_rows

START, END, TOKENS, BATCH = 0, 1, 4, 5
RNG = np.random.default_rng(0)
# Logits depend on the last token and on a state that counts with it: no search can look at the last token alone.
TABLE = RNG.normal(scale=2, size=(BATCH, 7, TOKENS, TOKENS)).astype("float32")


def next_state(state, token):
    return (2 * state + token + 1) % 7


def graph_step(beam_width):
    table = repeat_rows(tf.constant(TABLE), beam_width)

    def step(ids, state):
        memory = tf.stack([tf.range(tf.shape(ids)[0]), state, ids], axis=1)
        # What is kept of a step: which state and token it came from.
        return tf.gather_nd(table, memory), next_state(state, ids), tf.stack([state, ids], axis=1)

    return step


def search(beam_width, max_length, alpha=0.0):
    """The search, compiled, with a dynamic batch."""

    @tf.function(input_signature=[tf.TensorSpec([None], tf.int32), tf.TensorSpec([], tf.int32)])
    def run(state, max_length):
        kwargs = {"start": START, "end": END, "max_length": max_length}
        return beam_search(graph_step(beam_width), state, beam_width=beam_width, alpha=alpha, **kwargs)

    found = run(tf.zeros([BATCH * beam_width], tf.int32), max_length)
    return type(found)(*(x.numpy() for x in found))


def log_prob(row, tokens):
    """log p of a sequence, and the states and tokens that its steps saw."""
    total, state, last, seen = 0.0, 0, START, []
    for token in tokens:
        total += log_softmax(TABLE[row, state, last])[token]
        seen.append((state, last))
        state, last = (2 * state + last + 1) % 7, token
    return total, seen


def hypotheses(max_length):
    """Every sequence that ends with END for the first time, or is cut at `max_length`."""
    others = [token for token in range(TOKENS) if token != END]
    for length in range(max_length):
        for words in itertools.product(others, repeat=length):
            yield (*words, END)
    yield from itertools.product(others, repeat=max_length)


@pytest.mark.parametrize("alpha", [0.0, 0.8])
def test_a_full_beam_finds_every_sequence_in_the_right_order(alpha):
    max_length = 3
    everything = list(hypotheses(max_length))
    found = search(len(everything), max_length, alpha)
    for row in range(BATCH):
        scores = {h: log_prob(row, h)[0] / float(length_penalty(len(h), alpha)) for h in everything}
        expected = sorted(scores, key=scores.get, reverse=True)
        for rank, tokens in enumerate(expected):
            ids = found.ids[row, rank]
            assert tuple(ids[: len(tokens)]) == tokens
            assert (ids[len(tokens) :] == END).all()
            assert found.lengths[row, rank] == len(tokens) - (tokens[-1] == END)
            np.testing.assert_allclose(found.scores[row, rank], scores[tokens], rtol=1e-5)
            np.testing.assert_allclose(found.log_probs[row, rank], log_prob(row, tokens)[0], rtol=1e-5)


@pytest.mark.parametrize("beam_width", [1, 2, 3, 6])
def test_narrow_beams_equal_a_search_in_python(beam_width):
    max_length, alpha = 6, 0.5
    found = search(beam_width, max_length, alpha)

    def rank(row, tokens):
        return log_prob(row, tokens)[0] / float(length_penalty(len(tokens), alpha))

    for row in range(BATCH):
        beams = [()]
        for _ in range(max_length):
            if all(beam and beam[-1] == END for beam in beams):
                break
            grown = [b if b and b[-1] == END else (*b, t) for b in beams for t in range(TOKENS)]
            beams = sorted(set(grown), key=lambda b, row=row: rank(row, b), reverse=True)[:beam_width]
        for place, tokens in enumerate(beams):
            assert tuple(found.ids[row, place, : len(tokens)]) == tokens


def test_what_steps_gave_follows_the_hypotheses():
    found = search(4, 6)
    for row, beam in itertools.product(range(BATCH), range(4)):
        tokens = found.ids[row, beam]
        length = found.lengths[row, beam] + (END in tokens)
        np.testing.assert_array_equal(found.extra[row, beam, :length], log_prob(row, tokens[:length])[1])


def test_greedy_search_takes_the_best_token_and_equals_a_beam_of_one():
    run = {"start": START, "end": END, "max_length": 6}
    greedy = greedy_search(graph_step(1), tf.zeros([BATCH], tf.int32), **run)
    for name, found in search(1, 6)._asdict().items():
        np.testing.assert_allclose(found, getattr(greedy, name), rtol=1e-6)
    for row in range(BATCH):
        tokens, state, last = [], 0, START
        while len(tokens) < 6 and last != END:
            state, last = next_state(state, last), int(TABLE[row, state, last].argmax())
            tokens.append(last)
        assert greedy.ids[row, 0, : len(tokens)].numpy().tolist() == tokens


def test_a_wider_beam_can_be_better_and_none_is_better_than_the_exact_one():
    best = {width: search(width, 4).log_probs[:, 0] for width in (1, 2, 121)}
    assert (best[121] >= best[2] - 1e-6).all()
    assert (best[121] >= best[1] - 1e-6).all()
    assert (best[121] > best[1] + 1e-3).any()


def test_the_search_stops_when_all_have_ended():
    calls = []

    def step(ids, state):
        calls.append(1)
        return tf.one_hot(ids + 1, 5, on_value=9.0), state, state

    found = greedy_search(step, tf.zeros([2, 1]), start=0, end=3, max_length=50)
    assert found.ids.numpy().tolist() == [[[1, 2, 3]], [[1, 2, 3]]]
    assert found.lengths.numpy().tolist() == [[2], [2]]
    assert len(calls) <= 4


def test_length_penalty_is_that_of_wu_et_al():
    np.testing.assert_allclose(length_penalty(7, 0.6), (12 / 6) ** 0.6, rtol=1e-6)
    assert float(length_penalty(7, 0.0)) == 1.0
