"""Perplexity, and the model of word or character sequences that a neural one must beat: interpolated Kneser-Ney."""

import math

import numpy as np

from kerazoo.utils.checks import check_integer, check_number
from kerazoo.utils.errors import ConfigError, DataError

UNKNOWN, END = "<unk>", "</s>"


def perplexity(log_likelihoods, num_tokens):
    """exp of the mean -log p of a token, over a whole corpus.

    Args:
        log_likelihoods: Float or array of floats. log p of each sequence, in nats, as `score` gives them.
        num_tokens: Integer or array of integers. Number of tokens in each sequence, including its end where that is
            predicted.

    Returns:
        The perplexity as a float, at least 0; inf where it is larger than a float can be.

    Raises:
        DataError: no token, or NaN.

    Example:
        >>> round(perplexity([-3 * np.log(10), -np.log(10)], [3, 1]), 6)
        10.0
    """
    total = np.sum(num_tokens)
    if total < 1:
        raise DataError("perplexity is a mean over tokens, and there are none.")
    nats = -float(np.sum(log_likelihoods, dtype=np.float64)) / float(total)
    if math.isnan(nats):
        raise DataError("a log-likelihood is NaN; a diverged model has no meaningful perplexity.")
    return math.exp(nats) if nats < 709 else math.inf


