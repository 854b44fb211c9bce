"""Greedy and beam search inside the graph, over any function that makes one step of a decoder.

The step is a callable `(ids, state) -> (logits, state, extra)`: ids are the last tokens, int32 of shape `(rows,)`; the
state is a nest of tensors `(rows, ...)`; logits are `(rows, tokens)`; extra is a tensor `(rows, ...)` kept for each
step, for example attention weights. Tensors of the source that the step reads must have `rows` rows too
(`repeat_rows`).
"""

from typing import NamedTuple

import tensorflow as tf

from kerazoo.utils.litert_forms import forms, size_of


class Decoded(NamedTuple):
    """Result of a search, the best hypothesis first.

    Attributes:
        ids: int32, shape `(batch, beams, steps)`. Tokens without the start token; everything after the end token is
            `end`.
        lengths: int32, shape `(batch, beams)`. Tokens before the end token.
        scores: float32, shape `(batch, beams)`. log p of the tokens and the end token, divided by the length penalty.
        log_probs: float32, shape `(batch, beams)`. The same before the division.
        extra: shape `(batch, beams, steps, ...)`. The extras of the steps.
    """

    ids: tf.Tensor
    lengths: tf.Tensor
    scores: tf.Tensor
    log_probs: tf.Tensor
    extra: tf.Tensor


def repeat_rows(nest, times):
    """Repeat each row of every tensor, copies next to each other, as a step over several beams needs the source.

    Args:
        nest: nest of tensors, shape `(rows, ...)`.
        times: int. At least 1.

    Returns:
        The same nest, of tensors `(rows * times, ...)`.

    Example:
        >>> repeat_rows({"h": tf.constant([1, 2])}, 2)["h"].numpy()
        array([1, 1, 2, 2], dtype=int32)
    """
    return tf.nest.map_structure(lambda x: tf.repeat(x, times, axis=0), nest)


def length_penalty(length, alpha):
    """The divisor of a hypothesis's log p, ((5 + length) / 6) ** alpha, so that long ones are not ranked too low.

    Args:
        length: int or integer tensor. Tokens, the end token included.
        alpha: float or scalar tensor, at least 0. 0 gives 1; larger values favour longer hypotheses.

    Returns:
        tf.Tensor. float32, of the shape of `length`.

    Example:
        >>> length_penalty(tf.constant([1, 7, 13]), 1.0).numpy().tolist()
        [1.0, 2.0, 3.0]

    Source: Wu et al. 2016, arXiv:1609.08144, equation 14.
    """
    return ((5.0 + tf.cast(length, tf.float32)) / 6.0) ** alpha


def greedy_search(step, state, *, start, end, max_length):
    """The most likely token at every step: beam search with one beam.

    Args:
        step: callable. See the module.
        state: nest of tensors, shape `(batch, ...)`.
        start, end: int. Ids of the special tokens.
        max_length: int or int32 scalar tensor. Largest number of steps; the end token counts as one.

    Returns:
        Decoded. With one beam, without a length penalty.

    Example:
        >>> step = lambda ids, state: (tf.one_hot(ids + 1, 5), state, state)
        >>> greedy_search(step, tf.zeros((1, 1)), start=0, end=3, max_length=9).ids.numpy().tolist()
        [[[1, 2, 3]]]
    """
    return beam_search(step, state, start=start, end=end, max_length=max_length, beam_width=1, alpha=0.0)


