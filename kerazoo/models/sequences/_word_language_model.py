"""What is different in a language model whose tokens are words."""

import re
from typing import Any

import numpy as np
import tensorflow as tf

from kerazoo.data.text import texts_of
from kerazoo.models.sequences._language_model import LanguageModel
from kerazoo.text.graph import join_tokens, lookup_ids, split_text
from kerazoo.text.vocabulary import UNKNOWN, Vocabulary, join

# Characters for private use, which no vocabulary has, in place of what a text says without words.
LINE_END, UNKNOWN_WORD = "\ue000", "\ue001"


class WordLanguageModel(LanguageModel):
    """Mixin; list it before `ZooModel`. A language model of words; every line ends with the token "</s>".

    The class has the arguments `vocabulary`, `level`, `max_vocabulary` and `min_count` beside `sequence_length`; its
    `__init__` sets `words`, their `Vocabulary`. "<unk>" in a text is a word that the vocabulary lacks, as in texts that
    were prepared so; it is never written.
    """

    task: Any = "word-generation"
    number_input = "num_words"

    @property
    def tokens(self):
        """The `Vocabulary`."""
        return self.words

    @classmethod
    def arguments_from(cls, source, arguments):
        """The vocabulary: the most frequent words of the texts of a source."""
        limits = {"max_size": arguments.get("max_vocabulary", 10_000), "min_count": arguments.get("min_count", 1)}
        texts = [text.replace(UNKNOWN, " ") for text in texts_of(source)]
        return {"vocabulary": Vocabulary.of_words(texts, **limits, level=arguments.get("level", "word")).tokens}

    # === From texts to ids and back ===

    def stream_of(self, texts):
        """The lines of texts in a row as ids of their words, each line with its end; every id but the first, the end of
        a line, is predicted.

        Args:
            texts: list of str. A line end behind the last line of one is not another line.

        Returns:
            np.ndarray. int32, shape `(n,)`.
        """
        lines = (line for text in texts for line in text.removesuffix("\n").split("\n"))
        return self._between_ends([*lines, ""])

    def _ids_before(self, prompt):
        return self._between_ends(["", *prompt.split("\n")])[1:]

    def _between_ends(self, lines):
        end = [self.words.end]
        ids = (self.words.encode(line.replace(UNKNOWN, f" {UNKNOWN_WORD} ")) for line in lines)
        return np.concatenate([part for line in ids for part in (end, line)]).astype("int32")

    def _written(self, ids, prompt):
        tokens = [self.vocabulary[index] for index in ids[1:]]
        lines = ["\n" if index == self.words.end else token for index, token in zip(ids[1:], tokens, strict=True)]
        return re.sub(" *\n *", "\n", join(lines, self.level))

    # === Verbs ===

    def generate(self, prompt="", num_words=50, *, temperature=1.0, top_k=None, seed=None, num_samples=1):
        """Write on.

        Args:
            prompt: str or list of str. Where the texts begin. Nothing (the default) begins a line.
            num_words: int. How many words, punctuation marks and line ends are written behind the prompt. Defaults to
                50.
            temperature: float, at least 0. The logits are divided by it: below 1 likely words become likelier; 0
                always takes the likeliest. Defaults to 1.0.
            top_k: int or None. Draw only from so many of the likeliest words. Defaults to None, from all.
            seed: int or None. The same seed gives the same texts; None gives fresh ones. Defaults to None.
            num_samples: int. Texts for each prompt. Defaults to 1.

        Returns:
            list[str]. Each begins with the words of its prompt, as the model reads them: "<unk>" stands for those that
            it does not know. The texts of the first prompt come first.

        Raises:
            DataError: a prompt that is no text.
            ConfigError: a number out of range.
        """
        return self._generate(prompt, num_words, temperature, top_k, seed, num_samples)

    def logits_to_draw_from(self, tokens, state):
        logits, state = self.next_logits(tokens, state)
        silent = tf.constant([self.words.pad, self.words.unknown, self.words.start])
        return logits - 1e9 * tf.reduce_sum(tf.one_hot(silent, len(self.words)), axis=0), state

    def score(self, texts, *, batch_size=64):
        """log p of each text: of all its words and line ends, each given those before it, behind the end of a line.

        Args:
            texts: str or list of str, of any length; a text is computed in parts that carry the state. The end of its
                last line counts, whether or not it is written.
            batch_size: int. Texts computed at a time. Defaults to 64.

        Returns:
            np.ndarray. float32, shape `(num,)`, in nats, higher is better.

        Raises:
            DataError: `texts` holds anything but texts.
            ConfigError: `batch_size` is below 1.
        """
        return self._score_texts(texts, batch_size)

    # === Leaving Python ===

    def _example_text(self):
        return join(self.vocabulary[4:12], self.level)

    def _rows_of(self, text):
        return self._rows_before(tf.strings.regex_replace(text, r"\n\z", "") + "\n")

    def _rows_before(self, text):
        text = tf.strings.regex_replace(text, "\n", f" {LINE_END} ")
        words = split_text(tf.strings.regex_replace(text, UNKNOWN, f" {UNKNOWN_WORD} "), self.level)
        ids = lookup_ids(words.flat_values, self.words)
        ids = words.with_flat_values(tf.where(words.flat_values == LINE_END, self.words.end, ids))
        ids = tf.concat([tf.fill([tf.shape(text)[0], 1], self.words.end), ids], axis=1)
        return ids.to_tensor(), tf.cast(ids.row_lengths(), tf.int32)

    def _texts_of_rows(self, ids, inside, prompts):
        words = tf.where(ids == self.words.end, "\n", tf.gather(tf.constant(self.vocabulary), ids))
        words = tf.where(inside, words, "")[:, 1:]
        return tf.strings.regex_replace(join_tokens(words, self.level), " *\n *", "\n")
