"""What a cell is judged by in a search: whether it can remember, and how well it learns texts."""

import math
from dataclasses import dataclass

import numpy as np

from kerazoo.data import open_source
from kerazoo.data.arrays import from_arrays
from kerazoo.data.text import text_array, texts_of
from kerazoo.tasks.text_generation import answers_right, nats_per_character
from kerazoo.utils.errors import ConfigError

# Task -> its source of texts; "text" is what a user names.
SOURCES = {"arithmetic": "arithmetic:2", "xml": "xml:4"}
TEXT = "tfds:tiny_shakespeare"
MEMORY = "memory"  # what a new cell is tried on first: symbols that it must give back (section 3.2)
_SYMBOLS, _LENGTH, _ROWS = "abcde", 5, 2000
BATCH, WINDOW = 32, 40
NUM_CHARACTERS, NUM_ANSWERS = 10_000, 100  # that a trained cell is measured on


@dataclass(frozen=True)
class Setting:
    """Hyperparameters of one training.

    Attributes:
        rate: float. Adam's at the start; it falls linearly to zero.
        units: int. Of the one layer.
        clip_norm: float. Largest norm of the gradient.
    """

    rate: float
    units: int
    clip_norm: float

    @classmethod
    def drawn(cls, rng):
        """A random one."""
        return cls(
            rate=float(np.exp(rng.uniform(math.log(1e-3), math.log(2e-2)))),
            units=int(rng.choice([32, 48, 64])),
            clip_norm=float(rng.choice([1.0, 5.0])),
        )


def check_tasks(tasks):
    """Names of tasks as a tuple; a `ConfigError` unless each is known and there once."""
    known = (*SOURCES, "text")
    if not tasks or len(set(tasks)) < len(tasks) or not set(tasks) <= set(known):
        raise ConfigError(f"tasks {','.join(tasks)!r}: some of {', '.join(known)} are expected, each once")
    return tuple(tasks)


def source_of(task, split, text=TEXT):
    """A task's texts."""
    if task == MEMORY:
        return _memory(split)
    return open_source(SOURCES.get(task, text), split=split)


def _memory(split):
    """Five symbols and the same five again: "abacd=abacd" (section 3.2)."""
    rng = np.random.default_rng(["train", "test"].index(split))
    words = ["".join(word) for word in rng.choice(list(_SYMBOLS), (_ROWS, _LENGTH))]
    texts = text_array([f"{word}={word}\n" for word in words])
    return from_arrays({"text": texts, "answer": np.full(_ROWS, _LENGTH + 1)}, name=MEMORY, split=split)


def score(graph, task, setting, *, steps, seed=0, text=TEXT):
    """Train one layer of a cell as a language model, and measure it.

    Args:
        graph: CellGraph or dict.
        task: str. `"memory"`, `"arithmetic"`, `"xml"` or `"text"`.
        setting: Setting.
        steps: int. Of training, each of 32 windows of 40 characters.
        seed: int. Of everything random. Defaults to 0.
        text: str. The source of the task `"text"`.

    Returns:
        float in [0, 1]. Where texts end with an answer, the share of its characters that is right; otherwise the
        geometric mean of the probabilities of the characters of the test split. 0 where training went out of range.
    """
    import keras

    import kerazoo

    train, test = (source_of(task, split, text) for split in ("train", "test"))
    vocabulary = sorted({character for source in (train, test) for one in texts_of(source) for character in one})
    sizes = {"units": setting.units, "num_layers": 1, "sequence_length": WINDOW, "clip_norm": setting.clip_norm}
    keras.utils.set_random_seed(seed)
    model = kerazoo.create("lstm_char_lm", vocabulary=vocabulary, cell=graph, **sizes)
    falling = keras.optimizers.schedules.PolynomialDecay(setting.rate, steps, 0.0)
    model.compile(optimizer=keras.optimizers.Adam(falling), seed=seed)
    model.fit(train, batch_size=BATCH, steps_per_epoch=steps, verbose=0)
    answers = "answer" in test.arrays
    found = answers_right(model, test, NUM_ANSWERS)[0] if answers else _mean_probability(model, test)
    keras.backend.clear_session()
    return found if math.isfinite(found) else 0.0


def _mean_probability(model, source):
    nats, _ = nats_per_character(model, source, NUM_CHARACTERS)
    return math.exp(-nats) if math.isfinite(nats) else 0.0
