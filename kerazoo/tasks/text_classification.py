"""Classifiers of texts: what they find in held-out ones, and how often it is right."""

import numpy as np

from kerazoo.data.text import texts_of
from kerazoo.tasks.formats import text_file
from kerazoo.utils.errors import DataError
from kerazoo.utils.files import new_file

HEADLINES = ("accuracy",)  # of a card's table of exported files

NUM_CHARACTERS = 300  # of a text that is shown


def sample(model, path, *, num=10, seed=0, data=None, overwrite=False):
    """Write the beginnings of held-out texts with the class that is found in each, and its probability.

    Args:
        model: ZooModel with `classify`.
        path: Path. As for `text_file`.
        num: int. Texts. Defaults to 10.
        seed: int. Which ones. Defaults to 0.
        data: Data. Its split `test`.
        overwrite: bool. Whether an existing file may be replaced. Defaults to False.

    Returns:
        tuple[Path]. The file.
    """
    source = data.open("test")
    chosen = np.random.default_rng(seed).permutation(len(source))[:num]
    texts, names = [texts_of(source)[place] for place in chosen], source.info.class_names
    lines = []
    for text, found in zip(texts, model.classify(texts), strict=True):
        best = int(found.argmax())
        shown = text if len(text) <= NUM_CHARACTERS else f"{text[:NUM_CHARACTERS]} ..."
        lines.append(f"{names[best] if names else best} ({found[best]:.2f}): {shown}")
    file = text_file(path)
    with new_file(file, overwrite=overwrite) as temporary:
        temporary.write_text("\n\n".join(lines) + "\n", encoding="utf-8")
    return (file,)


def evaluate(model, data, settings):
    """Accuracy and cross-entropy (nats) on a split, or on `settings.num` texts of it.

    Args:
        model: ZooModel with `classify`.
        data: Data. Its split `settings.split`, texts with labels.
        settings: EvaluationConfig. Fewer texts than the split has are drawn by `seed`.

    Returns:
        dict[str, float]. `accuracy`, `cross_entropy`, `num_texts`.
    """
    source = data.open(settings.split)
    if "label" not in source.arrays:
        raise DataError(f"{source.info.name} has no labels, which a classifier is measured on")
    num = min(settings.num, len(source))
    rows = np.sort(np.random.default_rng(settings.seed).permutation(len(source))[:num])
    texts, labels = texts_of(source), source.arrays["label"][rows]
    found = model.classify([texts[row] for row in rows])
    of_label = found[np.arange(num), labels]
    return {
        "accuracy": float(np.mean(found.argmax(axis=1) == labels)),
        "cross_entropy": float(-np.mean(np.log(np.maximum(of_label, 1e-12)))),
        "num_texts": num,
    }
