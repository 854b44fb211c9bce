"""YAML of configurations: a safe subset is read, and written as a person would write it."""

import re

import yaml

from kerazoo.utils.errors import ConfigError
from kerazoo.utils.reading import MAX_DEPTH


class _Loader(yaml.SafeLoader):
    """YAML 1.1 reads 1e-4 as a string; here it is the number that everybody means. Nesting has an end, and `<<` is a
    word like others."""

    def __init__(self, stream):
        super().__init__(stream)
        self._depth = 0

    def compose_node(self, parent, index):
        self._depth += 1
        if self._depth > MAX_DEPTH:
            mark = self.peek_event().start_mark
            raise yaml.composer.ComposerError(None, None, f"nested deeper than {MAX_DEPTH} levels", mark)
        node = super().compose_node(parent, index)
        self._depth -= 1
        return node


_FLOAT = re.compile(r"^[-+]?(\d+\.?\d*|\.\d+)[eE][-+]?\d+$")
_Loader.yaml_implicit_resolvers = {
    first: [(tag, pattern) for tag, pattern in resolvers if tag != "tag:yaml.org,2002:merge"]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver("tag:yaml.org,2002:float", _FLOAT, list("-+.0123456789"))
MAX_VALUES = 100_000  # that a text may stand for: a few lines with aliases may stand for gigabytes
# What a value may be; YAML has dates, sets and bytes, too, which no configuration takes.
_PLAIN = (str, int, float, bool, type(None))


class _Dumper(yaml.SafeDumper):
    """Lists of numbers and words in one line; longer texts one below the other."""


def _list(dumper, values):
    short = all(isinstance(value, _PLAIN) and len(str(value)) <= 20 and " " not in str(value) for value in values)
    return dumper.represent_sequence("tag:yaml.org,2002:seq", values, flow_style=short)


_Dumper.add_representer(list, _list)
_Dumper.ignore_aliases = lambda self, data: True


def write_yaml(values):
    """A mapping as YAML text."""
    return yaml.dump(values, Dumper=_Dumper, sort_keys=False, width=118, allow_unicode=True)


def load_yaml(text):
    """A YAML text's value, of mappings with words as keys, lists, words, numbers, true, false and null.

    Raises:
        ValueError: it is something else; one line says where.
    """
    try:
        value = yaml.load(text, Loader=_Loader)
    except yaml.YAMLError as error:
        mark = getattr(error, "problem_mark", None)
        line = f"line {mark.line + 1}: " if mark else ""
        raise ValueError(f"{line}not valid YAML ({getattr(error, 'problem', None) or 'unreadable'})") from None
    except (RecursionError, OverflowError, TypeError, KeyError, AttributeError, IndexError):
        raise ValueError("not valid YAML") from None
    except ValueError as error:  # a date that is none, an integer of thousands of digits
        raise ValueError(f"not valid YAML ({str(error).split(';')[0].splitlines()[0][:100]})") from None
    for count, (inner, depth) in enumerate(_values(value)):
        if count > MAX_VALUES or depth > MAX_DEPTH:
            raise ValueError(f"stands for more than {MAX_VALUES:,} values, or for itself; write out what *aliases mean")
        if not isinstance(inner, (*_PLAIN, dict, list)):
            raise ValueError(f"{inner!r:.40} is read as a {type(inner).__name__}; put it in quotes")
    return value


def _values(value):
    """(value, depth) of everything in a value, shared parts as often as they occur; the keys are checked."""
    waiting = [(value, 0)]
    while waiting:
        inner, depth = waiting.pop()
        yield inner, depth
        if isinstance(inner, dict):
            wrong = next((key for key in inner if not isinstance(key, str)), None)
            if wrong is not None or None in inner:
                raise ValueError(f"the key {wrong!r:.40}: a word is expected")
        if isinstance(inner, (dict, list)):
            waiting += [(each, depth + 1) for each in (inner.values() if isinstance(inner, dict) else inner)]


def parse_yaml(text, where):
    """The mapping in a YAML text; `where` names the text in the error message."""
    try:
        value = load_yaml(text)
    except ValueError as error:
        raise ConfigError(f"{where}: {error}") from None
    if not isinstance(value, dict):
        raise ConfigError(f"{where}: a mapping with the key 'architecture' is expected, not {type(value).__name__}")
    return value
