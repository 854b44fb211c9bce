"""Long lists in a configuration (vocabularies): kept as JSON files beside `config.yaml`, which names them.

`vocabulary: file:vocabulary.json` under `model` stands for the list in that file.
"""

import json
from pathlib import Path

from kerazoo.base.arguments import LONGEST_INLINE
from kerazoo.utils.errors import ConfigError
from kerazoo.utils.reading import parse_json, read_text

PREFIX = "file:"


def read_attachments(arguments, folder):
    """Model arguments with each `file:NAME` replaced by the list in that file of `folder`.

    Raises:
        ConfigError: the file is missing, lies elsewhere, or holds no JSON list.
    """
    resolved = dict(arguments)
    for key, file in attached_files(arguments).items():
        path = Path(folder, file)
        if Path(file).name != file:
            raise ConfigError(f"model.{key} = {PREFIX}{file}: a file beside config.yaml is expected, without a folder")
        try:
            resolved[key] = parse_json(read_text(path, error=ConfigError))
        except ValueError as error:
            told = str(error).removeprefix(f"{path}: ")
            raise ConfigError(f"{path}: cannot be read as a JSON list ({told}); restore the file") from None
        if not isinstance(resolved[key], list):
            raise ConfigError(f"{path}: a JSON list is expected, not {type(resolved[key]).__name__}")
    return resolved


def write_attachments(arguments, folder):
    """Write long lists among model arguments into files of `folder`; returns the arguments that name them."""
    short = dict(arguments)
    for key, value in arguments.items():
        if isinstance(value, (list, tuple)) and len(value) > LONGEST_INLINE:
            file = f"{key}.json"
            text = json.dumps(list(value), ensure_ascii=False, indent=0)
            Path(folder, file).write_text(text + "\n", encoding="utf-8")
            short[key] = PREFIX + file
    return short


def attached_files(arguments):
    """Argument -> file name, of the arguments that name a file."""
    named = {key: value for key, value in arguments.items() if isinstance(value, str) and value.startswith(PREFIX)}
    return {key: value.removeprefix(PREFIX) for key, value in named.items()}
