"""The character language model: truncated backpropagation that carries the state, and the verbs against NumPy."""

import re
from types import SimpleNamespace

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.data import open_source
from kerazoo.data.streams import TokenStream
from kerazoo.models.sequences import _language_model as character_modelling
from kerazoo.presets.config import EvaluationConfig
from kerazoo.tasks import Data, text_generation
from kerazoo.tasks.text_generation import evaluate
from kerazoo.text.generation import draw_tokens
from kerazoo.utils.errors import ConfigError, DataError
from tests.zoo_rows import Row, Verb, tiny_windows

TEXTS = ["abcda", "e", "dd"]

ROWS = {
    "lstm_char_lm": Row(
        arguments={
            "vocabulary": list("abcde"),
            "embedding_dim": 3,
            "units": 8,
            "dropout_rate": 0.1,
            "sequence_length": 6,
        },
        batch=tiny_windows,
        # embedding 5 x 3; four gates of 8 from 3 and 8 inputs, then from 8 and 8, with biases; softmax 8 -> 5
        parameters=15 + 32 * (3 + 8 + 1) + 32 * (8 + 8 + 1) + 45,
        verbs={
            "score": Verb(lambda model, batch: model.score(["abcd", "e"]), (2,), (-np.inf, 0)),
            "call": Verb(lambda model, batch: model(batch["tokens"]).numpy(), (8, 7, 5)),
        },
        sample=lambda model, seed: model.generate("ab", 9, seed=seed, num_samples=2),
        falling=("language_model_loss",),
        source="verse",
        on_source={"vocabulary": None},
        same=(("score", {"text": TEXTS}, lambda model: model.score(TEXTS)),),
        mechanism="language model",
        represents=True,
        litert_fixed={"score_tokens"},
        slow={"litert"},
    ),
    "lstm_char_lm@mut1": Row(  # the cell that differs most: one vector of state, no product of the state in a gate
        arguments={"vocabulary": list("abcde"), "embedding_dim": 3, "units": 8, "sequence_length": 6, "cell": "mut1"},
        batch=tiny_windows,
        # z, r and the candidate of 8: z and r from 3 and then 8 inputs, r and candidate from the state, three biases;
        # a matrix 3 x 8 where the first layer's inputs enter as they are; the softmax
        parameters=15 + (16 * 3 + 2 * 64 + 24 + 3 * 8) + (16 * 8 + 2 * 64 + 24) + 45,
        verbs={"score": Verb(lambda model, batch: model.score(["abcd", "e"]), (2,), (-np.inf, 0))},
        sample=lambda model, seed: model.generate("ab", 9, seed=seed, num_samples=2),
        falling=("language_model_loss",),
        source="verse",
        on_source={"vocabulary": None},
        mechanism="language model",
        litert_fixed={"next_token", "score_tokens"},
    ),
}


VOCABULARY = ["\n", *"abcde"]
TEXT = "abcdeabcedabdcea" * 8


def new(**arguments):
    keras.utils.set_random_seed(0)
    sizes = {"units": 6, "sequence_length": 5}
    return kerazoo.create("lstm_char_lm", **{"vocabulary": VOCABULARY, **sizes, **arguments})


@pytest.fixture(scope="module")
def model():
    """A model whose distributions are far from uniform."""
    model = new()
    for weight in model.weights:
        weight.assign(weight * 3)
    return model


def softmax(logits):
    exponents = np.exp(logits - logits.max(axis=-1, keepdims=True))
    return exponents / exponents.sum(axis=-1, keepdims=True)


def log_probabilities(model, text):
    """log p of each character but the first, from one call on the whole text."""
    ids = model.characters.encode(text)
    return np.log(softmax(model(ids[None, :-1]).numpy()[0])[np.arange(len(ids) - 1), ids[1:]])


