"""The family of language models, of characters unless said otherwise: vocabulary, data and verbs."""

from typing import Annotated, Any

import keras
import numpy as np
import tensorflow as tf
from pydantic import Field

from kerazoo.base import inputs
from kerazoo.base.endpoints import LOOP, STRINGS, Endpoint
from kerazoo.base.example_spaces import Tokens
from kerazoo.base.inputs import require
from kerazoo.base.priors import random_generator, seeded_rows
from kerazoo.data.streams import TokenStream
from kerazoo.data.text import texts_of
from kerazoo.losses import sequence_log_likelihood
from kerazoo.text.generation import continue_tokens
from kerazoo.text.graph import lookup_ids, split_text
from kerazoo.text.vocabulary import Vocabulary
from kerazoo.utils.checks import check_integer, check_number, check_texts
from kerazoo.utils.litert_forms import size_of

Characters = Annotated[list[Annotated[str, Field(min_length=1, max_length=1)]], Field(min_length=2)]
# Steps of time that a verb computes at once: powers of two, so that few graphs are traced.
SHORTEST, LONGEST = 16, 512
# Of one call of the exported `generate`, which a server runs for whoever asks.
MOST_TOKENS = 10_000


class LanguageModel:
    """Mixin; list it before `ZooModel`. Verbs and data of a model of text, token by token.

    A token is a character; `WordLanguageModel` says what is different where it is a word.

    The class has the arguments `vocabulary` (annotated with `Characters`) and `sequence_length`; its `__init__` sets
    `characters`, the `Vocabulary`. It has three pure functions of tensors: `zero_state(rows)`, a tensor `(rows, ...)`;
    `sequence_logits(tokens, state, mask=None) -> (logits, state)` of tokens and mask `(rows, steps)`; and
    `next_logits(tokens, state) -> (logits, state)` of one step, tokens `(rows,)`.
    """

    task: Any = "text-generation"
    default_endpoint: str | None = "generate"
    number_input = "num_characters"  # of `generate`, here and exported

    @property
    def tokens(self):
        """The `Vocabulary`."""
        return self.characters

    @property
    def space(self):
        return Tokens(num_tokens=len(self.tokens))

    @classmethod
    def arguments_from(cls, source, arguments):
        """The vocabulary: all characters of the texts of a source."""
        return {"vocabulary": Vocabulary.of_characters(texts_of(source)).tokens}

    def prepare(self, source):
        """Texts in a row, as a `TokenStream` in windows of `sequence_length`; tokens stay as they are."""
        if self.batch_key in source.arrays:
            return source
        return TokenStream(self.stream_of(texts_of(source)), self.sequence_length, **source.info.origin)

    # === From texts to ids and back ===

    def stream_of(self, texts):
        """Texts in a row as ids of their tokens; every one but the first is predicted.

        Args:
            texts: list of str.

        Returns:
            np.ndarray. int32, shape `(n,)`.

        Raises:
            DataError: a character that the vocabulary lacks.
        """
        return self.tokens.encode("".join(texts))

    def _ids_before(self, prompt):
        """Ids, at least one, behind which a prompt's text goes on."""
        return self.tokens.encode(prompt or self._begin())

    def _written(self, ids, prompt):
        """The text of `_ids_before(prompt)` and of what was written behind them."""
        text = self.tokens.decode(ids)
        return text if prompt else text[1:]

    # === Verbs ===

    def generate(self, prompt="", num_characters=200, *, temperature=1.0, top_k=None, seed=None, num_samples=1):
        """Write on.

        Args:
            prompt: str or list of str. Where the texts begin. Nothing (the default) goes on from a line end that is not
                shown (from the vocabulary's first character, where it has no line end).
            num_characters: int. How many are written behind the prompt. Defaults to 200.
            temperature: float, at least 0. The logits are divided by it: below 1 likely characters become likelier; 0
                always takes the likeliest. Defaults to 1.0.
            top_k: int or None. Draw only from so many of the likeliest characters. Defaults to None, from all.
            seed: int or None. The same seed gives the same texts; None gives fresh ones. Defaults to None.
            num_samples: int. Texts for each prompt. Defaults to 1.

        Returns:
            list[str]. Each begins with its prompt; the texts of the first prompt come first.

        Raises:
            DataError: a prompt that is no text, or has a character that the vocabulary lacks.
            ConfigError: a number out of range.
        """
        return self._generate(prompt, num_characters, temperature, top_k, seed, num_samples)

    def _generate(self, prompt, num_new, temperature, top_k, seed, num_samples):
        num_new = check_integer(self.number_input, num_new)
        num_samples = check_integer("num_samples", num_samples)
        top_k = check_integer("top_k", len(self.tokens) if top_k is None else top_k)
        temperature = check_number("temperature", temperature)
        prompts = [text for text in check_texts("prompt", prompt) for _ in range(num_samples)]
        ids = [self._ids_before(text) for text in prompts]
        lengths = np.array([len(row) for row in ids], "int32")
        rows, width = len(ids), _padded_length(num_new, None)
        noise = np.zeros((rows, width), "float32")
        # Step by step, so that a longer text begins like a shorter one of the same seed.
        noise[:, :num_new] = random_generator(seed).random((num_new, rows), "float32").T
        arguments = (num_new, "int32"), (temperature, "float32"), (min(top_k, len(self.tokens)), "int32")
        num_new, temperature, top_k = (np.full(rows, value, dtype) for value, dtype in arguments)
        padded = _pad(ids, _padded_length(lengths.max(), None))
        tokens = self.calls(self._continue, padded, lengths, num_new, noise, temperature, top_k)
        ends = lengths + num_new
        return [self._written(row[:end], text) for row, end, text in zip(tokens, ends, prompts, strict=True)]

    def _continue(self, prompts, lengths, num_new, noise, temperature, top_k):
        state = self.zero_state(tf.shape(prompts)[0])
        return continue_tokens(self.logits_to_draw_from, state, prompts, lengths, num_new, noise, temperature, top_k)

    def logits_to_draw_from(self, tokens, state):
        """`next_logits`, of tokens that may be written."""
        return self.next_logits(tokens, state)

    def score(self, texts, *, batch_size=64):
        """log p of each text: of all its characters but the first, each given those before it.

        Args:
            texts: str or list of str, of any length; a text is computed in parts that carry the state.
            batch_size: int. Texts computed at a time. Defaults to 64.

        Returns:
            np.ndarray. float32, shape `(num,)`, in nats, higher is better; 0 for a text of one character.

        Raises:
            DataError: `texts` holds anything but texts, or one has a character that the vocabulary lacks.
            ConfigError: `batch_size` is below 1.
        """
        return self._score_texts(texts, batch_size)

    def _score_texts(self, texts, batch_size):
        batch_size = check_integer("batch_size", batch_size)
        ids = [self.stream_of([text]) for text in check_texts("texts", texts)]
        parts = [self._score_rows(ids[start : start + batch_size]) for start in range(0, len(ids), batch_size)]
        return np.concatenate(parts).astype("float32")

    def _score_rows(self, ids):
        left = np.array([max(len(row) - 1, 0) for row in ids], "int32")
        scores, state = np.zeros(len(ids)), self.zero_state(len(ids)).numpy()
        start, longest = 0, left.max()
        while start < longest:
            width = _padded_length(longest - start, LONGEST)
            tokens = _pad([row[start : start + width + 1] for row in ids], width + 1)
            part, state = self.calls(self._score, tokens, left - start, state)
            scores += part
            start += width
        return scores

    # === Leaving Python ===

    def extra_endpoints(self):
        text = inputs.text(self._example_text())
        ids = inputs.tokens(len(self.tokens), longest=LONGEST + 1)
        state = inputs.state(lambda rows: self.zero_state(rows))
        written = {
            "text": text,
            self.number_input: inputs.number(20, 1, MOST_TOKENS, rows=True),
            "temperature": inputs.number(1.0, 0, about="0 takes the likeliest", dtype="float32", rows=True),
            "top_k": inputs.number(0, 0, about="draw from so many of the likeliest; 0: all", rows=True),
            "seed": inputs.seed(rows=True),
        }
        lengths = inputs.number(9, 0, about="tokens scored behind the first", rows=True)
        return {
            "generate": Endpoint(self._write, written, "text", server_only=STRINGS),
            "score": Endpoint(self._score_text, {"text": text}, "nats", server_only=STRINGS),
            "next_token": Endpoint(
                self.next_logits,
                {"tokens": inputs.tokens(len(self.tokens), steps=False), "state": state},
                ("logits", "state"),
            ),
            "score_tokens": Endpoint(
                self._score, {"tokens": ids, "lengths": lengths, "state": state}, ("nats", "state"), int8=LOOP
            ),
        }

    def _example_text(self):
        """A text of characters that the vocabulary has."""
        return "".join(self.vocabulary[:20])

    def _write(self, text, num_new, temperature, top_k, seed):
        """`generate` of one text a row, from strings to strings."""
        most = tf.reduce_max(num_new)
        noise = seeded_rows(seed, most[None])
        prompts, lengths = self._rows_before(text)
        size = len(self.tokens)
        top_k = tf.where((top_k < 1) | (top_k > size), size, top_k)
        tokens = self._continue(prompts, lengths, num_new, noise, temperature, top_k)
        inside = tf.range(tf.shape(tokens)[1]) < (lengths + num_new)[:, None]
        return self._texts_of_rows(tokens, inside, text)

    def _score_text(self, text):
        ids, lengths = self._rows_of(text)
        ids = tf.pad(ids, [[0, 0], [0, 1]])  # so that there is a step also where all texts are of one token
        return self._score(ids, lengths - 1, self.zero_state(tf.shape(ids)[0]))[0]

    def _rows_of(self, text):
        """`stream_of` each text, none empty: int32, `(batch, longest)` with zeros behind, and their lengths."""
        characters = split_text(text, "character")
        ids = lookup_ids(characters.flat_values, self.tokens)
        ids = require(ids, tf.reduce_all(ids >= 0), "unknown characters; the model knows:", "".join(self.vocabulary))
        return characters.with_flat_values(ids).to_tensor(), tf.cast(characters.row_lengths(), tf.int32)

    def _rows_before(self, text):
        """`_ids_before` of each prompt, in the form of `_rows_of`."""
        return self._rows_of(tf.where(text == "", self._begin(), text))

    def _texts_of_rows(self, ids, inside, prompts):
        """`_written` of each row, ids where `inside` is True."""
        inside &= (tf.range(tf.shape(ids)[1]) > 0) | (prompts != "")[:, None]
        return tf.strings.reduce_join(tf.where(inside, tf.gather(tf.constant(self.vocabulary), ids), ""), axis=1)

    def _begin(self):
        """The character that stands for an empty prompt."""
        return "\n" if "\n" in self.vocabulary else self.vocabulary[0]

    def _score(self, tokens, left, state):
        """log p of the first `left` tokens behind the first one, and the state after as many."""
        mask = tf.range(size_of(tokens, 1) - 1) < left[:, None]
        logits, state = self.sequence_logits(tokens[:, :-1], state, mask=mask)
        return sequence_log_likelihood(logits, tokens[:, 1:], mask), state


def _padded_length(length, longest):
    """`length`, at most `longest`, rounded up to a power of two from `SHORTEST` on."""
    length = 1 << max(int(length) - 1, SHORTEST - 1).bit_length()
    return length if longest is None else min(length, longest)


def _pad(ids, length):
    """Rows of ids as one int32 array, zeros behind the shorter ones."""
    return keras.utils.pad_sequences(ids, maxlen=length, padding="post", truncating="post")
