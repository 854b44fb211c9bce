"""Vectors in time: tasks of memory, music, tables; texts of a known law; and how unequal lengths are batched."""

import itertools
import json
import math
import os
import re
import sys
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest
import tensorflow as tf

from kerazoo.base.example_spaces import VectorsInTime
from kerazoo.cli import main
from kerazoo.data import Sequences, as_dataset, from_arrays, open_source
from kerazoo.data.music import CHORALES, KEYS, LOWEST
from kerazoo.data.xml_tags import NAMES
from kerazoo.tasks.midi import write_midi
from kerazoo.utils.errors import ConfigError, DataError, MissingDependencyError, OutputError


def draw(dataset):
    return list(dataset.as_numpy_iterator())


# === Tasks of memory ===


def test_adding_asks_for_the_sum_of_the_two_marked_numbers(capsys):
    source = open_source("adding:25", split="test")
    numbers, marks = np.moveaxis(source.arrays["sequence"], -1, 0)
    assert numbers.shape == marks.shape == (1000, 25)
    assert 0 <= numbers.min() < 0.001 < 0.999 < numbers.max() < 1
    assert (marks[:, :12].sum(axis=1) == 1).all()
    assert (marks[:, 12:].sum(axis=1) == 1).all()
    assert set(np.unique(marks)) == {0, 1}
    np.testing.assert_allclose(source.arrays["target"][:, 0], (numbers * marks).sum(axis=1), rtol=1e-6)
    # Always 1: the variance of a sum of two, 1/6; within three standard errors of 1,000.
    assert np.mean((source.arrays["target"] - 1) ** 2) == pytest.approx(1 / 6, abs=0.018)
    assert not np.isin(open_source("adding:25", limit=3000).arrays["target"], source.arrays["target"]).any()
    assert main(["info", "adding:100"]) == 0
    assert capsys.readouterr().out == (
        "adding:100[train]: 50,000 sequences of 100 steps of 2, float32 0..1, with target, licence none needed "
        "(synthetic)\n"
    )


def test_copying_asks_for_the_symbols_after_the_sign():
    source = open_source("copying:7", split="test")
    codes = source.arrays["sequence"].argmax(axis=-1)
    assert (source.arrays["sequence"].sum(axis=-1) == 1).all()
    assert codes.shape == source.arrays["label"].shape == (1000, 27)
    for code, label in zip(codes, source.arrays["label"], strict=True):
        symbols = code[:10]
        assert code.tolist() == [*symbols, *6 * [0], 9, *10 * [0]]
        assert label.tolist() == [*17 * [0], *symbols]
    assert set(np.unique(codes[:, :10])) == set(range(1, 9))
    train = {row.tobytes() for row in open_source("copying:7", limit=3000).arrays["label"]}
    assert not train & {row.tobytes() for row in source.arrays["label"]}
    assert source.info.class_names == ("blank", *"abcdefgh")


def test_parity_is_that_of_all_bits():
    train, test = open_source("parity:9,num=4000"), open_source("parity:9", split="test")
    for source in (train, test):
        for bits, length, label in zip(*source.arrays.values(), strict=True):
            assert bits.shape == (length, 1)
            assert label == list(itertools.accumulate(bits[:, 0].astype(int), lambda a, b: a ^ b))[-1]
    assert train.info.class_names == ("even", "odd")
    strings = [{row.tobytes() for row in source.arrays["sequence"]} for source in (train, test)]
    assert not strings[0] & strings[1]
    assert set(train.arrays["length"]) == set(range(1, 10))
    assert np.mean(train.arrays["label"]) == pytest.approx(0.5, abs=0.03)
    assert set(open_source("parity:50,shortest=50", split="test").arrays["length"]) == {50}


def test_ahead_has_the_next_bit_as_class():
    source = open_source("ahead:12,shortest=8,num=200")
    for bits, label in zip(source.arrays["sequence"], source.arrays["label"], strict=True):
        assert label.tolist() == [*bits[1:, 0], 0]
    assert set(source.arrays["length"]) == set(range(8, 13))
    (batch,) = draw(source.batches(20, num_steps=1))
    assert batch["label"].shape == batch["sequence"].shape[:2]


