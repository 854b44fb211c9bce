"""Language models that write characters: texts, and the likelihood of a held-out text."""

import math

import numpy as np

from kerazoo.data.text import texts_of
from kerazoo.tasks.formats import text_file
from kerazoo.utils.files import new_file

HEADLINES = ("perplexity", "bits_per_character", "bits_per_character_by_steps")  # of a card's table of exported files

NUM_CHARACTERS = 500
RULE = "-" * 72


def sample(model, path, *, num=3, seed=0, prompt="", overwrite=False):
    """Write `num` texts of 500 characters that go on from `prompt` as a text, one below the other; the same seed
    gives the same texts."""
    return write_texts(model.generate(prompt, NUM_CHARACTERS, seed=seed, num_samples=num), path, overwrite=overwrite)


def write_texts(texts, path, *, overwrite):
    """Write texts to a file, one below the other.

    Args:
        texts: list[str].
        path: Path. Of the file; ".txt" is added where it has no suffix.
        overwrite: bool. Whether a file may be replaced.

    Returns:
        tuple[Path]. The file.
    """
    file = text_file(path)
    with new_file(file, overwrite=overwrite) as temporary:
        temporary.write_text(f"\n\n{RULE}\n\n".join(texts) + "\n", encoding="utf-8")
    return (file,)


def evaluate(model, data, settings):
    """Measure how well a model predicts a split: its texts in a row, read once from the beginning.

    Args:
        model: ZooModel with `score`.
        data: Data.
        settings: EvaluationConfig. `num` characters of the split at most, 2 or more.

    Returns:
        dict[str, float]. `nats_per_character` of every character but the first; the same as `bits_per_character` and
        as `perplexity`; `num_characters`, how many these are. Of texts whose law is known `nats_above_the_law`, what a
        character costs more than by that law. Where texts end with an answer, `answer_characters` and `answers`, the
        shares that the model gives right.
    """
    return {**likelihood(model, data, settings), **_answers(model, data.open(settings.split))}


def likelihood(model, data, settings):
    """The figures of `evaluate` that need `score` alone; arguments as there."""
    source = data.open(settings.split)
    nats, num_characters = nats_per_character(model, source, max(settings.num, 2))
    return {
        "nats_per_character": nats,
        "bits_per_character": nats / math.log(2),
        "perplexity": math.exp(nats),
        "num_characters": num_characters,
        **_above_the_law(source, nats, num_characters),
    }


def nats_per_character(model, source, num):
    """What a character of a source's texts costs, read in a row.

    Args:
        model: ZooModel with `score`, of texts.
        source: Source. With an entry `text`.
        num: int. Characters at most, 2 or more.

    Returns:
        (nats, num_characters): the mean over all that were read but the first, and how many these are.
    """
    text = "".join(texts_of(source))[:num]
    return -float(model.score([text])[0]) / (len(text) - 1), len(text) - 1


def _above_the_law(source, nats, num_characters):
    """How many nats a character are more than the least of the texts that were read, where a source has these."""
    if "nats" not in source.arrays:
        return {}
    ends = np.cumsum([len(text) for text in texts_of(source)])
    read = max(1, int(np.searchsorted(ends, num_characters + 1, side="right")))
    return {"nats_above_the_law": nats - float(source.arrays["nats"][:read].sum(dtype="float64")) / int(ends[read - 1])}


def _answers(model, source):
    if "answer" not in source.arrays:
        return {}
    return dict(zip(("answer_characters", "answers"), answers_right(model, source), strict=True))


def answers_right(model, source, num=None):
    """How often the likeliest characters are the answers of texts; each is asked behind the text before.

    Args:
        model: ZooModel with `generate`, of texts.
        source: Source. With entries `text` and `answer`, the place in each text where its answer begins.
        num: int or None. How many texts; None takes all. Defaults to None.

    Returns:
        (characters, answers): the shares that are right. Characters are compared place by place, those that follow a
        wrong one too.
    """
    texts, places = texts_of(source)[:num], source.arrays["answer"][:num]
    asked = [before + text[:place] for before, text, place in zip(texts, texts[1:], places[1:], strict=False)]
    wanted = [text[place:] for text, place in zip(texts[1:], places[1:], strict=True)]
    longest = max(map(len, wanted))
    written = model.generate(asked, longest, temperature=0, seed=0)
    found = [text[len(prompt) :] for text, prompt in zip(written, asked, strict=True)]
    right = [[a == b for a, b in zip(*pair, strict=False)] for pair in zip(found, wanted, strict=True)]
    return sum(map(sum, right)) / sum(map(len, right)), sum(map(all, right)) / len(right)
