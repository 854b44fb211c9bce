"""The peer of `lstm_word_lm_imdb`: an interpolated Kneser-Ney model of five words, on the same words of film reviews.

    TFDS_DATA_DIR=... python benchmarks/kneser_ney.py [--num 200000] [--order 5] [--out FILE]

The vocabulary is the preset's, 10,000 tokens with the special ones. A split is one text, as the preset reads it: the
reviews in a row, each with "</s>" behind it, and a "</s>" before the first; contexts reach across reviews, and "<unk>"
is a word like any other. Measured are the first `--num` words of the test split behind its first "</s>", by a model of
each order up to `--order`.
"""

import argparse
import json
import platform
import resource
import time
from pathlib import Path
from typing import NamedTuple

import numpy as np

import kerazoo
from kerazoo.data import open_source
from kerazoo.data.text import texts_of

SOURCE, PEER = "tfds:imdb_reviews/plain_text", "lstm_word_lm_imdb"
UNESTIMATED = 0.5  # the discount where no n-gram has a count of one, as KenLM's --discount_fallback


class KneserNey:
    """An n-gram model with interpolated Kneser-Ney smoothing and one discount for each order.

    With h' for a context h without its first word,

        p(w | h) = max(c(h w) - D, 0) / c(h) + D t(h) / c(h) p(w | h'),

    where c(h) is the sum of c(h w) over w, t(h) how many of them are not zero, and the words without a context are
    interpolated with 1 / num_tokens. At the highest order c counts how often an n-gram occurs, below it how many
    different words stand before it. Of a context that has no count, p(w | h) is p(w | h').

    Args:
        order: int, 1 or more. Words of the longest n-grams.
        num_tokens: int. Ids are in [0, num_tokens).
        discounts: sequence of `order` floats in [0, 1], that of single words first, or None (the default):
            n1 / (n1 + 2 n2) of each order, where n1 and n2 n-grams have a count of one and two.

    Attributes:
        discounts: list[float]. After `fit`, those in use.
        levels: list[Level]. After `fit`, of single words, of pairs, and so on.

    Source: Kneser and Ney 1995, "Improved backing-off for m-gram language modeling"; Chen and Goodman 1999, "An
    empirical study of smoothing techniques for language modeling", sections 2.7 and 4.1.6.
    """

    def __init__(self, order, num_tokens, discounts=None):
        self.order, self.num_tokens, self._given = order, num_tokens, discounts

    def fit(self, ids):
        """Count the n-grams of a text.

        Args:
            ids: int array `(n,)`, n at least `order`.

        Returns:
            KneserNey. Itself.
        """
        ids = np.asarray(ids, np.int64)
        tables, below, contexts = [], None, np.zeros_like(ids)
        for n in range(1, self.order + 1):
            # grams[i] is the id of the n words from word i on: the place of their key among all different ones.
            keys = contexts * self.num_tokens + ids[n - 1 :]
            keys, grams, counts = np.unique(keys, return_inverse=True, return_counts=True)
            if tables:  # each different n-gram is one more word before the n - 1 words that it ends with
                endings = np.empty(len(keys), np.int64)
                endings[grams] = below[1:]
                tables[-1][1] = np.bincount(endings, minlength=len(tables[-1][0]))
            tables.append([keys, counts])
            below, contexts = grams, grams[:-1]
        self.discounts = [_discount(counts) for _, counts in tables] if self._given is None else list(self._given)
        sizes = [1, *(len(keys) for keys, _ in tables)]
        self.levels = [
            _level(keys, counts, keys // self.num_tokens, size, discount)
            for (keys, counts), size, discount in zip(tables, sizes, self.discounts, strict=False)
        ]
        return self

    def log_p(self, ids):
        """log p of every word of a text but the first, each given those before it.

        Args:
            ids: int array `(n,)`.

        Returns:
            float64 array `(n - 1,)`, in nats. A word with fewer than `order` - 1 words before it is given these.
        """
        ids = np.asarray(ids, np.int64)
        p, contexts = np.full(len(ids), 1 / self.num_tokens), np.zeros_like(ids)
        for level in self.levels:
            grams = level.find(contexts * self.num_tokens + ids)
            p = level.shares[grams] + level.left[contexts] * p
            contexts = np.concatenate([[-1], grams[:-1]])
        return np.log(p[1:])


class Level(NamedTuple):
    """The n-grams of one length. An n-gram's id is its place among the keys, and -1 is whatever the text lacks."""

    keys: np.ndarray  # sorted: the id of the first n - 1 words, times the number of tokens, plus the last word
    shares: np.ndarray  # of each n-gram: its discounted count over its context's; last a 0, for -1
    left: np.ndarray  # of each context: what its discounts add up to, over its count; last a 1, for -1

    def find(self, keys):
        """Ids of these keys."""
        places = np.minimum(np.searchsorted(self.keys, keys), len(self.keys) - 1)
        return np.where(self.keys[places] == keys, places, -1)


def _level(keys, counts, contexts, num_contexts, discount):
    totals = np.bincount(contexts, counts, num_contexts)
    types = np.bincount(contexts, counts > 0, num_contexts)
    seen = np.maximum(totals, 1)  # of no n-gram of a context is there a count where all of them begin the text
    shares = np.maximum(counts - discount, 0) / seen[contexts]
    left = np.where(totals > 0, discount * types / seen, 1)
    return Level(keys, np.append(shares, 0.0), np.append(left, 1.0))


def _discount(counts):
    ones, twos = np.sum(counts == 1), np.sum(counts == 2)
    return float(ones / (ones + 2 * twos)) if ones else UNESTIMATED


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--num", type=int, default=200_000)
    parser.add_argument("--order", type=int, default=5)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "kneser_ney.json")
    arguments = parser.parse_args()
    train, test = (texts_of(open_source(SOURCE, split=split)) for split in ("train", "test"))
    peer = kerazoo.load(PEER)
    vocabulary, ids, unseen = peer.words, peer.stream_of(train), peer.stream_of(test)[: arguments.num + 1]
    print(f"{len(ids):,} words for training, {len(unseen) - 1:,} measured\n")
    print("| order | different n-grams | seconds | perplexity |\n|" + " --- |" * 4)
    rows = []
    for order in range(1, arguments.order + 1):
        began = time.perf_counter()
        model = KneserNey(order, len(vocabulary)).fit(ids)
        perplexity = float(np.exp(-model.log_p(unseen).mean()))
        seconds = time.perf_counter() - began
        num_ngrams = len(model.levels[-1].keys)
        print(f"| {order} | {num_ngrams:,} | {seconds:.1f} | {perplexity:.2f} |", flush=True)
        row = {"order": order, "num_ngrams": num_ngrams, "discounts": model.discounts}
        rows.append({**row, "seconds": seconds, "perplexity": perplexity})
    print(f"\ndiscounts of order {order}: {', '.join(f'{discount:.3f}' for discount in model.discounts)}")
    result = {
        "versions": {"kerazoo": kerazoo.__version__, "numpy": np.__version__, "machine": platform.machine()},
        "source": SOURCE,
        "vocabulary": len(vocabulary),
        "train_words": len(ids),
        "test_words": len(unseen) - 1,
        "unknown_test_words": float(np.mean(unseen[1:] == vocabulary.unknown)),
        "peak_memory_mb": round(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024),
        "rows": rows,
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"wrote {arguments.out}")


if __name__ == "__main__":
    main()
