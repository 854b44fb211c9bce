"""Translation of texts: translations with their attention maps; BLEU of words, exact matches of characters."""

import itertools

import numpy as np

from kerazoo.metrics import bleu, character_accuracy, exact_match
from kerazoo.tasks import refuse
from kerazoo.tasks.formats import text_file
from kerazoo.tasks.plots import attention_maps
from kerazoo.utils.errors import UnknownSplitError
from kerazoo.utils.files import new_file

HEADLINES = ("bleu", "bleu_greedy", "exact_match")  # of a card's table of exported files

NUM_TEXTS, MAX_MAPS = 6, 6


def sample(model, path, *, num=None, seed=0, data=None, prompt=None, scale=None, overwrite=False):
    """Write translations of `num` held-out texts, with their references, as a text, and the attention weights of the
    first six as a picture (models with attention; one map a head); the search is greedy. `num` is 6 by default. With
    `prompt`, of that text instead."""
    if not model.attends:
        refuse("scale", scale, "a model without attention writes a text, and no picture")
    if prompt is None:
        source = held_out(data)
        rows = source.sample(min(num or NUM_TEXTS, len(source)), seed=seed)
        texts, references = ([str(text) for text in rows[side]] for side in ("source", "target"))
    else:
        refuse("data", data, "the prompt is translated")
        refuse("num", num, "one prompt is translated")
        texts, references = [prompt], []
    translations = model.translate(texts, beam_width=1)
    file = text_file(path)
    with new_file(file, overwrite=overwrite) as temporary:
        names = ("source       ", "translation  ", "reference    ")
        rows = itertools.zip_longest(texts, translations, references)
        blocks = ["".join(f"{a}{b}\n" for a, b in zip(names, row, strict=True) if b is not None) for row in rows]
        temporary.write_text("\n".join(blocks), encoding="utf-8")
    if not model.attends:
        return (file,)
    return file, _draw_attention(model, texts[:MAX_MAPS], path, scale=scale, overwrite=overwrite)


def _draw_attention(model, texts, path, **options):
    """Write the maps of attention of some texts; those of several heads side by side, a row for each text."""
    found = model.attend(texts)
    if model.several_heads:
        options["columns"] = len(found[0][0])
        found = [(head, source, target) for weights, source, target in found for head in weights]
    return attention_maps(found, path, **options)


def evaluate(model, data, settings):
    """Measure translations by beam search of the first `settings.num` pairs of a split.

    Returns:
        dict. For words: `bleu` (sacrebleu on lower-cased references), `bleu_greedy`, and `bleu_signature`, a str. For
        characters, by greedy search: `exact_match` and `character_accuracy`. For both `nats_per_token` (a token's mean
        -log p, the end of a text included) and `num_pairs`. With attention and targets that are the sources reversed,
        also `antidiagonal`: the share of characters whose largest attention weight is on their own source character.
    """
    source = data.open(settings.split).take(settings.num)
    texts, references = ([str(text) for text in source.arrays[side]] for side in ("source", "target"))
    metrics = MEASURES[model.level](model, texts, references)
    num_tokens = sum(len(model.target_ids(text)) - 1 for text in references)
    nats = -float(model.score(texts, references).sum(dtype="float64")) / num_tokens
    return {**metrics, "nats_per_token": nats, "num_pairs": len(texts)}


def _measure_words(model, texts, references):
    score, signature = bleu(model.translate(texts), references, lowercase=True)
    greedy = bleu(model.translate(texts, beam_width=1), references, lowercase=True).score
    return {"bleu": score, "bleu_greedy": greedy, "bleu_signature": signature}


def _measure_characters(model, texts, references):
    translations = model.translate(texts, beam_width=1)
    metrics = {
        "exact_match": exact_match(translations, references),
        "character_accuracy": character_accuracy(translations, references),
    }
    if model.attends and all(a[::-1] == b for a, b in zip(texts, references, strict=True)):
        metrics["antidiagonal"] = antidiagonal_share(
            [(np.asarray(model.mean_of_heads(weights)), *tokens) for weights, *tokens in model.attend(texts)]
        )
    return metrics


def held_out(data):
    """The first of the splits test, val and train that the data have: files of pairs name their splits as they like."""
    for split in ("test", "val"):
        try:
            return data.open(split)
        except UnknownSplitError:
            continue
    return data.open("train")


MEASURES = {"word": _measure_words, "character": _measure_characters}


def antidiagonal_share(maps):
    """The share of target characters n of which source character `length - 1 - n` has the largest attention weight.

    Args:
        maps: sequence of (weights, source tokens, target tokens), as `attend` gives them; the end tokens count neither
            as source nor as target, but may have the largest weight.

    Returns:
        float in [0, 1].
    """
    hits = []
    for weights, source, _ in maps:
        length = len(source) - 1
        best = weights[:length].argmax(axis=1)
        hits.extend(best == np.arange(length - 1, length - 1 - len(best), -1))
    return float(np.mean(hits))
