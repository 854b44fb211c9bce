"""Language models that write characters: texts, and the likelihood of a held-out text."""

import math

from kerazoo.data.text import texts_of
from kerazoo.tasks.formats import text_file
from kerazoo.utils.files import new_file

HEADLINES = ("perplexity", "bits_per_character", "bits_per_character_by_steps")  # of a card's table of exported files

NUM_CHARACTERS = 500
RULE = "-" * 72


def sample(model, path, *, num=3, seed=0, prompt="", overwrite=False):
    """Write `num` texts of 500 characters that go on from `prompt` as a text, one below the other; the same seed
    gives the same texts."""
    texts = model.generate(prompt, NUM_CHARACTERS, seed=seed, num_samples=num)
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
        as `perplexity`; `num_characters`, how many these are.
    """
    text = "".join(texts_of(data.open(settings.split)))[: max(settings.num, 2)]
    num_characters = len(text) - 1
    nats = -float(model.score([text])[0]) / num_characters
    return {
        "nats_per_character": nats,
        "bits_per_character": nats / math.log(2),
        "perplexity": math.exp(nats),
        "num_characters": num_characters,
    }
