"""`metrics.json` of a preset: its schema, reading and writing."""

import json
import math
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from kerazoo.utils.errors import PresetError
from kerazoo.utils.files import new_file
from kerazoo.utils.reading import parse_json, read_text

METRICS = "metrics.json"

Sha256 = Annotated[str, Field(pattern=r"^[0-9a-f]{64}$")]


class _Section(BaseModel):
    model_config = ConfigDict(extra="allow")


class Weights(_Section):
    """The weights file: its checksum and size, and those of files that the configuration attaches."""

    sha256: Sha256
    bytes: int
    files: dict[str, Sha256] = {}
    parameters: dict[str, int] = {}


class Training(_Section):
    """The training of the weights; entries that only people read may be anything."""

    steps: Annotated[int, Field(ge=0, strict=True)] = 0


class Evaluation(_Section):
    """Figures by name, and what they were measured on."""

    metrics: dict[str, Any] = {}


class Metadata(_Section):
    """All of it."""

    weights: Weights | None = None
    training: Training = Training()
    evaluation: Evaluation = Evaluation()
    exports: dict[str, dict[str, Any]] = {}


def read_metadata(folder):
    """`metrics.json` of a preset folder as a dict, empty where there is none; a `PresetError` where it is damaged."""
    path = Path(folder, METRICS)
    if not path.is_file():
        return {}
    try:
        values = parse_json(read_text(path, error=PresetError))
        Metadata.model_validate(values)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        reason = f"{where}: {first['msg'][0].lower()}{first['msg'][1:]}" if where else "not a mapping of sections"
        raise PresetError(f"{path}: damaged ({reason}); restore the file") from None
    except ValueError as error:
        told = str(error).removeprefix(f"{path}: ")
        raise PresetError(f"{path}: damaged ({told}); restore the file") from None
    return values


def write_metadata(folder, metadata):
    """Write `metrics.json` of a preset folder."""
    with new_file(Path(folder, METRICS), overwrite=True) as temporary:
        temporary.write_text(json.dumps(_finite(metadata), indent=2, allow_nan=False) + "\n", encoding="utf-8")


def _finite(value):
    """`value` with None for numbers that are not finite, which JSON does not have."""
    if isinstance(value, dict):
        return {key: _finite(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [_finite(item) for item in value]
    return None if isinstance(value, float) and not math.isfinite(value) else value
