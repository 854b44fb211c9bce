"""The n-gram model of `benchmarks/kneser_ney.py`, to which word language models are compared."""

import importlib.util
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

SCRIPT = Path(__file__).parents[1] / "benchmarks" / "kneser_ney.py"
SPEC = importlib.util.spec_from_file_location("kneser_ney", SCRIPT)
SPEC.loader.exec_module(kneser_ney := importlib.util.module_from_spec(SPEC))
KneserNey = kneser_ney.KneserNey

NUM_TOKENS = 9
# Frequent ids and rare ones; 7 begins the text and comes nowhere else, 8 does not come at all.
TEXT = np.append(7, np.minimum(np.random.default_rng(0).geometric(0.4, 300) - 1, 6))
UNSEEN = np.random.default_rng(1).integers(0, NUM_TOKENS, 200)


def by_the_equations(text, order):
    """`p(word, context)` from dictionaries of tuples, one probability at a time."""

    def grams(n):
        return [tuple(text[i : i + n].tolist()) for i in range(len(text) - n + 1)]

    tables = [Counter(gram[1:] for gram in set(grams(n + 1))) for n in range(1, order)] + [Counter(grams(order))]

    def p(word, context):
        table = tables[len(context)]
        followers = [count for gram, count in table.items() if gram[:-1] == context]
        lower = p(word, context[1:]) if context else 1 / NUM_TOKENS
        if not followers:
            return lower
        ones, twos = (sum(count == number for count in table.values()) for number in (1, 2))
        discount = ones / (ones + 2 * twos) if ones else 0.5
        kept = max(table[(*context, word)] - discount, 0) / sum(followers)
        return kept + discount * len(followers) / sum(followers) * lower

    return p


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_log_p_is_that_of_the_equations(order):
    p = by_the_equations(TEXT, order)
    for text in (TEXT, UNSEEN):
        contexts = [tuple(text[max(0, i - order + 1) : i].tolist()) for i in range(len(text))]
        expected = [p(word, context) for word, context in zip(text[1:].tolist(), contexts[1:], strict=True)]
        np.testing.assert_allclose(np.exp(KneserNey(order, NUM_TOKENS).fit(TEXT).log_p(text)), expected, rtol=1e-12)


@pytest.mark.parametrize("order", [1, 2, 3, 5])
def test_probabilities_of_all_words_sum_to_one(order):
    model = KneserNey(order, NUM_TOKENS).fit(TEXT)
    contexts = [[0], [8], *TEXT[:40].reshape(10, 4), TEXT[-4:], *UNSEEN[:40].reshape(10, 4), [0, 0, 8, 0]]
    for context in contexts:
        p = np.exp([model.log_p([*context, word])[-1] for word in range(NUM_TOKENS)])
        assert p.min() > 0
        assert p.sum() == pytest.approx(1, abs=1e-12)


def test_log_p_is_that_of_nltk():
    # nltk 3.10.4: `model = KneserNeyInterpolated(3, discount=0.75)`, fitted to `everygrams(text, max_len=3)`, and its
    # `score` of each letter of `unseen`. It discounts pairs and triples alike and single letters not at all, and what
    # it takes from a context counts also followers that have no letter before the context: a text that ends with the
    # two letters that it begins with has none of these.
    text, unseen = (np.array(["abcdr".index(letter) for letter in word]) for word in ("abracadabraab", "abacabbardrcd"))
    expected = [0.325, 0.140625, 0.125, 0.71875, 0.24375, 0.03515625, 0.375, 0.075, 0.09375, 0.09375, 0.09375, 0.09375]
    model = KneserNey(3, 5, discounts=[0, 0.75, 0.75]).fit(text)
    np.testing.assert_allclose(np.exp(model.log_p(unseen)), expected, rtol=0, atol=1e-9)
