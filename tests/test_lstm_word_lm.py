"""The word language model: its reading of texts, the loss of the paper, and its verbs against NumPy."""

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.base.registry import model_class
from kerazoo.data import open_source
from kerazoo.presets.config import EvaluationConfig
from kerazoo.tasks import Data
from kerazoo.tasks.word_generation import evaluate
from kerazoo.text.vocabulary import SPECIALS
from kerazoo.utils.errors import ConfigError, DataError
from tests.zoo_rows import Row, Verb

WORDS = [*SPECIALS, "the", "film", "was", "good", "."]
TEXTS = ["The film was good.\nThe end", "", "the <unk> film\n", "film\n\nwas ."]


def tiny_words(num=8, steps=6):
    """Windows of the four words, their full stop and the end of a line in turn, with some chance; half begin a text."""
    rng = np.random.default_rng(0)
    turn = np.array([4, 5, 6, 7, 8, 3])
    tokens = turn[(np.arange(steps + 1) + np.arange(num)[:, None] + (rng.random((num, steps + 1)) < 0.1)) % 6]
    return {"tokens": tokens.astype("int32"), "first": np.arange(num) % 2 == 0}


def cross_entropy(model, batch):
    """Equation 3 of the paper without dropout, in plain TensorFlow: both layers' gates are one product each."""
    import tensorflow as tf

    tokens = batch["tokens"]
    x = tf.gather(model.embedding.table, tokens[:, :-1])
    for cell in model.lstm.cells:
        kernel, recurrent, bias = (tf.convert_to_tensor(weight) for weight in cell.weights)
        h = c = tf.zeros([tokens.shape[0], model.units])
        outputs = []
        for step in range(x.shape[1]):
            gates = tf.split(x[:, step] @ kernel + h @ recurrent + bias, 4, axis=1)
            i, f, g, o = (gate(part) for gate, part in zip(_GATES, gates, strict=True))
            c = f * c + i * g
            h = o * tf.tanh(c)
            outputs.append(h)
        x = tf.stack(outputs, axis=1)
    head = model.head
    logits = x @ tf.transpose(model.embedding.table) if model.tied else x @ head.kernel
    nats = keras.losses.sparse_categorical_crossentropy(tokens[:, 1:], logits + head.bias, from_logits=True)
    return tf.reduce_mean(tf.reduce_sum(nats, axis=1))


_GATES = (keras.ops.sigmoid, keras.ops.sigmoid, keras.ops.tanh, keras.ops.sigmoid)


def reference(model, batch, noise):
    yield "language_model", lambda: cross_entropy(model, batch)


ROWS = {
    "lstm_word_lm": Row(
        arguments={"vocabulary": WORDS, "units": 8, "tied": True, "dropout_rate": 0.1, "sequence_length": 6},
        batch=tiny_words,
        # a table of 9 x 8, also the softmax layer's, whose bias has 9; twice four gates of 8 from 8 and 8, with biases
        parameters=72 + 9 + 2 * 32 * (8 + 8 + 1),
        verbs={
            "score": Verb(lambda model, batch: model.score(["the film", "good"]), (2,), (-np.inf, 0)),
            "call": Verb(lambda model, batch: model(batch["tokens"]).numpy(), (8, 7, 9)),
        },
        sample=lambda model, seed: model.generate("the film", 9, seed=seed, num_samples=2),
        falling=("language_model_loss",),
        source="verse",
        on_source={"vocabulary": None},
        same=(("score", {"text": TEXTS}, lambda model: model.score(TEXTS)),),
        mechanism="language model",
        litert_fixed={"score_tokens"},
    ),
}


def new(**arguments):
    keras.utils.set_random_seed(0)
    return kerazoo.create("lstm_word_lm", **{"vocabulary": WORDS, "units": 6, "sequence_length": 5, **arguments})


@pytest.fixture(scope="module")
def model():
    """A model whose distributions are far from uniform."""
    return new(initial_range=2.0)


def log_probabilities(model, ids):
    """log p of each token but the first, from one call."""
    logits = model(np.asarray(ids)[None, :-1]).numpy()[0].astype("float64")
    logits -= logits.max(axis=-1, keepdims=True)
    return (logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True)))[np.arange(len(ids) - 1), ids[1:]]


class TestTexts:
    @pytest.mark.parametrize(
        ("text", "ids"),
        [
            ("The film was good.", [3, 4, 5, 6, 7, 8, 3]),
            ("film\n", [3, 5, 3]),
            ("film\n\nfoo", [3, 5, 3, 3, 1, 3]),
            ("the<unk>film", [3, 4, 1, 5, 3]),
            ("", [3, 3]),
        ],
    )
    def test_every_line_ends_and_what_is_unknown_is_one_word(self, model, text, ids):
        assert model.stream_of([text]).tolist() == ids
        assert model._ids_before(text).tolist() == ids[: len(ids) - (not text.endswith("\n"))]

    def test_texts_in_a_row_share_the_end_between_them(self, model):
        assert model.stream_of(["film\n", "was"]).tolist() == [3, 5, 3, 6, 3]
        assert model.stream_of(["film the", "", "the"]).tolist() == [3, 5, 4, 3, 3, 4, 3]

    def test_tokens_between_spaces_stay_as_they_are(self):
        model = new(level="token", vocabulary=[*SPECIALS, "N", "n't", "<eos>"])
        assert model.stream_of(["did n't N n </s> <pad>\n<unk> N\n"]).tolist() == [3, 1, 5, 4, 1, 1, 1, 3, 1, 4, 3]

    def test_the_vocabulary_is_of_the_most_frequent_words_and_not_of_marks(self, tmp_path):
        (tmp_path / "a.txt").write_text("b a <unk>\nb a c <unk> N\nb\n" * 10)
        source = open_source(f"text:{tmp_path / 'a.txt'}", split="all")
        found = model_class("lstm_word_lm").arguments_from(source, {"max_vocabulary": 7, "level": "token"})
        assert found == {"vocabulary": [*SPECIALS, "b", "a", "N"]}


