"""Language models that write words: texts, and the likelihood of held-out texts."""

import math

import numpy as np

from kerazoo.data.text import texts_of
from kerazoo.tasks import text_generation

HEADLINES = ("perplexity", "perplexity_by_steps")  # of a card's table of exported files

NUM_WORDS = 120


def sample(model, path, *, num=3, seed=0, prompt="", overwrite=False):
    """Write `num` texts of 120 words that go on from `prompt` as a text, one below the other; the same seed gives the
    same texts."""
    texts = model.generate(prompt, NUM_WORDS, seed=seed, num_samples=num)
    return text_generation.write_texts(texts, path, overwrite=overwrite)


def evaluate(model, data, settings):
    """Measure how well a model predicts a split: its texts in a row, read once from the beginning.

    Args:
        model: ZooModel with `score` and `stream_of`, of words.
        data: Data.
        settings: EvaluationConfig. Whole texts are read until there are `num` words, of a longer first text all.

    Returns:
        dict[str, float]. `nats_per_word` of every word, punctuation mark and line end; the same as `perplexity`;
        `unknown_words`, the share of those that the vocabulary lacks, which count as one word; `num_words`, how many
        all these are, and `num_texts`, of how many texts.
    """
    texts, ids = leading_texts(model, data.open(settings.split), settings.num)
    nats = -float(model.score(["\n".join(texts)])[0]) / (len(ids) - 1)
    return {
        "nats_per_word": nats,
        "perplexity": math.exp(nats),
        "unknown_words": float(np.mean(ids[1:] == model.words.unknown)),
        "num_words": len(ids) - 1,
        "num_texts": len(texts),
    }


def leading_texts(model, source, num):
    """The first texts of a source, as few as have `num` words.

    Args:
        model: ZooModel with `stream_of`, of words.
        source: Source. With an entry `text`.
        num: int. Words at least, unless there are fewer.

    Returns:
        (texts, ids): a list of str, and their stream, which begins with the end of a line.
    """
    texts, parts, count = [], [], 0
    for text in texts_of(source):
        texts.append(text.removesuffix("\n"))
        parts.append(model.stream_of([texts[-1]])[1:])
        count += len(parts[-1])
        if count >= num:
            break
    return texts, np.concatenate([model.stream_of([""])[:1], *parts])
