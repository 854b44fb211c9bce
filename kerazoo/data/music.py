"""Music as notes that sound or do not: `music:PATH`, pieces in JSON, and `chorale`, a few bars that need no file."""

import json

import numpy as np

from kerazoo.data.paths import find_path, printable
from kerazoo.data.schemes import source
from kerazoo.data.sequences import Sequences
from kerazoo.data.splits import hold_out
from kerazoo.data.text import read_text
from kerazoo.utils.errors import DataError

LOWEST, NUM_NOTES = 21, 88  # the keys of a piano, as MIDI numbers them
_HIGHEST = LOWEST + NUM_NOTES - 1
_SPLITS = {"valid": "validation", "val": "validation"}

# Soprano, alto, tenor and bass of two chorales, a note a beat.
CHORALES = (
    (
        "C5 B4 C5 D5 E5 D5 C5 C5 E5 F5 G5 E5 F5 D5 C5 B4 C5 B4 A4 G4 A4 B4 C5 E5 F5 E5 D5 C5 D5 B4 C5 C5",
        "G4 G4 E4 F4 G4 G4 G4 G4 C5 A4 G4 A4 A4 G4 E4 G4 E4 G4 A4 E4 D4 D4 E4 A4 A4 G4 G4 E4 F4 F4 E4 E4",
        "E4 D4 A3 A3 C4 B3 E4 E4 G4 F4 C4 C4 D4 B3 C4 D4 C4 D4 A3 C4 A3 G3 G3 C4 C4 C4 B3 A3 A3 G3 G3 G3",
        "C3 G2 A2 F2 C3 G2 C3 C3 C3 D3 E3 A3 F3 G3 A3 G3 A3 G3 F3 C3 F2 G2 C3 A2 F2 C3 G2 A2 F2 G2 C3 C3",
    ),
    (
        "A4 B4 C5 D5 E5 D5 C5 C5 E5 F5 E5 D5 C5 B4 A4 G#4 A4 C5 D5 C5 B4 A4 G#4 A4",
        "E4 E4 E4 G4 G4 G4 G4 G4 A4 F4 G4 G4 E4 E4 E4 E4 C4 F4 F4 E4 E4 E4 E4 E4",
        "C4 B3 A3 B3 C4 B3 E4 E4 C4 A3 C4 B3 A3 G#3 C4 B3 A3 A3 A3 A3 B3 C4 D4 C4",
        "A2 G#2 A2 G2 C3 G2 C3 C3 A2 D3 C3 G2 A2 E2 A2 E2 F2 A2 D3 A2 G#2 A2 E2 A2",
    ),
)
_STEPS_OF_SCALE = {"C": 0, "D": 2, "E": 4, "F": 5, "G": 7, "A": 9, "B": 11}
# Split -> by how many semitones the chorales are moved.
KEYS = {"train": (-5, -4, -1, 0, 1, 4, 5, 6), "validation": (-3, 2), "test": (-2, 3)}


@source("music", "PATH")
def open_music(request):
    """Open pieces of music in JSON: a list of pieces, each a list of steps, each a list of the notes that sound in it.

    Notes are numbered as in MIDI, from 21 to 108, and a step without notes is a rest. The file holds such a list for
    each split, {"train": [...], "valid": [...], "test": [...]}, as those of the JSB chorales do, or one list.

    Args:
        request: a `Request`. Splits: those of the file, "validation" or "valid" alike, and "all"; of one list, "test"
            is every tenth piece, "train" the others.

    Returns:
        A `Sequences` of {"sequence": float32 `(steps, 88)`, ones and zeros, note 21 first, "length"}.

    Raises:
        DataError: there is no such file, it is not such JSON, a piece has no steps, or a note is out of range; the line
            names the place, train[3][5] for the sixth step of the fourth piece.

    Source: Boulanger-Lewandowski, Bengio and Vincent 2012, arXiv:1206.6392 (the data, and their splits).
    """
    request.refuse_images("music")
    path = find_path(request, request.argument, folders=False)
    owner = f"{request.spec}: {printable(path)}"
    try:
        content = json.loads(read_text(request, path))
    except (ValueError, RecursionError) as error:
        raise DataError(f"{owner} is not JSON ({error})") from error
    if isinstance(content, list):
        return hold_out(request, _source(request, _rolls(owner, "", content)))
    if not isinstance(content, dict) or not content:
        raise DataError(f'{owner}: a list of pieces, or one for each split, {{"train": [...], ...}}, is expected')
    parts = {_SPLITS.get(name, name): (name, pieces) for name, pieces in content.items()}
    wanted = _SPLITS.get(request.split, request.split)
    if wanted not in parts and wanted != "all":
        raise request.no_split([*(name for name, _ in parts.values()), "all"])
    chosen = parts.values() if wanted == "all" else [parts[wanted]]
    return _source(request, [roll for name, pieces in chosen for roll in _rolls(owner, printable(name), pieces)])


@source("chorale")
def open_chorale(request):
    """Open two short chorales for four voices, written for kerazoo, in all twelve keys; needs no files.

    Args:
        request: a `Request`. Splits: "train" has eight keys, "validation" and "test" have two others each, "all" every
            one.

    Returns:
        A `Sequences` like that of `music:PATH`, of 32 and 24 beats.
    """
    request.refuse_images("music")
    keys = {**KEYS, "all": sorted(key for keys in KEYS.values() for key in keys)}
    if request.split not in keys:
        raise request.no_split(keys)
    pieces = [np.array([list(map(_pitch, voice.split())) for voice in voices]).T for voices in CHORALES]
    rolls = [_roll(piece + key) for key in keys[request.split] for piece in pieces]
    return _source(request, rolls, licence="Apache-2.0 (written for kerazoo)")


def _source(request, rolls, **details):
    return Sequences({"sequence": rolls}, name=request.spec, split=request.split, **details)


def _rolls(owner, place, pieces):
    """Return the piano rolls of a list of pieces; `place` is its name in the file."""
    if not isinstance(pieces, list) or not pieces:
        raise DataError(f"{owner}: {place or 'it'} is {_kind(pieces)} where a list of pieces is expected")
    for number, piece in enumerate(pieces):
        _check_piece(owner, f"{place}[{number}]", piece)
    return [_roll(piece) for piece in pieces]


def _check_piece(owner, place, piece):
    if not isinstance(piece, list) or not piece:
        raise DataError(f"{owner}: {place} is {_kind(piece)} where a list of steps is expected")
    for step, notes in enumerate(piece):
        if not isinstance(notes, list):
            raise DataError(f"{owner}: {place}[{step}] is {_kind(notes)} where a list of notes is expected")
        for note in notes:
            if type(note) is not int or not LOWEST <= note <= _HIGHEST:
                raise DataError(
                    f"{owner}: {place}[{step}] has {_kind(note)} where notes are whole numbers from {LOWEST} to "
                    f"{_HIGHEST}"
                )


def _kind(value):
    """The words for what stands in a file in the wrong place."""
    if isinstance(value, (list, dict)):
        return f"{'a list' if isinstance(value, list) else 'an object'}{'' if value else ' without entries'}"
    return f"{json.dumps(value):.40}"


def _roll(piece):
    """Return the piano roll of the notes of each step, float32 `(steps, 88)`."""
    roll = np.zeros((len(piece), NUM_NOTES), np.float32)
    for step, notes in enumerate(piece):
        roll[step, np.array(notes, np.int64) - LOWEST] = 1
    return roll


def _pitch(name):
    """Return the MIDI number of a note, 60 for "C4"."""
    return 12 * (int(name[-1]) + 1) + _STEPS_OF_SCALE[name[0]] + name.count("#")
