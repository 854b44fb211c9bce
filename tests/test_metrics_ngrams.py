"""Interpolated Kneser-Ney against the definition in dictionaries, and the axioms of probability."""

import itertools
import math
from collections import Counter, defaultdict

import numpy as np
import pytest

from kerazoo.metrics import KneserNey, perplexity
from kerazoo.utils.errors import ConfigError, DataError


class Naive:
    """The recursion of the docstring, word by word."""

    def __init__(self, sequences, order, discount=None):
        self.order = order
        padded = [("<s>", *sequence, "</s>") for sequence in sequences]
        self.counts = [Counter() for _ in range(order + 1)]
        for n in range(1, order + 1):
            for sequence in padded:
                self.counts[n].update(tuple(sequence[i : i + n]) for i in range(len(sequence) - n + 1))
        self.counts[1].pop(("<s>",))
        raw = [Counter(c) for c in self.counts]
        for n in range(1, order):
            before = defaultdict(set)
            for gram in raw[n + 1]:
                before[gram[1:]].add(gram[0])
            for gram in self.counts[n]:
                if gram[0] != "<s>":
                    self.counts[n][gram] = len(before[gram])
        words = {word for sequence in sequences for word in sequence}
        self.size = len(words) + 2  # <unk> and </s>
        self.discounts = [None]
        for n in range(1, order + 1):
            ones, twos = (sum(c == k for c in self.counts[n].values()) for k in (1, 2))
            self.discounts.append(discount or (ones / (ones + 2 * twos) if ones and twos else 0.5))

    def p(self, word, context):
        context = tuple(context)[max(0, len(context) - self.order + 1) :]
        n = len(context) + 1
        lower = self.p(word, context[1:]) if context else 1 / self.size
        followers = {gram[-1]: c for gram, c in self.counts[n].items() if gram[:-1] == context}
        if not followers:
            return lower
        total, d = sum(followers.values()), self.discounts[n]
        return max(followers.get(word, 0) - d, 0) / total + d * len(followers) / total * lower

    def score(self, sequence):
        padded = ("<s>", *sequence, "</s>")
        return sum(math.log(self.p(padded[i], padded[:i])) for i in range(1, len(padded)))


def sentences(seed, num, words="abcdef"):
    """Words whose successors depend on the two before, so that all orders matter."""
    rng = np.random.default_rng(seed)
    table = np.random.default_rng(9).dirichlet(np.full(len(words), 0.3), (len(words), len(words)))
    found = []
    for _ in range(num):
        sentence = [0, 1]
        while len(sentence) < rng.integers(3, 12):
            sentence.append(rng.choice(len(words), p=table[sentence[-2], sentence[-1]]))
        found.append([words[i] for i in sentence[rng.integers(3) :]])
    return found


@pytest.mark.parametrize("order", [1, 2, 3, 5])
@pytest.mark.parametrize("discount", [None, 0.6])
def test_scores_are_those_of_the_definition(order, discount):
    train = sentences(0, 40)
    test = [*sentences(1, 15), [], ["a"], ["f", "f", "f", "f", "f", "f"]]
    model, naive = KneserNey(train, order=order, discount=discount), Naive(train, order, discount)
    np.testing.assert_allclose(model.score(test), [naive.score(sentence) for sentence in test], rtol=1e-10)


@pytest.mark.parametrize("order", [1, 3, 4])
def test_all_texts_of_a_length_have_a_probability_of_one(order):
    """After any context the words, the unknown one and the end share one: summed over sequences of up to two words,
    and of two words that go on, it is one."""
    train = sentences(0, 25, words="abc")
    model = KneserNey(train, order=order)
    words = ["a", "b", "c", "new"]
    ended = [list(s) for n in range(3) for s in itertools.product(words, repeat=n)]
    longer = [list(s) for s in itertools.product(words, repeat=3)]
    total = np.exp(model.score(ended)).sum()
    # p(three words that go on) is their score less that of the end.
    naive = Naive(train, order)
    ends = [naive.p("</s>", ("<s>", *s)) for s in longer]
    going_on = (np.exp(model.score(longer)) / ends).sum()
    assert total + going_on == pytest.approx(1)


def test_longer_contexts_help_where_they_decide():
    train, test = sentences(0, 3000), sentences(1, 300)
    found = [KneserNey(train, order=order).perplexity(test) for order in (1, 2, 3)]
    assert found[0] > 1.2 * found[1] > 1.3 * found[2]
    # A uniform choice of eight, the unknown word and the end included, is what no model should be worse than.
    assert found[0] < 8


def test_sequences_may_be_iterators():
    train = sentences(0, 20)
    found = KneserNey((iter(sentence) for sentence in train), order=2)
    expected = KneserNey(train, order=2)
    assert found.perplexity(iter(sentence) for sentence in train) == expected.perplexity(train)


def test_rare_words_are_one():
    train = [["a", "a", "b"], ["a", "c"]]
    model = KneserNey(train, order=2, min_count=2)
    assert model.vocabulary_size == 3
    same = KneserNey([["a", "a", "x"], ["a", "x"]], order=2)
    assert same.vocabulary_size == 4  # x, and the unknown word that it does not stand for
    assert model.score([["b"]]) == model.score([["c"]]) == model.score([["never seen"]])
    assert model.perplexity([["a"], ["b"]]) == pytest.approx(math.exp(-model.score([["a"], ["b"]]).sum() / 4))


def test_perplexity_of_a_corpus():
    assert perplexity([math.log(0.5), 3 * math.log(0.5)], [1, 3]) == pytest.approx(2)
    assert perplexity(-1e6, 1) == math.inf
    assert perplexity([-math.inf], [1]) == math.inf
    with pytest.raises(DataError, match="a log-likelihood is NaN"):
        perplexity([math.nan, 1.0], [1, 1])
    with pytest.raises(DataError, match="a mean over tokens, and there are none"):
        perplexity([], [])


def test_arguments_are_checked():
    for call, error, message in [
        (lambda: KneserNey(["a rose is a rose"]), DataError, "sequences of tokens are expected, not texts"),
        (lambda: KneserNey("a rose"), DataError, "sequences of tokens are expected, not texts"),
        (lambda: KneserNey([]), DataError, "at least one sequence"),
        (lambda: KneserNey([[], []]), DataError, "counts tokens, and there are none"),
        (lambda: KneserNey([["a"]], order=0), ConfigError, "order = 0: an integer of at least 1"),
        (lambda: KneserNey([["a"]], discount=1.5), ConfigError, "discount"),
        (lambda: KneserNey([["a"]]).score(["a"]), DataError, "not texts"),
    ]:
        with pytest.raises(error, match=message):
            call()