class KneserNey:
    """An n-gram model with interpolated Kneser-Ney smoothing.

    For a word w after the context h, of order n down to 1,

        p_n(w | h) = max(c(h w) - D, 0) / c(h) + D N(h) / c(h) p_{n-1}(w | h without its first word)

    with c(h) the sum of c(h w) over w and N(h) the number of different words after h. c counts occurrences at the
    highest order; below it, the different words before (h w), except where (h w) begins a sequence. The lowest order
    is uniform. D = n_1 / (n_1 + 2 n_2) of each order, from the numbers of n-grams counted once and twice.

    A sequence has a beginning, which is context only, and an end, which is predicted. Rare words, and those of other
    texts, are one word, "<unk>".

    Args:
        sequences: Sequence of sequences of str (or other hashable tokens), at least one token in all.
        order: Integer, at least 1; the n of the n-grams. Defaults to 5.
        min_count: Integer, at least 1. Words that are rarer become "<unk>". Defaults to 1, none.
        discount: Float in (0, 1) or None. D of every order. Defaults to None: estimated.

    Raises:
        DataError: No token, or a str in place of a sequence of tokens.
        ConfigError: A number is out of range.

    Example:
        >>> model = KneserNey([["a", "rose", "is", "a", "rose"], ["a", "nose", "is", "a", "nose"]], order=3)
        >>> bool(model.perplexity([["a", "rose"]]) < model.perplexity([["rose", "a"]]))
        True

    Source: Kneser and Ney 1995, "Improved Backing-Off for M-Gram Language Modeling"; Chen and Goodman 1999, "An
    Empirical Study of Smoothing Techniques for Language Modeling", section 4.1.6 (interpolation).
    """

    def __init__(self, sequences, *, order=5, min_count=1, discount=None):
        self.order = check_integer("order", order)
        min_count = check_integer("min_count", min_count)
        if discount is not None and check_number("discount", discount, above=True) >= 1:
            raise ConfigError(f"discount = {discount}: a number between 0 and 1 is expected")
        sequences = _as_sequences(sequences)
        self._index = _vocabulary(sequences, min_count)
        # Besides the words: the unknown one, the end, and the beginning, which is never predicted.
        self._unknown, self._end, self._begin = range(len(self._index), len(self._index) + 3)
        self.vocabulary_size = self._begin
        self._orders = []
        self._count(*self._as_ids(sequences), discount)

    # === Counting ===

    def _as_ids(self, sequences):
        """All sequences in one array, each between its beginning and its end; and each token's place in its own."""
        get, unknown = self._index.get, self._unknown
        parts = [[self._begin, *(get(token, unknown) for token in sequence), self._end] for sequence in sequences]
        ids = np.fromiter((i for part in parts for i in part), np.int64, sum(map(len, parts)))
        places = np.concatenate([np.arange(len(part)) for part in parts])
        return ids, places

    def _key(self, contexts, words):
        return contexts * (self._begin + 1) + words

    def _count(self, ids, places, discount):
        """Make the tables of each order from the n-grams that end at each place, each a context's number and a word."""
        grams, previous = ids, None  # the number of the n-gram that ends here, at order 1: the word itself
        tables = []
        for n in range(1, self.order + 1):
            # No n-gram reaches back beyond a beginning, and none ends in one.
            ends = np.flatnonzero(places >= max(n - 1, 1))
            contexts = np.zeros(len(ends), np.int64) if n == 1 else previous[ends - 1]
            keys, first, inverse, counts = np.unique(
                self._key(contexts, ids[ends]), return_index=True, return_inverse=True, return_counts=True
            )
            at_beginning = places[ends[first]] == n - 1
            tables.append([keys, counts.astype(np.float64), contexts[first], at_beginning])
            grams = np.full(len(ids), -1)
            grams[ends] = inverse
            if n == 1:
                # The beginning is a context like a word, numbered after those that are predicted.
                grams[places == 0] = len(keys)
            else:
                self._continue(tables[n - 2], previous[ends[first]])
            previous = grams
        self._first_context = len(tables[0][0])
        num_contexts = 1
        for keys, counts, contexts, _ in tables:
            number = discount if discount is not None else _discount(counts)
            totals = np.bincount(contexts, counts, minlength=num_contexts)
            kinds = np.bincount(contexts, minlength=num_contexts)
            self._orders.append((keys, counts, totals, kinds, number))
            num_contexts = len(keys) + 1

    @staticmethod
    def _continue(table, suffixes):
        """Replace an order's counts by the numbers of different preceding words, from the next order's n-grams."""
        keys, counts, _, at_beginning = table
        different = np.bincount(suffixes, minlength=len(keys)).astype(np.float64)
        table[1] = np.where(at_beginning, counts, different)

    # === Scores ===

    def score(self, sequences):
        """log p of each sequence, its end included.

        Args:
            sequences: sequence of sequences of tokens, like those that the model was made of.

        Returns:
            np.ndarray. float64, shape `(num,)`, in nats.

        Raises:
            DataError: no sequence, or a str in place of a sequence of tokens.
        """
        sequences = _as_sequences(sequences)
        ids, places = self._as_ids(sequences)
        sums = np.add.reduceat(self._log_probabilities(ids, places), np.flatnonzero(places == 0))
        return np.atleast_1d(sums)

    def perplexity(self, sequences):
        """The perplexity of sequences, whose ends count as tokens.

        Args:
            sequences: as for `score`.

        Returns:
            float.

        Raises:
            DataError: as for `score`.
        """
        sequences = _as_sequences(sequences)
        return perplexity(self.score(sequences), [len(sequence) + 1 for sequence in sequences])

    def _log_probabilities(self, ids, places):
        """log p of the token at each place given those before; 0 at beginnings."""
        p = np.full(len(ids), 1 / self.vocabulary_size)
        context = np.zeros(len(ids), np.int64)  # the one context of order 1
        for n, (keys, counts, totals, kinds, discount) in enumerate(self._orders, start=1):
            keyed = self._key(context, ids)
            found = np.searchsorted(keys, keyed).clip(max=len(keys) - 1)
            known = (context >= 0) & (keys[found] == keyed) & (places > 0)
            # Where the context was never seen, the probability under the shorter one stays.
            total = np.where(context >= 0, totals[context], 0)
            seen = (total > 0) & (places >= max(n - 1, 1))
            count = np.where(known, np.maximum(counts[found] - discount, 0), 0)
            p = np.where(seen, (count + discount * kinds[context] * p) / np.where(seen, total, 1), p)
            number = np.where(known, found, -1)
            if n == 1:
                number[places == 0] = self._first_context
            context = np.concatenate([[-1], number[:-1]])
        return np.where(places > 0, np.log(p), 0.0)


def _discount(counts):
    once, twice = np.sum(counts == 1), np.sum(counts == 2)
    # Without n-grams counted once or twice there is nothing to estimate from.
    return once / (once + 2 * twice) if once and twice else 0.5


def _vocabulary(sequences, min_count):
    from collections import Counter

    counts = Counter()
    for sequence in sequences:
        counts.update(sequence)
    if not counts:
        raise DataError("KneserNey counts tokens, and there are none.")
    return {token: i for i, token in enumerate(token for token, count in counts.items() if count >= min_count)}


def _as_sequences(sequences):
    sequences = list(sequences) if not isinstance(sequences, str) else sequences
    if isinstance(sequences, str) or any(isinstance(sequence, (str, bytes)) for sequence in sequences):
        raise DataError("sequences of tokens are expected, not texts: split them first, for example text.split()")
    if not sequences:
        raise DataError("at least one sequence of tokens is expected.")
    # They are read twice: for the words, and for the counts.
    return [sequence if isinstance(sequence, (list, tuple)) else list(sequence) for sequence in sequences]
