"""Measures of translations: BLEU, and the fractions that are right."""

import itertools
from typing import NamedTuple

import numpy as np

from kerazoo.utils.errors import DataError, MissingDependencyError


class Bleu(NamedTuple):
    """Result of `bleu`.

    Attributes:
        score: float. 0 to 100.
        signature: str. sacrebleu's own, which says how the score was computed.
    """

    score: float
    signature: str


def bleu(translations, references, *, lowercase=False):
    """Corpus BLEU by sacrebleu.

    The geometric mean of the precisions of 1 to 4 words in a row, times the brevity penalty, over the whole corpus.

    Args:
        translations: sequence of str, detokenised.
        references: sequence of str, or of sequences of str: one reference each, or several (for example captions),
            whose word sequences all count.
        lowercase: bool. Whether to compare in lower case; the signature then has `case:lc`. Defaults to False.

    Returns:
        Bleu. `score` and `signature`.

    Raises:
        DataError: no pairs, sequences of different lengths, or a translation without a reference.
        MissingDependencyError: sacrebleu is not installed.

    Example:
        >>> bleu(["ein hund läuft durch das gras."], ["Ein Hund läuft durch das Gras."], lowercase=True).score
        100.0

    Source: Papineni et al. 2002, aclanthology.org/P02-1040; Post 2018, arXiv:1804.08771.
    """
    translations, references = _check_pairs(translations, references)
    try:
        from sacrebleu.metrics import BLEU
    except ImportError:
        raise MissingDependencyError("BLEU needs sacrebleu: pip install 'kerazoo[text]'") from None
    metric = BLEU(lowercase=lowercase)
    references = _several(references)
    # sacrebleu takes the first references of all texts, then the second ones; None where a text has fewer.
    columns = [list(column) for column in itertools.zip_longest(*references)]
    score = metric.corpus_score(translations, columns).score
    return Bleu(round(float(score), 10), str(metric.get_signature()))


def exact_match(translations, references):
    """The fraction of translations that equal their reference, or one of several, character for character.

    Args:
        translations: sequence of str.
        references: sequence of str, or of sequences of str: one reference each, or several.

    Returns:
        float in [0, 1], higher is better.

    Raises:
        DataError: no pairs, or sequences of different lengths.

    Example:
        >>> exact_match(["cba", "fed"], ["cba", "fde"])
        0.5
    """
    translations, references = _check_pairs(translations, references)
    return float(np.mean([a in several for a, several in zip(translations, _several(references), strict=True)]))


def character_accuracy(translations, references):
    """The fraction of places that hold the same character, over the longer length of each pair.

    Args:
        translations: sequence of str.
        references: sequence of str, one each.

    Returns:
        float in [0, 1], higher is better.

    Raises:
        DataError: no pairs, or sequences of different lengths.

    Example:
        >>> character_accuracy(["cba", "fe"], ["cba", "fde"])
        0.6666666666666666
    """
    pairs = list(zip(*_check_pairs(translations, references), strict=True))
    right = sum(a == b for pair in pairs for a, b in zip(*pair, strict=False))
    return right / max(1, sum(max(map(len, pair)) for pair in pairs))


def _several(references):
    several = [[reference] if isinstance(reference, str) else list(reference) for reference in references]
    for index, one in enumerate(several):
        if not one:
            raise DataError(f"references[{index}] is empty: every text needs at least one reference")
    return several


def _check_pairs(translations, references):
    translations, references = list(translations), list(references)
    if not translations or len(translations) != len(references):
        raise DataError(
            f"{len(translations)} translations and {len(references)} references: the same number of both is "
            "expected, and at least one"
        )
    return translations, references