class TestTraining:
    def test_the_loss_is_that_of_windows_whose_state_goes_on(self):
        """Two rows of three windows: the epoch's average is the nats a character of each row read in one piece."""
        model = new()
        model.compile(keras_sgd(0.0), seed=0, run_eagerly=True)
        stream = TokenStream(model.characters.encode(TEXT[:31]), 5)
        logs = model.fit(stream, batch_size=2, verbose=0).history
        rows = [-log_probabilities(model, TEXT[start : start + 16]).mean() for start in (0, 15)]
        np.testing.assert_allclose(logs["language_model_loss"], [np.mean(rows)], rtol=1e-5)
        np.testing.assert_allclose(logs["bits_per_character"], [np.mean(rows) / np.log(2)], rtol=1e-5)
        np.testing.assert_allclose(model.evaluate(stream, batch_size=2, verbose=0)[0], np.mean(rows), rtol=1e-5)

    def test_a_new_epoch_begins_with_a_state_of_zeros(self):
        model = new()
        model.compile(keras_sgd(0.0), seed=0, run_eagerly=True)
        stream = TokenStream(model.characters.encode(TEXT[:31]), 5)
        losses = model.fit(stream, batch_size=2, epochs=2, verbose=0).history["language_model_loss"]
        np.testing.assert_allclose(losses[1], losses[0], rtol=1e-6)

    def test_batches_that_do_not_say_where_a_text_begins_are_texts_of_their_own(self):
        model = new()
        model.compile(keras_sgd(0.0), seed=0, run_eagerly=True)
        tokens = model.characters.encode(TEXT[:12]).reshape(2, 6)
        loss = model.fit(tokens, batch_size=1, verbose=0).history["language_model_loss"]
        rows = [-log_probabilities(model, TEXT[start : start + 6]).mean() for start in (0, 6)]
        np.testing.assert_allclose(loss, [np.mean(rows)], rtol=1e-5)

    def test_no_gradient_flows_through_the_carried_state(self):
        """A step from a carried state is a step of the window alone, whose first state is a constant."""
        model = new(clip_norm=1e6)
        model.compile(keras_sgd(0.0), seed=0, run_eagerly=True)
        ids = model.characters.encode(TEXT[:11])
        windows = np.stack([ids[:6], ids[5:]])
        dataset = tf.data.Dataset.from_tensor_slices({"tokens": windows, "first": [True, False]}).batch(1)
        model.fit(dataset.take(1), verbose=0)
        before = [weight.numpy() for weight in model.weights]
        _, state = model.sequence_logits(windows[:1, :-1], model.zero_state(1))
        np.testing.assert_allclose(model.state("carried"), state, atol=1e-6)
        with tf.GradientTape() as tape:
            logits, _ = model.sequence_logits(windows[1:, :-1], tf.constant(state))
            loss = tf.reduce_mean(keras.losses.sparse_categorical_crossentropy(windows[1:, 1:], logits, True))
        gradients = tape.gradient(loss, model.variables_of("language_model"))
        model.optimizers["language_model"].learning_rate.assign(1.0)
        model.fit(dataset.skip(1), verbose=0)
        expected = dict(zip((v.path for v in model.variables_of("language_model")), gradients, strict=True))
        for old, weight in zip(before, model.weights, strict=True):
            np.testing.assert_allclose(old - weight.numpy(), expected[weight.path], atol=1e-5)

    def test_the_gradient_is_clipped_by_its_norm(self):
        model = new(clip_norm=0.01)
        model.compile(keras_sgd(1.0), seed=0)
        before = [weight.numpy() for weight in model.weights]
        model.fit(model.characters.encode(TEXT[:12]).reshape(2, 6), batch_size=2, verbose=0)
        change = [old - weight.numpy() for old, weight in zip(before, model.weights, strict=True)]
        np.testing.assert_allclose(np.sqrt(sum((part**2).sum() for part in change)), 0.01, rtol=1e-3)

    def test_dropout_changes_training_alone(self):
        model = new(dropout_rate=0.5)
        model.compile(keras_sgd(0.0), seed=0, run_eagerly=True)
        tokens = model.characters.encode(TEXT[:96]).reshape(16, 6)
        trained = model.fit(tokens, batch_size=16, verbose=0).history["language_model_loss"][0]
        rows = [-log_probabilities(model, TEXT[start : start + 6]).mean() for start in range(0, 96, 6)]
        np.testing.assert_allclose(model.evaluate(tokens, verbose=0)[0], np.mean(rows), rtol=1e-5)
        assert abs(trained - np.mean(rows)) > 1e-4

    def test_it_learns_a_text_that_repeats(self):
        model = new(units=16, num_layers=1, embedding_dim=4)
        model.compile(optimizer=keras.optimizers.Adam(0.02), seed=0)
        loss = model.fit(["abcde" * 80], batch_size=8, epochs=8, verbose=0).history["language_model_loss"]
        assert loss[-1] < 0.1
        assert model.generate("ab", 10, temperature=0) == ["abcdeabcdeab"]

    @pytest.mark.parametrize("cell", ["rnn", "gru", "mut2", "mut3"])
    def test_every_cell_carries_its_state_and_goes_on_step_by_step(self, cell):
        """Two windows of a row, and the steps one by one, give the nats of the row read in one piece."""
        model = new(cell=cell)
        model.compile(keras_sgd(0.0), seed=0, run_eagerly=True)
        stream = TokenStream(model.characters.encode(TEXT[:11]), 5)
        loss = model.fit(stream, batch_size=1, verbose=0).history["language_model_loss"]
        np.testing.assert_allclose(loss, [-log_probabilities(model, TEXT[:11]).mean()], rtol=1e-5)
        ids, state, logits = model.characters.encode(TEXT[:6]), model.zero_state(1), None
        for token in ids:
            logits, state = model.next_logits(token[None], state)
        np.testing.assert_allclose(logits, model(ids[None])[:, -1], atol=1e-5)

    def test_named_sources_train_and_give_their_vocabulary(self):
        source = open_source("verse")
        model = new(**arguments_of(source))
        assert model.vocabulary == sorted(set("".join(source.arrays["text"])))
        model.compile(seed=0)
        logs = model.fit("verse", batch_size=32, steps_per_epoch=1, verbose=0).history
        np.testing.assert_allclose(logs["language_model_loss"], np.log(len(model.vocabulary)), rtol=0.1)