@pytest.mark.parametrize(
    ("spec", "digest"),
    [
        ("adding:10", "0e4f05b3e5f2"),
        ("copying:5", "b45a9fcf70b1"),
        ("parity:20", "e41a97221297"),
        ("arithmetic:3", "3a6804444b0c"),
        ("xml:4", "efaeea169ecf"),
        ("chorale", "c442b7c5ef40"),
    ],
)
def test_examples_are_the_same_everywhere(spec, digest):
    source = open_source(spec, split="test")
    assert source.fingerprint()[:12] == digest
    assert open_source(spec, split="test", limit=3).fingerprint() == source.take(3).fingerprint()
    if spec != "chorale":
        assert open_source(f"{spec},num=3", split="test").fingerprint() == source.take(3).fingerprint()


@pytest.mark.parametrize(("scheme", "shape"), [("rows", (8, 8)), ("pixels", (64, 1))])
def test_images_are_read_by_rows_or_pixel_by_pixel(scheme, shape):
    images, source = open_source("digits", split="test"), open_source(f"{scheme}:digits", split="test")
    assert source.info.shapes == {"sequence": shape, "label": ()}
    assert source.info.class_names == images.info.class_names
    np.testing.assert_array_equal(source.arrays["label"], images.arrays["label"])
    found = source.arrays["sequence"].reshape(images.arrays["image"].shape)
    np.testing.assert_allclose(found, images.arrays["image"] / np.float32(255), atol=1e-6)
    assert source.arrays["sequence"].dtype == np.float32
    with pytest.raises(DataError, match="verse has no images of one size"):
        open_source(f"{scheme}:verse")


# === Texts of a known law ===


def test_arithmetic_is_right_behind_its_letters():
    source = open_source("arithmetic:3", split="test")
    problems, letters = set(), 0
    for text in source.arrays["text"]:
        question, answer = re.fullmatch(r"(\d[\da-z]*[+-][\da-z]*=)(-?\d+)\.", text).groups()
        problem = re.sub("[a-z]", "", question[:-1])
        first, second = re.split("[+-]", problem)
        assert int(answer) == int(first) + int(second) * (1 if "+" in problem else -1)
        assert first == str(int(first))
        assert max(len(first), len(second)) <= 3
        problems.add(problem)
        letters += len(re.sub("[^a-z]", "", question)) / (len(problem))
    assert letters / len(source) == pytest.approx(1, abs=0.05)  # between two characters, on average
    train = {re.sub("[a-z]", "", text).split("=")[0] for text in open_source("arithmetic:3", limit=5000).arrays["text"]}
    assert not problems & train
    for text, place in zip(source.arrays["text"], source.arrays["answer"], strict=True):
        assert text[place:] == text.split("=")[1]
    assert set("".join(open_source("arithmetic:9", limit=500).arrays["text"])) == set(
        "abcdefghijklmnopqrstuvwxyz0123456789+-=."
    )


def nats_of(text, depth, cost):
    """-log p of a text under the grammar, read tag by tag."""
    nats, opened = 0.0, 0
    for place, (slash, name) in enumerate(re.findall(r"<(/?)(\w+)>", text)):
        if place and opened < depth:
            nats += math.log(2)
        nats += 0 if slash else cost(name)
        opened += -1 if slash else 1
    return nats + math.log(2)


@pytest.mark.parametrize("names", ["3", "random"])
def test_xml_is_nested_and_has_the_entropy_of_its_grammar(names):
    depth = 4
    source = open_source(f"xml:{depth},names={names}", split="test")
    costs = {"3": lambda name: math.log(3), "random": lambda name: math.log(9) + len(name) * math.log(26)}
    found, tags, deepest = set(), [], 0
    for text, nats in zip(source.arrays["text"], source.arrays["nats"], strict=True):
        tree = ElementTree.fromstring(f"<all>{text}</all>")
        assert text.endswith(">\n")
        assert "\n" not in text[:-1]
        assert nats == pytest.approx(nats_of(text, depth, costs[names]), rel=1e-5)
        found |= {element.tag for element in tree.iter()} - {"all"}
        tags.append(sum(1 for _ in tree.iter()) - 1)
        steps = np.cumsum([-1 if slash else 1 for slash in re.findall(r"<(/?)", text)])
        deepest = max(deepest, steps.max())
    assert deepest == depth
    # A text has 2 roots on average, and a tag `depth` tags with all within it, itself included.
    assert np.mean(tags) == pytest.approx(2 * depth, rel=0.15)
    if names == "random":
        assert {len(name) for name in found} == set(range(2, 11))
    else:
        assert found == set(NAMES[:3])
        assert np.mean(source.arrays["nats"]) == pytest.approx(expected_nats(depth, 3), rel=0.1)
    assert f"at best {source.arrays['nats'].sum() / len(''.join(source.arrays['text'])):.4f} nats" in str(source)


