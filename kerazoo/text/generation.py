"""Drawing tokens one after the other inside the graph, over any function that makes one step of a language model.

The step is a callable `(ids, state) -> (logits, state)`: ids are the last tokens, int32 of shape `(rows,)`; the state
is a nest of tensors `(rows, ...)`; logits are `(rows, tokens)`. All randomness comes in as uniform noise.
"""

import tensorflow as tf


def draw_tokens(logits, noise, temperature, top_k):
    """Draw a token for each row from softmax(logits / temperature), by inverting its cumulative distribution.

    Args:
        logits: tensor, shape `(rows, tokens)`.
        noise: float32 tensor, shape `(rows,)`. Uniform on [0, 1).
        temperature: float32 tensor, shape `(rows,)`. 0 takes the most likely token.
        top_k: int32 tensor, shape `(rows,)`. Only this many of the most likely tokens can be drawn (Fan et al. 2018,
            arXiv:1805.04833); the number of tokens allows all.

    Returns:
        tf.Tensor. int32, shape `(rows,)`.

    Example:
        >>> draw_tokens(tf.math.log([[0.5, 0.25, 0.25]]), tf.constant([0.6]), [1.0], [3]).numpy()
        array([1], dtype=int32)
    """
    logits, temperature, top_k = (
        tf.cast(logits, tf.float32),
        tf.convert_to_tensor(temperature),
        tf.cast(top_k, tf.int32),
    )
    greedy = tf.argmax(logits, axis=-1, output_type=tf.int32)
    least = tf.gather(tf.sort(logits, direction="DESCENDING"), top_k - 1, axis=1, batch_dims=1)
    scaled = logits / tf.where(temperature > 0, temperature, 1.0)[:, None]
    probabilities = tf.where(logits >= least[:, None], tf.nn.softmax(scaled), 0.0)
    below = tf.cumsum(probabilities, axis=-1)
    drawn = tf.reduce_sum(tf.cast(below <= noise[:, None] * below[:, -1:], tf.int32), axis=-1)
    # Where rounding takes the noise to the very end, the last token that may be drawn is taken.
    last = tf.reduce_max(tf.where(probabilities > 0, tf.range(tf.shape(logits)[1]), 0), axis=-1)
    return tf.where(temperature > 0, tf.minimum(drawn, last), greedy)


def continue_tokens(step, state, prompts, lengths, num_new, noise, temperature, top_k):
    """Prompts, and the tokens that follow.

    Args:
        step: callable. See the module.
        state: nest of tensors, shape `(rows, ...)`. The state before a prompt's first token.
        prompts: int32 tensor, shape `(rows, longest)`. At least one token each; what follows them is not read.
        lengths: int32 tensor, shape `(rows,)`. Tokens of each prompt.
        num_new: int32 tensor, shape `(rows,)`. Tokens to draw for each.
        noise: float32 tensor, shape `(rows, most)`. Uniform on [0, 1), one for each new token.
        temperature, top_k: tensors, shape `(rows,)`. See `draw_tokens`.

    Returns:
        tf.Tensor. int32, shape `(rows, longest of lengths + num_new)`. A row holds `lengths + num_new` tokens; what
        follows them has no meaning.
    """
    total = tf.reduce_max(lengths + num_new)

    def body(time, last, state, ids):
        logits, state = step(last, state)
        place = time - lengths  # among the new tokens
        now = tf.gather(noise, tf.clip_by_value(place, 0, tf.shape(noise)[1] - 1), axis=1, batch_dims=1)
        given = tf.gather(prompts, tf.minimum(time, tf.shape(prompts)[1] - 1), axis=1)
        last = tf.where(place < 0, given, draw_tokens(logits, now, temperature, top_k))
        return time + 1, last, state, ids.write(time, last)

    first = prompts[:, 0]
    ids = tf.TensorArray(tf.int32, total, element_shape=first.shape).write(0, first)
    *_, ids = tf.while_loop(lambda time, *_: time < total, body, (1, first, state, ids))
    return tf.transpose(ids.stack())