def arguments_of(source):
    from kerazoo.base.registry import model_class

    return model_class("lstm_char_lm").arguments_from(source, {})


def keras_sgd(rate):
    return {"language_model": keras.optimizers.SGD(rate)}


class TestScore:
    def test_it_is_the_sum_of_the_log_probabilities(self, model):
        texts = ["abcde", "e", "dab\nabc", ""]
        expected = [log_probabilities(model, text).sum() if len(text) > 1 else 0.0 for text in texts]
        np.testing.assert_allclose(model.score(texts), expected, rtol=1e-5)
        np.testing.assert_allclose(model.score(texts, batch_size=3), expected, rtol=1e-5)

    def test_a_long_text_in_parts_is_the_same_text(self, model, monkeypatch):
        monkeypatch.setattr(character_modelling, "LONGEST", 32)
        text = TEXT[:70]  # three parts
        np.testing.assert_allclose(model.score([text, "ab"])[0], log_probabilities(model, text).sum(), rtol=1e-5)

    def test_evaluation_reads_the_split_in_one_piece(self, model, tmp_path):
        (tmp_path / "text.txt").write_text(TEXT)
        data = Data(f"text:{tmp_path / 'text.txt'}")
        held_out = TEXT[int(len(TEXT) * 0.9) :][: int((len(TEXT) - int(len(TEXT) * 0.9)) * 0.5)]
        report = evaluate(model, data, EvaluationConfig(split="validation"))
        nats = -log_probabilities(model, held_out).mean()
        expected = {"nats_per_character": nats, "bits_per_character": nats / np.log(2), "perplexity": np.exp(nats)}
        assert report == pytest.approx(expected | {"num_characters": len(held_out) - 1}, rel=1e-5)

    def test_a_text_of_a_known_law_is_measured_against_it(self):
        source, asked = open_source("xml:3", split="test"), []

        def score(texts):
            asked.extend(texts)
            return np.array([-source.arrays["nats"].sum()])

        whole = "".join(source.arrays["text"])
        found = evaluate(SimpleNamespace(score=score), Data("xml:3"), EvaluationConfig(num=10**6))
        assert asked == [whole]
        assert found["nats_above_the_law"] == pytest.approx(0, abs=1e-4)  # the first character is free
        part = evaluate(SimpleNamespace(score=score), Data("xml:3"), EvaluationConfig(num=5000))
        assert part["nats_above_the_law"] > 1

    @pytest.mark.parametrize(("error", "answers"), [(0, 1.0), (1, 0.0)])
    def test_answers_are_compared_with_what_is_likeliest(self, error, answers):
        def generate(prompts, num_characters, **options):
            assert options["temperature"] == 0
            problems = [re.sub("[a-z]", "", prompt.split(".")[1])[:-1] for prompt in prompts]
            found = [re.fullmatch(r"(\d+)([+-])(\d+)", problem).groups() for problem in problems]
            numbers = [int(a) + (int(b) if sign == "+" else -int(b)) + error for a, sign, b in found]
            return [f"{prompt}{number}.and so on" for prompt, number in zip(prompts, numbers, strict=True)]

        model = SimpleNamespace(generate=generate, score=lambda texts: np.array([-1.0]))
        found = evaluate(model, Data("arithmetic:3"), EvaluationConfig())
        assert found["answers"] == answers
        assert (found["answer_characters"] == 1) == (error == 0)