def expected_nats(depth, names):
    """The entropy of a text: of each name, and of each choice whether to open, to close or to end."""
    below = 0.0  # of all from an open tag on to its closing
    for level in range(depth):
        # On the lowest level there is nothing to choose; above it, two choices on average, of which one opens a tag.
        below = math.log(names) + (0 if level == 0 else 2 * math.log(2) + below)
    return 2 * below + 2 * math.log(2)  # two roots on average; the first one is certain


# === Music ===


def test_music_of_a_file(tmp_path):
    pieces = {"train": [[[60, 64], [], [21]], [[108]]], "valid": [[[60]]], "test": [[[61, 61]]]}
    path = tmp_path / "a.json"
    path.write_text(json.dumps(pieces))
    source = open_source(f"music:{path}")
    assert [np.argwhere(roll).tolist() for roll in source.arrays["sequence"]] == [[[0, 39], [0, 43], [2, 0]], [[0, 87]]]
    assert source.arrays["length"].tolist() == [3, 1]
    assert [len(open_source(f"music:{path}", split=split)) for split in ("valid", "validation", "all")] == [1, 1, 4]
    assert open_source(f"music:{path}", split="test").arrays["sequence"][0].sum() == 1
    assert (
        str(source) == f"music:{path}[train]: 2 sequences of 1 to 3 steps of 88, float32 0..1, licence the user's own"
    )
    with pytest.raises(DataError, match="has no split 'dev': it has train, valid, test, all"):
        open_source(f"music:{path}", split="dev")
    path.write_text(json.dumps([[[60 + index]] for index in range(20)]))
    assert [np.argmax(roll) + LOWEST for roll in open_source(f"music:{path}", split="test").arrays["sequence"]] == [
        69,
        79,
    ]
    assert len(open_source(f"music:{path}")) == 18


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ('{"train": [[[60', r"a\.json is not JSON \(Expecting ',' delimiter: line 1 column 16"),
        ("[" * 100_000, r"a\.json is not JSON"),
        ("", "is not JSON"),
        ("3", r"a list of pieces, or one for each split, \{\"train\": "),
        ("{}", "a list of pieces, or one for each split"),
        ("[]", r"a\.json: it is a list without entries where a list of pieces is expected"),
        ('{"train": []}', "train is a list without entries where a list of pieces is expected"),
        ('{"train": {"a": 1}}', "train is an object where a list of pieces"),
        ('{"train": [[[60]], []]}', r"train\[1\] is a list without entries where a list of steps"),
        ('{"train": [[60, 62]]}', r"train\[0\]\[0\] is 60 where a list of notes is expected"),
        ('{"train": [[[60], [60, 109]]]}', r"train\[0\]\[1\] has 109 where notes are whole numbers from 21 to 108"),
        ('{"train": [[[20]]]}', r"train\[0\]\[0\] has 20 where"),
        ('{"train": [[[NaN]]]}', r"train\[0\]\[0\] has NaN where"),
        ('{"train": [[[60.5]]]}', "has 60.5 where"),
        ('{"train": [[[true]]]}', "has true where"),
        ('{"train": [[["C4"]]]}', 'has "C4" where'),
    ],
)
def test_wrong_music(tmp_path, text, message):
    (tmp_path / "a.json").write_text(text)
    with pytest.raises(DataError, match=message) as caught:
        open_source(f"music:{tmp_path / 'a.json'}")
    assert "\n" not in str(caught.value)
    assert len(str(caught.value)) < 400


JSB = "jsb/jsb-chorales-quarter.json"


