"""From strings to ids and back inside the graph, exactly as `vocabulary.py` does it in Python.

Exported models use these to take and return strings. Nothing here is a resource: a lookup table would have to be
initialised wherever the graph runs, while a search among fingerprints needs only operations.
"""

import numpy as np
import tensorflow as tf

from kerazoo.text.vocabulary import CLOSING, JOINING, OPENING, SPACE_PATTERN, SPECIALS, WORD_PATTERN
from kerazoo.utils.errors import ConfigError

_BUCKETS = 2**63 - 1


def split_text(text, level):
    """Tokens of texts, as `tokenize` gives them.

    Args:
        text: string tensor, shape `(batch,)`, UTF-8 in Unicode form NFC (graphs cannot normalise it).
        level: "character", "word" or "token".

    Returns:
        tf.RaggedTensor. Strings, shape `(batch, tokens)`.

    Example:
        >>> split_text(tf.constant(["A man's hat.", "Hi"]), "word").to_list()
        [[b'a', b"man's", b'hat', b'.'], [b'hi']]
    """
    if level == "character":
        return tf.strings.unicode_split(text, "UTF-8")
    text = tf.strings.regex_replace(text, SPACE_PATTERN, " ")
    if level == "word":
        text = tf.strings.regex_replace(tf.strings.lower(text, "utf-8"), f"({WORD_PATTERN})", r" \1 ")
    return tf.strings.split(text)


def lookup_ids(tokens, vocabulary):
    """Ids of string tokens.

    Args:
        tokens: string tensor of any shape.
        vocabulary: Vocabulary.

    Returns:
        tf.Tensor. int32, of the same shape. A token that the vocabulary lacks, or that is special, has the id of
        "<unk>", or -1 if there is no "<unk>".

    Raises:
        ConfigError: two tokens of the vocabulary have one 63-bit fingerprint.

    Example:
        >>> from kerazoo.text.vocabulary import Vocabulary
        >>> lookup_ids(tf.constant(["b", "?"]), Vocabulary(["a", "b"], level="character")).numpy()
        array([ 1, -1], dtype=int32)
    """
    with tf.init_scope():  # at once, also while a graph is traced
        prints = _fingerprints(tf.constant(vocabulary.tokens)).numpy()
    if len(set(prints.tolist())) < len(prints):
        raise ConfigError("two tokens of the vocabulary have one fingerprint; leave one of them out")
    order = np.argsort(prints)
    wanted = _fingerprints(tokens)
    place = tf.minimum(tf.searchsorted(tf.constant(prints[order]), wanted), len(order) - 1)
    found = tf.gather(prints[order], place) == wanted
    missing, first = (-1, 0) if vocabulary.unknown is None else (vocabulary.unknown, len(SPECIALS))
    ids = tf.gather(order.astype("int32"), place)
    return tf.where(found & (ids >= first), ids, missing)


def _fingerprints(tokens):
    return tf.strings.to_hash_bucket_fast(tokens, _BUCKETS)


def join_tokens(tokens, level):
    """Texts of tokens, as `vocabulary.join` gives them.

    Args:
        tokens: string tensor, shape `(batch, tokens)`, shorter rows padded with empty strings.
        level: "character", "word" or "token".

    Returns:
        tf.Tensor. Strings, shape `(batch,)`.
    """
    if level == "word":
        return join_words(tokens)
    if level == "token":
        return tf.strings.strip(tf.strings.reduce_join(tokens, axis=1, separator=" "))
    return tf.strings.reduce_join(tokens, axis=1)


def join_words(tokens):
    """Texts of words, as `detokenize` joins them.

    Args:
        tokens: string tensor, shape `(batch, tokens)`, shorter rows padded with empty strings.

    Returns:
        tf.Tensor. Strings, shape `(batch,)`.

    Example:
        >>> join_words(tf.constant([["a", "hat", "."], ["hi", "", ""]])).numpy().tolist()
        [b'a hat.', b'hi']
    """
    quotes = tf.cast(tokens == '"', tf.int32)
    quoted = tf.cumsum(quotes, axis=1, exclusive=True) % 2 == 1
    before = tf.concat([tf.fill([tf.shape(tokens)[0], 1], ""), tokens], axis=1)[:, :-1]
    joining = _among(tokens, JOINING)
    after_digit = (tokens == "-") & tf.strings.regex_full_match(before, "(?s).*[0-9]")
    opens = _among(tokens, OPENING) | ((tokens == '"') & ~quoted)
    closes = _among(tokens, CLOSING) | joining | ((tokens == '"') & quoted) | after_digit
    glued = tf.pad(opens | joining | after_digit, [[0, 0], [1, 0]], constant_values=True)[:, :-1]
    space = tf.where(glued | closes | (tokens == ""), "", " ")
    return tf.strings.reduce_join(space + tokens, axis=1)


def _among(tokens, few):
    return tf.reduce_any(tokens[..., None] == tf.constant(sorted(few)), axis=-1)