class TestGenerate:
    def test_texts_begin_with_their_prompts_and_have_the_length_asked_for(self, model):
        texts = model.generate(["ab", "", "cdeab"], 7, num_samples=2, seed=0)
        assert [len(text) for text in texts] == [9, 9, 7, 7, 12, 12]
        assert all(text.startswith(p) for text, p in zip(texts, ["ab", "ab", "", "", "cdeab", "cdeab"], strict=True))
        assert texts[0] != texts[1]

    def test_temperature_zero_takes_the_likeliest_character_each_time(self, model):
        text = "ab"
        for _ in range(20):
            text += VOCABULARY[model(model.characters.encode(text)[None]).numpy()[0, -1].argmax()]
        assert model.generate("ab", 20, temperature=0) == [text]
        assert model.generate("ab", 20, top_k=1, seed=1) == [text]

    def test_the_empty_prompt_goes_on_from_a_line_end(self, model):
        assert model.generate("", 20, seed=5) == [model.generate("\n", 20, seed=5)[0][1:]]

    def test_a_longer_text_of_the_same_seed_begins_alike(self, model):
        long, short = (model.generate("ab", num, seed=5, num_samples=2) for num in (40, 9))
        assert [text[:11] for text in long] == short

    def test_texts_do_not_depend_on_their_company(self, model):
        assert model.generate(["ab", "abcdeabc"], 9, seed=5)[:1] == model.generate(["ab", "e"], 9, seed=5)[:1]

    def test_characters_are_drawn_as_often_as_they_are_likely(self, model):
        num, temperature = 4000, 0.7
        drawn = [text[-1] for text in model.generate("abc", 1, temperature=temperature, num_samples=num, seed=0)]
        expected = softmax(model(model.characters.encode("abc")[None]).numpy()[0, -1] / temperature)
        found = np.array([drawn.count(character) for character in VOCABULARY]) / num
        np.testing.assert_allclose(found, expected, atol=4 * 0.5 / np.sqrt(num))

    def test_top_k_leaves_out_all_others_and_keeps_the_odds(self):
        probabilities = np.array([0.1, 0.4, 0.2, 0.3], "float32")
        noise = ((np.arange(1000) + 0.5) / 1000).astype("float32")
        logits = np.tile(np.log(probabilities), (1000, 1))
        drawn = draw_tokens(logits, noise, np.ones(1000, "float32"), np.full(1000, 2, "int32")).numpy()
        np.testing.assert_allclose(np.bincount(drawn, minlength=4) / 1000, [0, 4 / 7, 0, 3 / 7], atol=2e-3)

    def test_the_noise_nearest_to_one_draws_the_last_likely_token(self):
        logits = np.log(np.array([[0.3, 0.7, 1e-30]], "float32"))
        noise = np.array([np.nextafter(np.float32(1), np.float32(0))])
        assert draw_tokens(logits, noise, [1.0], [2]).numpy().tolist() == [1]

    def test_sample_writes_a_file_that_the_seed_determines(self, model, tmp_path, monkeypatch):
        monkeypatch.setattr(text_generation, "NUM_CHARACTERS", 30)
        (first,) = text_generation.sample(model, tmp_path / "a", num=2, seed=3)
        (second,) = text_generation.sample(model, tmp_path / "b", num=2, seed=3)
        assert first.name == "a.txt"
        assert first.read_text() == second.read_text()
        assert first.read_text().count(text_generation.RULE) == 1


class TestErrors:
    def test_unknown_characters_are_named(self, model):
        for call in (lambda: model.generate("abz"), lambda: model.score(["abz"]), lambda: model.fit(["abz" * 20])):
            model.compile(seed=0)
            with pytest.raises(DataError, match="unknown characters: 'z' at 2"):
                call()

    @pytest.mark.parametrize("arguments", [{"temperature": -1}, {"top_k": 0}, {"num_characters": 0}, {"seed": -1}])
    def test_numbers_out_of_range(self, model, arguments):
        with pytest.raises(ConfigError, match=next(iter(arguments))):
            model.generate("a", **arguments)

    @pytest.mark.parametrize("texts", [[], [3], 3, None])
    def test_what_is_no_text(self, model, texts):
        with pytest.raises(DataError, match=r"list of strings|a string is expected"):
            model.score(texts)

    @pytest.mark.parametrize("vocabulary", [["a"], ["a", "bc"], ["a", "a"], "ab"])
    def test_what_is_no_vocabulary(self, vocabulary):
        with pytest.raises(ConfigError, match="vocabulary"):
            new(vocabulary=vocabulary)

    @pytest.mark.parametrize(
        "tokens",
        [np.zeros((2, 6)), np.zeros(6, "int32"), np.full((2, 6), 6), np.full((2, 6), -1), np.zeros((2, 1), int)],
    )
    def test_what_are_no_tokens(self, model, tokens):
        model.compile(seed=0)
        with pytest.raises(DataError, match="tokens"):
            model.fit(tokens, verbose=0)

    def test_a_source_without_text(self, model):
        model.compile(seed=0)
        with pytest.raises(DataError, match="trains on text; digits has: image, label"):
            model.fit("digits")