@pytest.mark.skipif(
    not Path(os.environ.get("KERAZOO_DATA_DIR", ""), JSB).is_file(), reason=f"needs KERAZOO_DATA_DIR with {JSB}"
)
def test_jsb_chorales():
    parts = {split: open_source(f"music:{JSB}", split=split) for split in ("train", "valid", "test")}
    steps = {split: int(source.arrays["length"].sum()) for split, source in parts.items()}
    assert {split: len(source) for split, source in parts.items()} == {"train": 229, "valid": 76, "test": 77}
    assert steps == {"train": 13_807, "valid": 4_602, "test": 4_725}
    train, test = (np.concatenate(parts[split].arrays["sequence"]) for split in ("train", "test"))
    # Each note by itself, whatever came before.
    p = (train.sum(axis=0, dtype=np.float64) + 1) / (len(train) + 2)
    nats = -(test * np.log(p) + (1 - test) * np.log1p(-p)).sum(axis=1).mean()
    assert nats == pytest.approx(11.06, abs=0.01)


def pitch(note):
    """The number of a note by its frequency, 440 Hz for A4, in equal temperament."""
    semitones = ["C", "C#", "D", "D#", "E", "F", "F#", "G", "G#", "A", "A#", "B"].index(note[:-1])
    frequency = 440 * 2 ** (int(note[-1]) - 4 + (semitones - 9) / 12)
    return round(69 + 12 * math.log2(frequency / 440))


def test_the_chorale_is_in_four_voices_that_do_not_run_in_parallel():
    parts = {split: open_source("chorale", split=split) for split in (*KEYS, "all")}
    assert {split: len(source) for split, source in parts.items()} == {
        "train": 16,
        "validation": 4,
        "test": 4,
        "all": 24,
    }
    assert sorted(key for keys in KEYS.values() for key in keys) == list(range(-5, 7))
    rolls = parts["all"].arrays["sequence"]
    assert len({roll.tobytes() for roll in rolls}) == 24
    home = 2 * KEYS["train"].index(0)
    for roll, voices in zip(parts["train"].arrays["sequence"][home : home + 2], CHORALES, strict=True):
        voices = np.array([[pitch(note) for note in voice.split()] for voice in voices]).T
        assert (np.diff(voices, axis=1) <= 0).all()  # none crosses another
        for step, notes in zip(roll, voices, strict=True):
            assert (np.flatnonzero(step) + LOWEST).tolist() == sorted(set(notes))
        for column, (low, high) in enumerate(((60, 81), (55, 76), (48, 69), (40, 60))):
            assert low <= voices[:, column].min() <= voices[:, column].max() <= high
        for above, below in itertools.combinations(range(4), 2):
            gap = (voices[:, above] - voices[:, below]) % 12
            moved = (np.diff(voices[:, above]) != 0) & (np.diff(voices[:, below]) != 0)
            assert not (moved & np.isin(gap[1:], (0, 7)) & (gap[1:] == gap[:-1])).any()


def test_a_piano_roll_as_midi(tmp_path):
    mido = pytest.importorskip("mido")
    roll = open_source("chorale", split="test").arrays["sequence"][0].copy()
    roll[5] = 0  # a rest
    roll[-2:] = 0
    path = write_midi(roll, tmp_path / "a.png", beats_per_minute=120)
    assert path == tmp_path / "a.mid"
    file = mido.MidiFile(path)
    assert file.length == pytest.approx(len(roll) / 2)
    read, step, sounding = np.zeros_like(roll), 0, set()
    for message in file.tracks[0]:
        beats, rest = divmod(message.time, file.ticks_per_beat)
        assert rest == 0
        for _ in range(beats):
            read[step, sorted(sounding)] = 1
            step += 1
        if message.type == "note_on":
            sounding.add(message.note - LOWEST)
        elif message.type == "note_off":
            sounding.remove(message.note - LOWEST)
    np.testing.assert_array_equal(read, roll)
    again = path.read_bytes()
    with pytest.raises(OutputError, match="exists already"):
        write_midi(roll, path)
    assert write_midi(roll, path, beats_per_minute=120, overwrite=True).read_bytes() == again
    for wrong in (roll[0], roll[:, :5], roll[:0], roll * 0.5):
        with pytest.raises(DataError, match=r"ones and zeros of shape \(steps, 88\) are expected"):
            write_midi(wrong, tmp_path / "b.mid")
    with pytest.raises(ConfigError, match="beats_per_minute = 0"):
        write_midi(roll, tmp_path / "b.mid", beats_per_minute=0)


