"""Translation as a task: its samples and its figures."""

import sys

import numpy as np
import pytest
import sacrebleu

from kerazoo.data import open_source
from kerazoo.metrics import bleu, character_accuracy, exact_match
from kerazoo.presets.config import EvaluationConfig
from kerazoo.tasks import Data, text_translation
from kerazoo.tasks.text_translation import antidiagonal_share
from kerazoo.text.vocabulary import SPECIALS
from kerazoo.utils.errors import DataError, MissingDependencyError
from tests.test_attention_seq2seq import PAIRS, raw_pairs, tiny


class GivenData:
    """Stands where `kerazoo.tasks.Data` stands, with one source for every split."""

    def __init__(self, source):
        self.source = source

    def open(self, split):
        return self.source


def test_task_writes_translations_and_maps_and_measures(tmp_path):
    model, data = tiny(), GivenData(raw_pairs())
    text, picture = text_translation.sample(model, tmp_path / "s", num=2, data=data)
    assert (text.name, picture.name) == ("s.txt", "s.png")
    lines = text.read_text(encoding="utf-8").splitlines()
    assert [line.split()[0] for line in lines if line] == ["source", "translation", "reference"] * 2
    metrics = text_translation.evaluate(model, data, EvaluationConfig(num=3))
    assert set(metrics) == {"bleu", "bleu_greedy", "bleu_signature", "nats_per_token", "num_pairs"}
    num_tokens = sum(len(target.split()) + 1 for target in PAIRS["target"])
    expected = -model.score(PAIRS["source"], PAIRS["target"]).sum() / num_tokens
    assert metrics["nats_per_token"] == pytest.approx(expected, rel=1e-5)
    (text,) = text_translation.sample(tiny(attention=None), tmp_path / "plain", num=2, data=data)
    assert text.name == "plain.txt"


def test_samples_are_of_the_held_out_split_that_there_is(tmp_path):
    def write(split, size):
        for side in ("a", "b"):
            (tmp_path / f"{split}.{side}").write_text(f"{split} {side}\n" * size)

    data = f"pairs:{tmp_path}/{{split}}.a,{tmp_path}/{{split}}.b"
    for split in ("train", "val", "test"):
        write(split, 3)
        assert text_translation.held_out(Data(data)).arrays["source"][0] == f"{split} a"
    (tmp_path / "test.b").write_text("one line\n")
    with pytest.raises(DataError, match=r"has 3 lines and .* has 1"):  # no other split in its place
        text_translation.held_out(Data(data))
    (tmp_path / "test.b").unlink()
    with pytest.raises(DataError, match=r"no such file"):
        text_translation.held_out(Data(data))


def test_task_measures_strings_of_characters():
    data = GivenData(open_source("reversal", split="test").take(4))
    letters = [*SPECIALS, *"abcdefghijklmnopqrstuvwxyz"]
    model = tiny(source_vocabulary=letters, target_vocabulary=letters, level="character")
    metrics = text_translation.evaluate(model, data, EvaluationConfig(num=4))
    assert set(metrics) == {"exact_match", "character_accuracy", "antidiagonal", "nats_per_token", "num_pairs"}
    assert metrics["exact_match"] == 0
    assert 0 <= metrics["antidiagonal"] <= 1


def test_antidiagonal_share():
    tokens = [*"abc", "</s>"]
    weights = np.array([[0, 0, 1, 0], [0, 1, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]], float)
    assert antidiagonal_share([(weights, tokens, [*"cba", "</s>"])]) == pytest.approx(2 / 3)


def test_bleu_is_sacrebleus_with_its_signature():
    translations = ["ein hund läuft durch das gras.", "zwei männer sitzen"]
    references = ["Ein Hund rennt durch das Gras.", "Zwei Männer sitzen auf einer Bank."]
    found = bleu(translations, references, lowercase=True)
    assert found.score == pytest.approx(sacrebleu.corpus_bleu(translations, [references], lowercase=True).score)
    assert found.signature.startswith("nrefs:1|case:lc|eff:no|tok:13a|smooth:exp|version:")
    assert bleu(references, references).score == pytest.approx(100)
    with pytest.raises(DataError, match="2 translations and 1 references"):
        bleu(translations, references[:1])


def test_exact_match_and_character_accuracy():
    assert exact_match(["abc", "ab", "c"], ["abc", "abd", "c"]) == pytest.approx(2 / 3)
    assert character_accuracy(["abc", "ab"], ["abd", "abcd"]) == pytest.approx(4 / 7)


def test_without_sacrebleu_one_line_says_so(monkeypatch):
    monkeypatch.setitem(sys.modules, "sacrebleu.metrics", None)
    with pytest.raises(MissingDependencyError, match="BLEU needs sacrebleu"):
        bleu(["a"], ["a"])


def test_several_references():
    """Of captions, say: n-grams of any reference count, and the nearest length."""
    captions = ["a red square on the left", "two blue circles and a star"]
    references = [["a red square at the left", "one red square on the left side"], ["two blue circles and a star"]]
    expected = sacrebleu.corpus_bleu(captions, [[several[0] for several in references], [references[0][1], None]])
    assert bleu(captions, references).score == pytest.approx(expected.score)
    assert bleu(captions, references).score > bleu(captions, [several[0] for several in references]).score
    assert exact_match(captions, references) == 0.5
    assert exact_match(captions, [["x", captions[0]], captions[1]]) == 1
    with pytest.raises(DataError, match=r"references\[1\] is empty"):
        bleu(captions, [references[0], []])
