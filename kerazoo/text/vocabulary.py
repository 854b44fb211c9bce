"""Tokens and their ids: characters or words of a text to int32 ids and back."""

import re
import unicodedata
from collections import Counter

import numpy as np

from kerazoo.utils.errors import ConfigError, DataError

PAD, UNKNOWN, START, END = SPECIALS = ("<pad>", "<unk>", "<s>", "</s>")
LEVELS = ("character", "word", "token")

# Punctuation and spaces are spelled out, since `\w` and `\s` mean ASCII to RE2 and Unicode to Python. Everything else
# (letters of any script, digits, combining marks) belongs to words. A TensorFlow graph gives the same tokens by
# `tf.strings.regex_replace(text, f"({WORD_PATTERN})", r" \1 ")` and `tf.strings.split`, after `SPACE_PATTERN` -> " ".
_SPACES = " \t\n\r\f\v\u0085\u00a0\u1680\u2000-\u200b\u2028\u2029\u202f\u205f\u3000\ufeff"
_MARKS = r"!-/:-@\[-`{-~" + "\u00a1-\u00a9\u00ab\u00ac\u00ae-\u00b4\u00b6-\u00b9\u00bb-\u00bf\u00d7\u00f7"
_MARKS += "\u2010-\u2027\u2030-\u205e\u20a0-\u20cf\u2190-\u2bff\u3001-\u3020\uff01-\uff0f\uff1a-\uff20"
_WORD, _LETTER = f"[^{_SPACES}{_MARKS}]", f"[^0-9{_SPACES}{_MARKS}]"

SPACE_PATTERN = f"[{_SPACES}]+"
# A number with its points and commas; a word with its apostrophes and hyphens ("man's", "boys'", "t-shirt", "vor-");
# one punctuation mark. A hyphen after a digit is a token by itself ("3 - year-old"), as in BLEU's tokenisation "13a".
WORD_PATTERN = f"[0-9]+(?:[.,][0-9]+)+|(?:{_WORD}*{_LETTER}-|{_WORD}+['\u2019])+{_WORD}*|{_WORD}+|[{_MARKS}]"
_TOKEN = re.compile(WORD_PATTERN)

CLOSING, OPENING, JOINING = frozenset(".,!?;:%)]}"), frozenset("([{$#"), frozenset("/")
_MAX_REPORTED = 5


def tokenize(text, level):
    """Cut a text into tokens.

    Args:
        text: str.
        level: "character" (each character is a token, nothing is changed) or "word": the text is brought to Unicode
            form NFC and lower case and cut by `WORD_PATTERN` into numbers, words and single punctuation marks; "token":
            what stands between spaces, for texts that were cut before.

    Returns:
        list[str].

    Raises:
        ConfigError: another level.

    Example:
        >>> tokenize("A man's T-shirt costs $3.50, (more) or less.", "word")
        ['a', "man's", 't-shirt', 'costs', '$', '3.50', ',', '(', 'more', ')', 'or', 'less', '.']
    """
    _check_level(level)
    return _CUTS[level](text)


_CUTS = {
    "character": list,
    "word": lambda text: _TOKEN.findall(unicodedata.normalize("NFC", text).lower()),
    "token": re.compile(f"[^{_SPACES}]+").findall,
}


def join(tokens, level):
    """The text of tokens, the way back of `tokenize` as far as there is one.

    Args:
        tokens: iterable of str.
        level: as for `tokenize`. Words are joined by `detokenize`, tokens by spaces.

    Returns:
        str.
    """
    return detokenize(tokens) if level == "word" else ("" if level == "character" else " ").join(tokens)