def beam_search(step, state, *, start, end, max_length, beam_width, alpha=0.0, capacity=None):
    """The best of `beam_width` hypotheses kept at every step, by log p over the length penalty.

    Finished hypotheses are kept as long as no others are better. The search is exact if the width is at least the
    number of all sequences; with a width of one it is greedy search.

    Args:
        step: callable. See the module; its rows are `batch * beam_width`, a batch row's beams in a row.
        state: nest of tensors, shape `(batch * beam_width, ...)`, as `repeat_rows(state, beam_width)` gives.
        start, end: int. Ids of the special tokens.
        max_length: int or int32 scalar tensor. Largest number of steps; the end token counts as one.
        beam_width: int. At least 1; may be larger than the number of tokens.
        alpha: float. Of `length_penalty`; 0 ranks by log p, larger values favour longer hypotheses. Defaults to 0.
        capacity: int or None. The largest number of steps in a graph for a device, which reserves room for all of them
            and returns them all, zeros after the last step. Defaults to None, for other graphs.

    Returns:
        Decoded. `beam_width` hypotheses a row, the best first. One that reached `max_length` without an end has no end
        token. Where there are fewer hypotheses than beams, the rest have the lowest float32 as their score, or less.

    Example:
        >>> odds = tf.math.log([[0.0, 0.6, 0.4, 0.0], [0.0, 0.0, 0.45, 0.55], [0.0, 0.0, 0.0, 1.0]])  # of the next one
        >>> step = lambda ids, state: (tf.gather(odds, ids), state, state)
        >>> found = beam_search(step, tf.zeros((2, 1)), start=0, end=3, max_length=4, beam_width=2)
        >>> found.ids[0].numpy().tolist()  # 0.4 * 1.0 is more than 0.6 * 0.55, which greedy search finds
        [[2, 3], [1, 3]]
        >>> tf.exp(found.log_probs[0]).numpy().round(2)
        array([0.4 , 0.33], dtype=float32)

    Source: Graves 2012, arXiv:1211.3711, section 2.5; Sutskever et al. 2014, arXiv:1409.3215, section 3.2.
    """
    batch = size_of(tf.nest.flatten(state)[0], 0) // beam_width
    rows = tf.range(batch)[:, None]
    worst = tf.float32.min
    max_length = forms().most_steps(tf.convert_to_tensor(max_length), capacity)
    ids = tf.fill([batch, beam_width], start)
    # All beams begin alike: only the first may be continued, or they would stay alike.
    log_probs = tf.where(tf.range(beam_width) == 0, 0.0, worst) + tf.zeros([batch, 1])
    lengths = tf.zeros([batch, beam_width], tf.int32)
    finished = tf.zeros([batch, beam_width], tf.bool)
    # As in `scan_time`: one step outside of the loop shows the dtype and shape of `extra`.
    example = step(tf.reshape(ids, [-1]), state)[2]

    examples = {"ids": ids, "parents": ids, "extra": example}
    history = {name: forms().growing_array_like(value, capacity) for name, value in examples.items()}

    def body(time, ids, log_probs, lengths, finished, state, history):
        logits, state, extra = step(tf.reshape(ids, [-1]), state)
        num_tokens = size_of(logits, -1)
        continued = tf.reshape(tf.nn.log_softmax(tf.cast(logits, tf.float32)), [batch, beam_width, num_tokens])
        # A finished hypothesis has a single continuation: itself.
        itself = tf.where(tf.range(num_tokens) == end, 0.0, worst)
        total = log_probs[..., None] + tf.where(tf.expand_dims(finished, -1), itself, continued)
        length = lengths + tf.where(finished, 0, 1)
        ranked = tf.reshape(total / length_penalty(length, alpha)[..., None], [batch, -1])
        _, best = tf.math.top_k(ranked, beam_width)
        parents, ids = best // num_tokens, best % num_tokens
        log_probs = _like(tf.gather(tf.reshape(total, [batch, -1]), best, batch_dims=1), log_probs)
        lengths, finished = (_like(tf.gather(x, parents, batch_dims=1), x) for x in (length, finished))
        source_rows = tf.reshape(rows * beam_width + parents, [-1])
        state = tf.nest.map_structure(lambda x: _like(tf.gather(x, source_rows), x), state)
        written = {"ids": ids, "parents": parents, "extra": extra}
        history = {name: history[name].write(time, value) for name, value in written.items()}
        return time + 1, ids, log_probs, lengths, finished | (ids == end), state, history

    def more(time, ids, log_probs, lengths, finished, *_):
        return (time < max_length) & ~tf.reduce_all(finished)

    time, _, log_probs, lengths, finished, _, history = tf.while_loop(
        more, body, (0, ids, log_probs, lengths, finished, state, history)
    )
    ids, extra = _follow_parents(history, time, capacity, batch, beam_width)
    scores = log_probs / length_penalty(lengths, alpha)
    order = tf.argsort(scores, direction="DESCENDING", stable=True)
    ordered = [
        tf.gather(x, order, batch_dims=1) for x in (ids, lengths - tf.cast(finished, tf.int32), scores, log_probs)
    ]
    return Decoded(*ordered, tf.gather(extra, order, batch_dims=1))


def _follow_parents(history, num_steps, capacity, batch, beam_width):
    """The tokens and extras of the hypotheses that were kept to the end, from the last step to the first."""
    rows = tf.range(batch)[:, None] * beam_width

    def read(index, beams):
        """One step's tokens and extras, of the hypotheses `beams`, and what these were continued from."""
        before = tf.gather(history["parents"].read(index), beams, batch_dims=1)
        # A step's extra belongs to the hypothesis that it started from.
        extra = tf.gather(history["extra"].read(index), rows + before)
        return tf.gather(history["ids"].read(index), beams, batch_dims=1), extra, before

    def body(index, beams, found):
        *values, beams = read(num_steps - 1 - index, beams)
        found = [array.write(num_steps - 1 - index, value) for array, value in zip(found, values, strict=True)]
        return index + 1, beams, found

    beams = tf.tile(tf.range(beam_width)[None], [batch, 1])
    # One step outside of the loop shows the shapes.
    found = [forms().array_like(value, num_steps, capacity) for value in read(0, beams)[:2]]
    *_, found = tf.while_loop(lambda index, *_: index < num_steps, body, (0, beams, found))
    return [tf.transpose(x, [1, 2, 0, *range(3, len(x.shape))]) for x in (array.stack() for array in found)]


def _like(x, reference):
    """`x` with the static shape of `reference`, which a loop requires."""
    x.set_shape(reference.shape)
    return x
