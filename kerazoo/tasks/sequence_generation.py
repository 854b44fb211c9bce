"""Models of ones and zeros in time, such as music: piano rolls, MIDI files, and the likelihood of held-out pieces."""

from kerazoo.data.music import NUM_NOTES
from kerazoo.tasks.midi import midi_file, write_midi
from kerazoo.tasks.plots import sequence_maps
from kerazoo.utils.errors import MissingDependencyError

HEADLINES = ("nats_per_step",)  # of a card's table of exported files

NUM_STEPS = 64
# Steps of a held-out piece that a sample goes on from.
OPENING = 8


def sample(model, path, *, num=4, seed=0, data=None, scale=None, overwrite=False):
    """Write `num` sequences of 64 steps as a picture, time from left to right; of music also the last one as MIDI.

    Where `data` names a source, every second one goes on from the first 8 steps of a held-out sequence.
    """
    openings = [None]
    if data is not None and data.spec is not None:
        pieces = data.open("test").arrays["sequence"]
        openings = [None, *(piece[:OPENING] for piece in pieces[: (num + 1) // 2])]
    maps = []
    for place in range(num):
        opening = None if place % 2 == 0 else openings[min(1 + place // 2, len(openings) - 1)]
        steps = NUM_STEPS - (0 if opening is None else len(opening))
        [drawn] = model.generate(1, num_steps=steps, opening=opening, seed=seed + place)
        maps.append(("drawn" if opening is None else f"goes on from {len(opening)} steps", drawn))
    picture = sequence_maps(maps, path, scale=scale, overwrite=overwrite)
    return (picture, *_midi(maps[-1][1], path, overwrite))


def _midi(roll, path, overwrite):
    """The MIDI file of a piano roll; none of other sequences, nor where nothing can write it."""
    if roll.shape[1] != NUM_NOTES:
        return ()
    try:
        return (write_midi(roll, midi_file(path), overwrite=overwrite),)
    except MissingDependencyError:
        return ()


def evaluate(model, data, settings):
    """The likelihood of held-out sequences, each read once from its first step on.

    Args:
        model: ZooModel with `score`.
        data: Data. Its split `settings.split`.
        settings: EvaluationConfig. The first `num` sequences.

    Returns:
        dict[str, float]. `nats_per_step`, -log p of a step given those before it, summed over its features and averaged
        over all steps of all sequences, lower is better; `num_steps`, `num_sequences`.
    """
    sequences = list(data.open(settings.split).arrays["sequence"][: settings.num])
    num_steps = sum(map(len, sequences))
    nats = -model.score(sequences).astype("float64").sum()
    return {"nats_per_step": float(nats / num_steps), "num_steps": num_steps, "num_sequences": len(sequences)}