class TestTraining:
    @pytest.mark.parametrize("tied", [False, True])
    def test_the_loss_is_the_sum_over_windows_whose_state_goes_on(self, tied):
        model = new(tied=tied)
        model.compile({"language_model": keras.optimizers.SGD(0.0)}, seed=0)
        text = "the film was good . film film\nthe the"  # 9 words and two ends behind the first
        logs = model.fit([text], batch_size=1, verbose=0).history
        nats = -log_probabilities(model, model.stream_of([text])[:11])
        np.testing.assert_allclose(logs["nats_per_word"], [nats.mean()], rtol=1e-5)
        np.testing.assert_allclose(logs["language_model_loss"], [nats.sum() / 2], rtol=1e-5)

    def test_all_weights_begin_in_the_range(self):
        for weight in new(initial_range=0.05, units=40).trainable_weights:
            assert 0.03 < np.abs(weight.numpy()).max() <= 0.05

    def test_dropout_is_between_layers_and_never_between_steps(self):
        """It is asked for once a layer, with the outputs of all steps, and never with a state."""
        model, streams = new(num_layers=3), []

        def dropout(x, stream):
            streams.append((stream, x.shape))
            return x

        model.sequence_logits(np.array([[4, 5, 6]]), model.zero_state(1), dropout)
        outputs = (1, 3, 6)
        names = ["embedding", "above_lstm_0", "above_lstm_1", "above_lstm_2"]
        assert [(name, tuple(shape)) for name, shape in streams] == [(name, outputs) for name in names]

    def test_it_learns_a_text_that_repeats(self):
        model = new(units=16, initial_range=0.3)
        model.compile({"language_model": keras.optimizers.Adam(0.02)}, seed=0)
        logs = model.fit(["the film was good .\n" * 80], batch_size=8, epochs=12, verbose=0).history
        assert logs["nats_per_word"][-1] < 0.1
        assert model.generate("the film", 8, temperature=0) == ["the film was good.\nthe film was good"]


class TestVerbs:
    def test_score_is_of_all_words_and_line_ends(self, model):
        expected = [log_probabilities(model, model.stream_of([text])).sum() for text in TEXTS]
        np.testing.assert_allclose(model.score(TEXTS), expected, rtol=1e-5)

    def test_only_words_and_line_ends_are_written(self, model):
        texts = model.generate("", 60, seed=0, num_samples=20, temperature=3.0)
        assert not [text for text in texts if any(mark in text for mark in ("<", ">"))]
        assert sum("\n" in text for text in texts) > 10

    def test_what_is_unknown_in_a_prompt_stays_visible(self, model):
        [text] = model.generate("A film\nwas", 3, seed=0)
        assert text.startswith("<unk> film\nwas")

    def test_words_are_drawn_as_often_as_they_are_likely_among_those_that_may_be_written(self, model):
        num = 4000
        drawn = model.generate("film", 1, num_samples=num, seed=0)
        odds = np.exp(
            [log_probabilities(model, [3, 5, word]).sum() - log_probabilities(model, [3, 5]).sum() for word in range(9)]
        )
        odds[:3] = 0
        shown = {3: "film\n", 8: "film."}
        found = [drawn.count(shown.get(word, f"film {WORDS[word]}")) / num for word in range(9)]
        np.testing.assert_allclose(found, odds / odds.sum(), atol=4 * 0.5 / np.sqrt(num))

    def test_the_graph_reads_and_writes_what_python_does(self, model):
        generate = model.endpoints()["generate"]
        options = {"num_words": [9] * 4, "temperature": [0.0] * 4, "top_k": [0] * 4, "seed": [0] * 4}
        prompts = ["", "The film\n", "<unk> .\nfilm", "the film was"]
        found = [text.decode() for text in generate(text=prompts, **options)["text"].numpy()]
        assert found == model.generate(prompts, 9, temperature=0)

    def test_evaluation_reads_whole_texts_in_one_piece(self, model, tmp_path):
        for name, text in {"a": "the film was good .\n", "b": "film foo\nthe", "c": "good\n"}.items():
            (tmp_path / f"{name}.txt").write_text(text)
        report = evaluate(model, Data(f"text:{tmp_path}"), EvaluationConfig(split="all", num=8))
        nats = -log_probabilities(model, model.stream_of(["the film was good .\nfilm foo\nthe"])).mean()
        expected = {"nats_per_word": nats, "perplexity": np.exp(nats), "unknown_words": 1 / 11}
        assert report == pytest.approx(expected | {"num_words": 11, "num_texts": 2}, rel=1e-5)


class TestErrors:
    def test_a_vocabulary_without_special_tokens(self):
        with pytest.raises(ConfigError, match="vocabulary: the first tokens must be <pad>, <unk>, <s>, </s>"):
            new(vocabulary=["the", "film"])

    @pytest.mark.parametrize("arguments", [{"num_words": 0}, {"temperature": -1}, {"top_k": 0}])
    def test_numbers_out_of_range(self, model, arguments):
        with pytest.raises(ConfigError, match=next(iter(arguments))):
            model.generate("film", **arguments)

    def test_what_is_no_text(self, model):
        with pytest.raises(DataError, match="string"):
            model.score([3])
