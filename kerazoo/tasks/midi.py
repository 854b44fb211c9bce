"""Piano rolls as MIDI files."""

from pathlib import Path

import numpy as np

from kerazoo.data.music import LOWEST, NUM_NOTES
from kerazoo.tasks.formats import FORMATS
from kerazoo.utils.checks import check_number
from kerazoo.utils.errors import DataError, MissingDependencyError
from kerazoo.utils.files import new_file

_SUFFIXES = (".mid", ".midi")
_TICKS = 480  # of a beat
_VELOCITY = 64


def midi_file(path):
    """The MIDI file that goes with a picture: `path` with `.mid` in place of a picture's suffix, or behind its name.

    Args:
        path: str or Path. As for `kerazoo.tasks.formats.picture_file`, or with a suffix of MIDI files.

    Returns:
        Path.

    Example:
        >>> midi_file("samples.png").name, midi_file("samples").name, midi_file("samples.midi").name
        ('samples.mid', 'samples.mid', 'samples.midi')
    """
    path = Path(path)
    if path.suffix.lower() in _SUFFIXES:
        return path
    return path.with_suffix(".mid") if path.suffix.lower() in FORMATS else path.with_name(f"{path.name}.mid")


def write_midi(roll, path, *, beats_per_minute=90.0, overwrite=False):
    """Write a piano roll as a MIDI file of one track, whole or not at all; a step is a beat.

    A note that sounds in several steps in a row is held, since a piano roll does not tell whether it is struck again.

    Args:
        roll: array. Shape `(steps, 88)`, ones and zeros, the note 21 first, as `music:PATH` has it.
        path: str or Path. As for `midi_file`.
        beats_per_minute: float. Defaults to 90.
        overwrite: bool. Whether an existing file may be replaced. Defaults to False.

    Returns:
        Path. The file.

    Raises:
        DataError: another shape, or values that are neither 0 nor 1.
        ConfigError: no beats a minute.
        OutputError: the file exists or cannot be written.
        MissingDependencyError: mido is not installed.

    Example:
        >>> chorale = kerazoo.data.open_source("chorale").arrays["sequence"][0]
        >>> write_midi(chorale, "chorale.mid").name  # doctest: +SKIP
        'chorale.mid'
    """
    try:
        import mido
    except ImportError:
        raise MissingDependencyError("MIDI files need mido: pip install 'kerazoo[music]'") from None
    roll = np.asarray(roll)
    if roll.ndim != 2 or roll.shape[1] != NUM_NOTES or not len(roll) or not np.isin(roll, (0, 1)).all():
        raise DataError(
            f"a piano roll of shape {roll.shape}: ones and zeros of shape (steps, {NUM_NOTES}) are expected"
        )
    beats_per_minute = check_number("beats_per_minute", beats_per_minute, above=True)
    track = mido.MidiTrack([mido.MetaMessage("set_tempo", tempo=mido.bpm2tempo(beats_per_minute))])
    silence = np.zeros((1, NUM_NOTES), int)
    changes = np.diff(np.concatenate([silence, roll.astype(int), silence]), axis=0)
    last = 0
    for step, change in enumerate(changes):
        for kind, sign in (("note_off", -1), ("note_on", 1)):
            for note in np.flatnonzero(change == sign):
                wait, last = (step - last) * _TICKS, step
                track.append(mido.Message(kind, note=int(note) + LOWEST, velocity=_VELOCITY, time=wait))
    track.append(mido.MetaMessage("end_of_track", time=(len(roll) - last) * _TICKS))
    file = midi_file(path)
    with new_file(file, overwrite=overwrite) as temporary:
        mido.MidiFile(type=0, ticks_per_beat=_TICKS, tracks=[track]).save(temporary)
    return file