def detokenize(tokens):
    """Join words as they are written: no space before a full stop, none inside brackets and quotes.

    Spaces are left out only beside marks that BLEU's tokenisation "13a" splits off again, so that `sacrebleu` sees in
    the joined text exactly these tokens.

    Args:
        tokens: iterable of str, as `tokenize(text, "word")` gives them.

    Returns:
        str.

    Example:
        >>> detokenize(["he", "said", ":", '"', "wait", "(", "3", "-", "4", "hours", ")", "!", '"'])
        'he said: "wait (3-4 hours)!"'
    """
    parts, previous, quoted, glue = [], "", False, True
    for token in tokens:
        opens = token in OPENING or (token == '"' and not quoted)
        after_digit = token == "-" and previous[-1:].isdecimal() and previous[-1:].isascii()
        closes = token in CLOSING or token in JOINING or (token == '"' and quoted) or after_digit
        parts.append(token if glue or closes else " " + token)
        glue = opens or token in JOINING or after_digit
        quoted ^= token == '"'
        previous = token
    return "".join(parts)


class Vocabulary:
    """The tokens that a model knows; a token's place in the list is its id.

    Args:
        tokens: sequence of str, all different. Where the first four are "<pad>", "<unk>", "<s>", "</s>", they are
            special: padding after shorter texts, any token that the vocabulary lacks, start and end.
        level: "character", "word" or "token": what the other tokens are, see `tokenize`.

    Attributes:
        tokens: list[str]. A model that stores it, with `level`, can build the same vocabulary again.
        level: str.
        pad, unknown, start, end: int ids 0, 1, 2, 3, or None where there are no special tokens.

    Raises:
        ConfigError: no tokens, a token that is not a string, is empty or occurs twice, or another level.

    Example:
        >>> vocabulary = Vocabulary.of_characters(["hello"])
        >>> vocabulary.tokens, vocabulary.encode("hell").tolist(), vocabulary.decode([1, 0])
        (['e', 'h', 'l', 'o'], [1, 0, 2, 2], 'he')
    """

    def __init__(self, tokens, *, level):
        _check_level(level)
        self.tokens, self.level = list(tokens), level
        special = tuple(self.tokens[: len(SPECIALS)]) == SPECIALS
        self.pad, self.unknown, self.start, self.end = range(len(SPECIALS)) if special else (None,) * len(SPECIALS)
        self._first = len(SPECIALS) if special else 0
        _check_tokens(self.tokens[self._first :], level)
        self._ids = {token: index for index, token in enumerate(self.tokens)}
        if len(self._ids) != len(self.tokens):
            twice = next(token for token, count in Counter(self.tokens).items() if count > 1)
            raise ConfigError(f"vocabulary: the token {twice!r} comes twice; list each token once")

    @classmethod
    def of_characters(cls, texts):
        """All characters of the texts in sorted order, without special tokens: for language models.

        Args:
            texts: a str or an iterable of str.

        Returns:
            Vocabulary. Of level "character".

        Raises:
            DataError: the texts are empty.
        """
        return cls(_characters(texts), level="character")

    @classmethod
    def of_letters(cls, texts):
        """The special tokens, then all characters of the texts in sorted order: for translation letter by letter.

        Args:
            texts: a str or an iterable of str.

        Returns:
            Vocabulary. Of level "character".

        Raises:
            DataError: the texts are empty.
        """
        return cls([*SPECIALS, *_characters(texts)], level="character")

    @classmethod
    def of_words(cls, texts, max_size=8000, min_count=2, level="word"):
        """The special tokens, then the words of the texts, the most frequent first and equally frequent ones by name.

        Args:
            texts: a str or an iterable of str.
            max_size: int, default 8000. Largest number of tokens, special ones included.
            min_count: int, default 2. Rarer words are left out and become "<unk>".
            level: "word" (the default) or "token". What a word is, see `tokenize`.

        Returns:
            Vocabulary. Of that level.

        Raises:
            DataError: no word is frequent enough.

        Example:
            >>> Vocabulary.of_words(["the cat, the dog", "The end"], min_count=1).tokens[4:]
            ['the', ',', 'cat', 'dog', 'end']
        """
        counts = Counter(token for text in _listed(texts) for token in tokenize(text, level))
        for special in SPECIALS:
            counts.pop(special, None)
        kept = sorted((-count, token) for token, count in counts.items() if count >= min_count)
        if not kept or max_size <= len(SPECIALS):
            raise DataError(
                f"no words for a vocabulary: {len(counts):,} different words, none kept by min_count={min_count} and "
                f"max_size={max_size}; give more text, or other limits"
            )
        return cls([*SPECIALS, *(token for _, token in kept[: max_size - len(SPECIALS)])], level=level)

    def __len__(self):
        return len(self.tokens)

    def __repr__(self):
        return f"<Vocabulary of {len(self):,} {self.level}s{', 4 of them special' if self._first else ''}>"

    def encode(self, text):
        """Turn a text into ids; no start and no end is added.

        Args:
            text: str. Special tokens are not looked for in it: "<pad>" is five characters, or three words.

        Returns:
            int32 array `(n,)`, one id per token of `tokenize(text, level)`.

        Raises:
            DataError: a character that the vocabulary lacks, where it has no "<unk>".
        """
        found = tokenize(text, self.level)
        ids = np.fromiter((self._ids.get(token, -1) for token in found), np.int32, len(found))
        ids[ids < self._first] = -1  # a special token between spaces is none
        missing = np.flatnonzero(ids < 0)
        if len(missing) and self.unknown is None:
            raise DataError(self._unknown_line(found, missing))
        ids[missing] = self.unknown or 0
        return ids

    def decode(self, ids):
        """Turn ids into a text; "<pad>", "<s>" and "</s>" are left out, and words are joined by `detokenize`.

        Args:
            ids: sequence or array of int, one-dimensional, in [0, len(vocabulary)).

        Returns:
            str. What follows the first "</s>" is not cut off: the caller knows where its sequence ends.

        Raises:
            DataError: an id out of range.
        """
        ids = np.asarray(ids, np.int64).ravel()
        if len(ids) and not (ids.min() >= 0 and ids.max() < len(self)):
            raise DataError(f"ids from {ids.min()} to {ids.max()} where the vocabulary has 0 to {len(self) - 1}")
        dropped = {self.pad, self.start, self.end}
        return join([self.tokens[index] for index in ids.tolist() if index not in dropped], self.level)

    def _unknown_line(self, found, missing):
        """One line that names the first missing characters, each once, and the known ones."""
        first = {}
        for position in missing:
            first.setdefault(found[position], position)
        shown = ", ".join(f"{token!r} at {position:,}" for token, position in list(first.items())[:_MAX_REPORTED])
        more = f" and {len(first) - _MAX_REPORTED} more" if len(first) > _MAX_REPORTED else ""
        known = "".join(self.tokens)
        known = repr(known if len(known) <= 80 else known[:80] + "...")
        return f"unknown characters: {shown}{more}; the vocabulary holds {len(self)}: {known}; remove or replace them"