def test_without_mido_there_is_one_line(monkeypatch, tmp_path):
    monkeypatch.setitem(sys.modules, "mido", None)
    with pytest.raises(MissingDependencyError, match=r"MIDI files need mido: pip install 'kerazoo\[music\]'"):
        write_midi(np.zeros((2, 88)), tmp_path / "a.mid")


# === Tables in time ===

TABLE = "name,hour,x,y,kind,next\n" + "".join(
    f"{name},{hour},{hour + 0.5},{100 + hour},{'odd' if name == 'b' else 'even'},{hour * 2}\n"
    for hour in range(5)
    for name in ("b", "a", "c")
    if (name, hour) != ("a", 4)
)


@pytest.fixture
def table(tmp_path):
    (tmp_path / "a.csv").write_text(TABLE)
    return f"csv:{tmp_path / 'a.csv'}"


def test_a_row_of_a_table_is_a_step(table):
    source = open_source(f"{table},sequence=name,label=kind,target=next", split="all")
    assert source.arrays["length"].tolist() == [5, 4, 5]  # b, a, c
    assert source.arrays["sequence"][1].tolist() == [[hour, hour + 0.5, 100 + hour] for hour in range(4)]
    assert source.arrays["label"].tolist() == [1, 0, 0]
    assert source.info.class_names == ("even", "odd")
    assert source.arrays["target"][1].tolist() == [[0], [2], [4], [6]]
    source = open_source(
        f"{table},sequence=name,window=2,target=kind".replace("target=kind", "label=kind"), split="all"
    )
    assert source.arrays["length"].tolist() == [2, 2, 1, 2, 2, 2, 2, 1]


