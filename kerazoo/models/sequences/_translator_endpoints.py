"""The exported signatures of a translator: from strings to strings in the graph, and from ids to ids for devices."""

import tensorflow as tf

from kerazoo.base.endpoints import LOOP, STRINGS, Endpoint
from kerazoo.base.inputs import number, require, text, tokens
from kerazoo.text.graph import join_tokens, lookup_ids, split_text
from kerazoo.text.vocabulary import END, PAD, START, UNKNOWN

LONGEST = 1000  # tokens of a translation that a server may be asked for
BEAM_WIDTH, LENGTH_PENALTY = 5, 1.0  # the defaults of `translate`


class TranslatorEndpoints:
    """Mixin of `kerazoo.models.sequences._translator.Translator`: its exported signatures."""

    def extra_endpoints(self):
        sources = {"text": text(*self._example_texts(self.source_tokens))}
        targets = {"target": text(*self._example_texts(self.target_tokens))}
        source = tokens(len(self.source_tokens), least=4, longest=self.max_length)
        ids = {
            "tokens": source,
            "max_length": number(self.max_length, 1, max(LONGEST, self.max_length)),
            "length_penalty": number(LENGTH_PENALTY, 0, about="larger favours longer ones", dtype="float32"),
        }
        outputs = ("tokens", "lengths", "attention") if self.attends else ("tokens", "lengths")
        target = tokens(len(self.target_tokens), least=4, longest=self.max_length + 1)
        found = {
            "translate": Endpoint(self._translate_strings, sources, "text", server_only=STRINGS),
            "score": Endpoint(self._score_strings, {**sources, **targets}, "nats", server_only=STRINGS),
            "translate_tokens": Endpoint(self.searcher(BEAM_WIDTH), ids, outputs, int8=LOOP),
            "translate_tokens_greedily": Endpoint(self.searcher(1), ids, outputs, int8=LOOP),
            "score_tokens": Endpoint(self._score, {"source": source, "target": target}, "nats", int8=LOOP),
        }
        if self.attends:
            outputs = ("attention", "source", "target")
            found["attend"] = Endpoint(self._attend_strings, sources, outputs, server_only=STRINGS)
        return found

    def _example_texts(self, vocabulary):
        words = vocabulary.tokens[4:8]
        return [self._join(words[:count]) for count in (3, 2, 1)]

    def _translate_strings(self, text):
        source, target, *weights = self._search_strings(text, BEAM_WIDTH)
        if self.attends:  # Jean et al. 2015, as in `translate`
            looked_at = tf.argmax(self.mean_of_heads(weights[0]), axis=-1, output_type=tf.int32)
            target = tf.where(target == UNKNOWN, tf.gather(source, looked_at, batch_dims=1), target)
        special = (target == END) | (target == START) | (target == PAD) | (target == "")
        words = tf.ragged.boolean_mask(target, ~special).to_tensor()
        return join_tokens(words, self.level)

    def _attend_strings(self, text):
        """Weights, `(batch, target tokens, source tokens)`, and both texts' tokens, empty behind the shorter ones."""
        source, target, weights = self._search_strings(text, 1)
        return weights, source, target

    def _search_strings(self, text, beam_width):
        source, ids = self._source_strings(text)
        search = self.searcher(beam_width)
        found, lengths, *weights = search(ids, tf.constant(self.max_length), tf.constant(LENGTH_PENALTY))
        inside = tf.range(tf.shape(found)[1]) < lengths[:, None]
        target = tf.where(inside, tf.gather(tf.constant(self.target_tokens.tokens), found), "")
        return source.to_tensor(), target, *weights

    def _source_strings(self, text):
        """Tokens with the end, ragged strings, and their ids, `(batch, longest)`."""
        found = split_text(text, self.level)
        full = tf.reduce_all(found.row_lengths() > 0)
        found = found.with_flat_values(require(found.flat_values, full, "a text is empty: leave it out"))
        ends = tf.ones_like(text, tf.int32)[:, None]
        ids = found.with_flat_values(lookup_ids(found.flat_values, self.source_tokens))
        ids = tf.concat([ids, ends * self.source_tokens.end], axis=1)
        return tf.concat([found, tf.fill(tf.shape(ends), END)], axis=1), ids.to_tensor(self.source_tokens.pad)

    def _score_strings(self, text, target):
        found = split_text(target, self.level)
        ids = found.with_flat_values(lookup_ids(found.flat_values, self.target_tokens))
        one = tf.ones_like(target, tf.int32)[:, None]
        ids = tf.concat([one * self.target_tokens.start, ids, one * self.target_tokens.end], axis=1)
        return self._score(self._source_strings(text)[1], ids.to_tensor(self.target_tokens.pad))