def vocabulary_of_argument(name, tokens, level):
    """The vocabulary that an argument of a model lists, special tokens first.

    Args:
        name: str. The argument's, for the message.
        tokens: list[str].
        level: as for `tokenize`.

    Returns:
        Vocabulary.

    Raises:
        ConfigError: the list does not begin with the special tokens, or as `Vocabulary`.
    """
    vocabulary = Vocabulary(tokens, level=level)
    if vocabulary.pad is None:
        raise ConfigError(f"{name}: the first tokens must be {', '.join(SPECIALS)}, not {', '.join(tokens[:4])}")
    return vocabulary


def _listed(texts):
    return [texts] if isinstance(texts, str) else texts


def _characters(texts):
    found = set()
    for text in _listed(texts):
        found.update(text)
    if not found:
        raise DataError("no characters for a vocabulary: the texts are empty")
    return sorted(found)


def _check_level(level):
    if level not in LEVELS:
        raise ConfigError(f"level={level!r}: expected one of {', '.join(map(repr, LEVELS))}")


def _check_tokens(tokens, level):
    if not tokens:
        raise ConfigError("vocabulary: no tokens; give a list of them")
    for token in tokens:
        if not isinstance(token, str) or not token or (level == "character" and len(token) != 1):
            expected = "one character" if level == "character" else "a string that is not empty"
            raise ConfigError(f"vocabulary: the token {token!r} is not {expected}")