def test_a_table_without_names_is_cut_into_windows(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("x,label\n" + "".join(f"{index},{index // 10}\n" for index in range(98)))
    source = open_source(f"csv:{path},window=5", split="all")
    assert source.arrays["length"].tolist() == [5] * 19 + [3]
    assert np.concatenate(source.arrays["sequence"]).ravel().tolist() == list(range(98))
    assert source.arrays["label"].tolist() == [index // 2 for index in range(20)]
    assert len(open_source(f"csv:{path},window=5")) == 18
    steps = open_source(f"csv:{path},window=12", split="all").arrays["label"]
    assert np.concatenate(steps).tolist() == [index // 10 for index in range(98)]  # a label of each step
    points = open_source(f"csv:{path},target=label", split="all")
    assert points.arrays["target"].shape == (98, 1)
    assert points.info.kind == "points"


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ("sequence=who,label=kind", r"has no column 'who' \(it has: name, hour, x"),
        ("window=0,label=kind", "window = 0: an integer of at least 1 is expected"),
        ("window=x,label=kind", "window = 'x': an integer"),
        ("sequence=hour,label=kind", "line 2, column 'name': 'b' is not a number"),
        ("steps=3", "no option 'steps': it takes label=COLUMN, target=COLUMN, sequence=COLUMN, window=STEPS"),
    ],
)
def test_wrong_tables_in_time(table, options, message):
    with pytest.raises(DataError, match=message) as caught:
        open_source(f"{table},{options}")
    assert "\n" not in str(caught.value)


def test_gaps_in_tables(tmp_path):
    path = tmp_path / "a.csv"
    path.write_text("name,x\na,1\n,2\n")
    with pytest.raises(DataError, match="line 3 has no name"):
        open_source(f"csv:{path},sequence=name")
    path.write_text("name,x\na,1\na,nan\n")
    with pytest.raises(DataError, match="line 3, column 'x': 'nan' is not a number"):
        open_source(f"csv:{path},sequence=name")
    path.write_text("name,label\na,1\n")
    with pytest.raises(DataError, match="has no column of numbers besides 'name' and 'label'"):
        open_source(f"csv:{path},sequence=name")


# === Sequences of unequal length ===


def numbered(size=200, seed=0):
    """Sequences whose every value is their own number, as are their label and the labels of their steps."""
    lengths = np.random.default_rng(seed).integers(1, 40, size)
    return Sequences(
        {
            "sequence": [np.full((length, 2), index + 1) for index, length in enumerate(lengths)],
            "label": np.arange(size) + 1,
            "places": [np.full(length, index + 1) for index, length in enumerate(lengths)],
        }
    )


def test_batches_are_padded_behind_and_say_how_long_each_is():
    source = numbered()
    batches = draw(source.batches(16, num_steps=source.num_batches(16)))
    spec = source.batches(16).element_spec
    assert spec["sequence"].shape.as_list() == [16, None, 2]
    assert [spec[key].shape.as_list() for key in ("length", "label", "places")] == [[16], [16], [16, None]]
    for batch in batches:
        inside = np.arange(batch["sequence"].shape[1]) < batch["length"][:, None]
        assert batch["sequence"].shape[1] == batch["length"].max()
        np.testing.assert_array_equal(batch["places"], inside * batch["label"][:, None])
        np.testing.assert_array_equal(batch["sequence"], batch["places"][..., None].repeat(2, axis=-1))
        np.testing.assert_array_equal(batch["length"], source.arrays["length"][batch["label"] - 1])
    drawn = np.concatenate([batch["label"] for batch in batches])
    assert len(set(drawn)) == len(drawn) == 192
    assert [batch["label"].tolist() for batch in draw(source.batches(16, start_step=5, num_steps=7))] == [
        batch["label"].tolist() for batch in batches[5:]
    ]
    padding = 1 - source.arrays["length"].sum() / 200 / 39
    assert np.mean([1 - batch["length"].mean() / batch["length"].max() for batch in batches]) < 0.3 * padding


def test_one_pass_parts_and_samples_keep_what_belongs_together():
    source = numbered(23)
    assert np.concatenate([batch["label"] for batch in draw(source.epoch(10))]).tolist() == list(range(1, 24))
    part = source.select(np.array([4, 2]))
    assert isinstance(part, Sequences)
    assert [row[0, 0] for row in part.arrays["sequence"]] == part.arrays["label"].tolist() == [5, 3]
    assert [len(one) for one in source.split_last(0.2)] == [18, 5]
    assert source.fingerprint() != numbered(23, seed=1).fingerprint()
    sample = source.sample(5, seed=3)
    assert sample["sequence"].shape == (5, sample["length"].max(), 2)
    assert (sample["sequence"][:, 0, 0] == sample["label"]).all()


def test_lists_of_unequal_length_are_data(capsys):
    rows = [[[1.0], [2.0]], [[3.0]], [[4.0], [5.0], [6.0]]]
    for data in (rows, {"sequence": rows, "label": [0, 1, 0]}, (rows, np.array([0, 1, 0]))):
        (batch,) = draw(as_dataset(data, key="sequence", training=False)[0])
        assert batch["sequence"][..., 0].tolist() == [[1, 2, 0], [3, 0, 0], [4, 5, 6]]
        assert batch["length"].tolist() == [2, 1, 3]
    padded = {"sequence": np.zeros((2, 3, 1)), "length": np.array([3, 1])}
    assert [row.shape for row in Sequences(padded).arrays["sequence"]] == [(3, 1), (1, 1)]
    assert from_arrays(padded).info.kind == "sequence"


@pytest.mark.parametrize(
    ("arrays", "message"),
    [
        ({"sequence": []}, "no sequences"),
        ({}, "no sequences"),
        ({"sequence": [[[1.0]], np.zeros((0, 1))]}, r"sequence 1 of shape \(0, 1\) .* where numbers of shape"),
        ({"sequence": [[1.0, 2.0]]}, r"sequence 0 of shape \(2,\)"),
        ({"sequence": [[[1.0], [1.0, 2.0]]]}, "sequence 0 cannot be made an array"),
        ({"sequence": [[["a"]]]}, "sequence 0 of shape .* and type <U1"),
        ({"sequence": [[[1.0]], [[1.0], [np.nan]]]}, "sequence 1 has a value that is not finite, in step 1"),
        ({"sequence": [[[1.0]], [[1.0, 2.0]]]}, "sequence 1 has 2 numbers a step where sequence 0 has 1"),
        ({"sequence": [[[1.0]]], "label": [1, 2]}, "label has 2 values for 1 sequences"),
        ({"sequence": [[[1.0]]], "label": ["a"]}, "label: numbers are expected"),
        ({"sequence": [[[1.0]]], "places": [[1, 2]]}, r"places 0 of shape \(2,\) where its sequence has 1 steps"),
        ({"sequence": [[[1.0]]], "length": [2]}, "length from 2 to 2 where sequences have 1 steps"),
        ({"sequence": [[[1.0]]], "length": [0]}, "length from 0 to 0"),
        ({"sequence": [[[1.0]]], "length": [0.5]}, r"length of type float64 and shape \(1,\): integers, one for each"),
    ],
)
def test_wrong_sequences(arrays, message):
    with pytest.raises(DataError, match=message) as caught:
        Sequences(arrays)
    assert "\n" not in str(caught.value)


def test_the_space_of_vectors_in_time():
    space = VectorsInTime((None, 2))
    good = {"sequence": np.zeros((3, 4, 2), "float32"), "length": np.array([4, 1, 2])}
    space.check(good)
    space.check({"sequence": good["sequence"]})
    assert space.mask({"sequence": good["sequence"]}) is None
    mask = space.mask({key: tf.constant(value) for key, value in good.items()})
    assert mask.numpy().astype(int).tolist() == [[1, 1, 1, 1], [1, 0, 0, 0], [1, 1, 0, 0]]
    for wrong, message in (
        ({"sequence": np.zeros((3, 4, 3), "float32")}, r"sequence of shape \(4, 3\) where the model takes \(None, 2\)"),
        ({"sequence": np.zeros((4, 2), "float32")}, "without a batch axis"),
        ({"sequence": np.zeros((3, 0, 2), "float32")}, "sequences have at least one step"),
        ({"sequence": np.full((3, 4, 2), np.nan, "float32")}, "not finite, in 3 of 3 examples"),
        ({"sequence": np.zeros((0, 4, 2), "float32")}, "no examples"),
        ({"image": good["sequence"]}, "has no entry 'sequence'"),
        (good | {"length": np.array([4, 1])}, "integers, one for each of 3 sequences"),
        (good | {"length": np.array([5, 1, 1])}, "length from 1 to 5 where sequences have 4 steps"),
    ):
        with pytest.raises(DataError, match=message):
            space.check(wrong)


@pytest.mark.parametrize(
    ("spec", "arguments", "message"),
    [
        ("adding", {}, "'adding' does not say which: write adding:T"),
        ("adding:x", {}, "adding:x: T = 'x': an integer from 2 to 10000 is expected"),
        ("adding:1", {}, "T = 1: an integer from 2 to 10000"),
        ("adding:99999999999999999999", {}, "T = '99999999999999999999': an integer"),
        ("adding:10", {"split": "dev"}, "adding:10 has no split 'dev': it has train, test"),
        ("adding:10,num=0", {}, "num = 0: an integer of at least 1"),
        ("adding:10,size=3", {}, "no option 'size': it takes num=NUMBER"),
        ("adding:10", {"image_shape": (8, 8, 1)}, "adding:10 holds sequences where images of shape"),
        ("copying:0", {}, "T = 0: an integer from 1"),
        ("parity:-3", {}, "LENGTH = '-3': an integer from 5"),
        ("parity:20,shortest=21", {}, "shortest = 21: an integer from 1 to 20"),
        ("arithmetic:16", {}, "DIGITS = 16: an integer from 1 to 15"),
        ("xml:0", {}, "DEPTH = 0: an integer from 1 to 100"),
        ("xml:3,names=17", {}, "names = 17: an integer from 1 to 16"),
        ("xml:3,names=words", {}, "names = 'words': an integer from 1 to 16"),
        ("chorale:3", {}, "nothing may follow chorale"),
        ("chorale", {"split": "dev"}, "it has train, validation, test, all"),
        ("music:nothing.json", {}, "no such file"),
        ("parity:9", {"augment": "flip"}, "parity:9 holds sequence: only images can be augmented"),
    ],
)
def test_wrong_specs(spec, arguments, message):
    with pytest.raises(DataError, match=message) as caught:
        open_source(spec, **arguments)
    assert "\n" not in str(caught.value)
