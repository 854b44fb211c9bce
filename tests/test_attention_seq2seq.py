"""The papers' decoders written out in NumPy, and the verbs, data and task of translation."""

import itertools

import keras
import numpy as np
import pytest

import kerazoo
from kerazoo.data import from_arrays, open_source
from kerazoo.data.buckets import BucketedPairs
from kerazoo.metrics import exact_match
from kerazoo.text.vocabulary import SPECIALS
from kerazoo.utils.errors import ConfigError, DataError
from tests.zoo_rows import Row, Verb, tiny_pairs

SOURCES, TARGETS = ["a b c a", "c", "e e d q"], ["v w", "x", "z q y"]

ROWS = {
    "attention_seq2seq": Row(
        arguments={
            "source_vocabulary": ["<pad>", "<unk>", "<s>", "</s>", *"abcde"],
            "target_vocabulary": ["<pad>", "<unk>", "<s>", "</s>", *"vwxyz"],
            "embedding_dim": 4,
            "encoder_units": 3,
            "units": 5,
            "attention_units": 4,
            "dropout_rate": 0.1,
            "max_length": 8,
        },
        batch=tiny_pairs,
        # encoder: 9 x 4 embedding, two GRUs 4 -> 3; decoder: 9 x 4 embedding, also the softmax layer's with bias 9;
        # GRU 4 + 6 -> 5; attention 5 -> 4, 6 -> 4, 4 -> 1; first state 6 -> 5 with bias; maxout 5 + 6 + 4 -> 2 x 4
        parameters=(36 + 2 * (4 * 9 + 3 * 9 + 9)) + (36 + 9) + (10 * 15 + 5 * 15 + 15) + (20 + 24 + 4) + 35 + 15 * 8,
        verbs={
            "score": Verb(lambda model, batch: model.score(["a b", "c", "d e"], ["y", "x v", "z"]), (3,), (-np.inf, 0)),
            "attend": Verb(lambda model, batch: model.attend(["a b c"], max_length=1)[0][0], (1, 4), (0, 1)),
        },
        falling=("translator_loss",),
        source="reversal",
        on_source={"source_vocabulary": None, "target_vocabulary": None, "level": "character", "max_length": 32},
        same=(
            ("score", {"text": SOURCES, "target": TARGETS}, lambda model: model.score(SOURCES, TARGETS)),
            ("translate", {"text": SOURCES}, lambda model: np.array([t.encode() for t in model.translate(SOURCES)])),
        ),
        mechanism="translation",
        litert_fixed={"translate_tokens", "translate_tokens_greedily", "score_tokens"},
        slow={"litert"},
    ),
}


TINY = ROWS["attention_seq2seq"].arguments | {"dropout_rate": 0.0}
VARIANTS = {
    "bahdanau": {"attention": "bahdanau"},
    "dot": {"attention": "dot", "units": 6},
    "general": {"attention": "general", "tied": False},
    "concat": {"attention": "concat"},
    "concat without feeding": {"attention": "concat", "input_feeding": False},
    "none": {"attention": None},
}
PAIRS = {"source": ["a b c", "d e", "c c a b"], "target": ["x y", "v w z", "y"]}


def tiny(**arguments):
    keras.utils.set_random_seed(0)
    model = kerazoo.create("attention_seq2seq", **{**TINY, **arguments})
    # Fresh weights are too small for translations that differ.
    for variable in model.trainable_variables:
        variable.assign(np.random.default_rng(len(variable.path)).normal(size=variable.shape))
    return model


def raw_pairs(pairs=PAIRS):
    return from_arrays({side: np.array(texts, object) for side, texts in pairs.items()}, name="pairs", key="source")


def batch_of(model):
    """The three pairs as one padded batch of ids."""
    return next(iter(model.prepare(raw_pairs()).epoch(3)))


# === The papers in NumPy ===


def sigmoid(x):
    return 1 / (1 + np.exp(-x))


def gru(cell, x, h, fed=0.0):
    units = cell.units
    projected = x @ cell.kernel.numpy() + cell.bias.numpy() + fed
    update, reset = np.split(sigmoid(projected[: 2 * units] + h @ cell.recurrent_gates.numpy()), 2)
    candidate = np.tanh(projected[2 * units :] + (reset * h) @ cell.recurrent.numpy())
    return (1 - update) * h + update * candidate


def annotations_of(encoder, ids):
    x = encoder.embedding.table.numpy()[ids]
    states = []
    for cell, order in zip(encoder.cells, (1, -1), strict=True):
        h, outputs = np.zeros(cell.units), []
        for row in x[::order]:
            h = gru(cell, row, h)
            outputs.append(h)
        states.append(outputs[::order])
    forward, backward = states
    return np.concatenate([forward, backward], axis=1), np.concatenate([forward[-1], backward[0]])


def attend(attention, query, annotations):
    w = {variable.name: variable.numpy() for variable in attention.weights}
    additive = lambda: np.tanh(query @ w["query"] + annotations @ w["key"]) @ w["vector"][:, 0]  # noqa: E731
    scores = {
        "bahdanau": additive,
        "concat": additive,
        "general": lambda: annotations @ w["kernel"] @ query,
        "dot": lambda: annotations @ query,
    }[attention.score]()
    weights = np.exp(scores) / np.exp(scores).sum()
    return weights @ annotations, weights


def log_prob(model, source, target):
    """log p(target | source) of two rows of ids without padding, step by step as the papers have it."""
    decoder, annotations, last = model.decoder, *annotations_of(model.encoder, source)
    state = np.tanh(last @ decoder.first.numpy() + decoder.first_bias.numpy())
    fed, total = np.zeros(decoder.feed_dim), 0.0
    for previous, token in itertools.pairwise(target):
        embedded = decoder.embedding.table.numpy()[previous]
        if model.attention == "bahdanau":
            context, _ = attend(decoder.attention, state, annotations)
            state = gru(decoder.cell, embedded, state, context @ decoder.feed.numpy())
            pairs = np.concatenate([state, context, embedded]) @ decoder.maxout.numpy()
            features = np.maximum(*np.split(pairs, 2))
        elif model.attention is None:
            state = gru(decoder.cell, embedded, state)
            features = np.tanh(state @ decoder.combine.numpy())
        else:
            state = gru(decoder.cell, embedded, state, fed @ decoder.feed.numpy() if model.input_feeding else 0.0)
            context, _ = attend(decoder.attention, state, annotations)
            features = np.tanh(np.concatenate([context, state]) @ decoder.combine.numpy())
            fed = features
        kernel = decoder.embedding.table.numpy().T if model.tied else decoder.output_kernel.numpy()
        logits = features @ kernel + decoder.output_bias.numpy()
        total += logits[token] - np.log(np.exp(logits).sum())
    return total


@pytest.mark.parametrize("variant", VARIANTS)
def test_score_is_the_papers_equations_step_by_step(variant):
    model = tiny(**VARIANTS[variant])
    expected = [log_prob(model, model.source_ids(a), model.target_ids(b)) for a, b in zip(*PAIRS.values(), strict=True)]
    # Rows of different lengths in one batch: padding changes nothing.
    np.testing.assert_allclose(model._score(*batch_of(model).values()), expected, rtol=1e-4)


def test_score_takes_texts_in_batches():
    model = tiny()
    expected = model._score(*batch_of(model).values())
    np.testing.assert_allclose(model.score(*PAIRS.values(), batch_size=2), expected, rtol=1e-5)


@pytest.mark.parametrize("variant", ["bahdanau", "general", "none"])
def test_decoding_agrees_with_teacher_forcing(variant):
    """The score of what a search found, computed by teacher forcing, is the score that the search gave."""
    model = tiny(**VARIANTS[variant])
    ids = np.array([[4, 5, 6, 3], [7, 3, 0, 0]], np.int32)
    for beam_width in (1, 3):
        best, lengths, *weights = model._best(ids, 6, 0.0, beam_width)
        for row in range(2):
            tokens = best[row, : lengths[row]].numpy()
            logits = model.call({"source": ids[row : row + 1], "target": np.array([[2, *tokens]], np.int32)})[0].numpy()
            if beam_width == 1:
                assert logits.argmax(axis=1).tolist() == tokens.tolist()
            for one in weights:
                np.testing.assert_allclose(one[row, : lengths[row]].numpy().sum(axis=1), 1, rtol=1e-5)
                np.testing.assert_array_equal(one[1, :, 2:], 0)
        assert len(weights) == (model.attention is not None)


def test_translations_do_not_depend_on_their_batch():
    model, texts = tiny(), ["a b c d", "b", "e d c", "a a", "c d e a b"]
    alone = [model.translate([text], beam_width=2)[0] for text in texts]
    assert model.translate(texts, beam_width=2, batch_size=2) == alone
    assert model.translate(texts, beam_width=2) == alone


def test_the_loss_is_the_negative_score():
    model = tiny()
    model.compile({"translator": keras.optimizers.SGD(0.0)}, seed=0, run_eagerly=True)
    found = model.fit(raw_pairs(), batch_size=3, verbose=0).history
    nats, num_tokens = -model._score(*batch_of(model).values()).numpy(), [3, 4, 2]
    assert found["translator_loss"][0] == pytest.approx(nats.mean(), rel=1e-5)
    assert found["nats_per_token"][0] == pytest.approx((nats / num_tokens).mean(), rel=1e-5)


def test_label_smoothing_mixes_in_the_uniform_distribution():
    model = tiny(label_smoothing=0.1)
    model.compile(seed=0, run_eagerly=True)
    batch = batch_of(model)
    labels, logits = batch["target"].numpy()[:, 1:], model.call(batch).numpy()
    log_p = logits - np.log(np.exp(logits).sum(axis=-1, keepdims=True))
    right = np.take_along_axis(log_p, labels[..., None], axis=-1)[..., 0]
    expected = (-(0.9 * right + 0.1 * log_p.mean(axis=-1)) * (labels > 0)).sum(axis=1)
    np.testing.assert_allclose(model.losses(batch, training=True), expected, rtol=1e-5)
    np.testing.assert_allclose(model.losses(batch, training=False), -model._score(*batch.values()), rtol=1e-5)


def test_dropout_changes_training_alone():
    model = tiny(dropout_rate=0.5)
    model.compile(seed=0, run_eagerly=True)
    batch = batch_of(model)
    tested, trained, again = (model.losses(batch, training=training).numpy() for training in (False, True, True))
    np.testing.assert_allclose(tested, -model._score(*batch.values()), rtol=1e-5)
    np.testing.assert_array_equal(trained, again)  # a function of seed and step
    assert (abs(trained - tested) > 1e-3).all()
    model.step.assign_add(1)
    assert (abs(model.losses(batch, training=True).numpy() - trained) > 1e-3).any()


# === Texts ===


def test_vocabularies_come_from_the_data():
    cls = type(tiny())
    source = raw_pairs({"source": ["A dog runs", "a cat"], "target": ["Ein Hund", "Ein Hund läuft"]})
    found = cls.arguments_from(source, {"min_count": 1, "max_vocabulary": 7})
    assert found["source_vocabulary"] == [*SPECIALS, "a", "cat", "dog"]
    assert found["target_vocabulary"] == [*SPECIALS, "ein", "hund", "läuft"]
    letters = cls.arguments_from(source, {"level": "character"})
    assert letters["target_vocabulary"][4:] == sorted(set("Ein Hund läuft"))


def test_pairs_of_texts_become_ids_and_long_ones_are_left_out():
    model = tiny(max_length=4)
    with pytest.warns(UserWarning, match="1 of 3 pairs are longer than max_length=4 tokens and left out"):
        pairs = model.prepare(raw_pairs())
    assert isinstance(pairs, BucketedPairs)
    batch = next(iter(pairs.epoch(3)))
    assert batch["source"].numpy().tolist() == [[4, 5, 6, 3], [7, 8, 3, 0]]
    assert batch["target"].numpy().tolist() == [[2, 6, 7, 3, 0], [2, 4, 5, 8, 3]]
    assert model.prepare(pairs) is pairs


def test_unknown_words_are_copied_from_where_the_model_looked():
    model = tiny()
    model.decoder.output_bias.assign([-99, 99, -99, -99, *[-99] * 5])
    (weights, source, target), *_ = model.attend(["a Otto c"], max_length=3)
    assert (source, target) == (["a", "otto", "c", "</s>"], ["<unk>"] * 3)
    looked = [source[i] for i in weights.argmax(axis=1)]
    assert model.translate(["a Otto c"], max_length=3) == [" ".join(t for t in looked if t != "</s>")]
    assert model.translate(["a Otto c"], max_length=3, replace_unknown=False) == ["<unk> <unk> <unk>"]


def test_errors_of_one_line():
    model = tiny()
    with pytest.raises(DataError, match="trains on pairs of texts; digits has: image, label; give pairs:SOURCE,TARGET"):
        type(model).arguments_from(open_source("digits"), {})
    with pytest.raises(DataError, match="trains on pairs of texts"):
        model.prepare(open_source("verse"))
    assert model.translate("a b") == model.translate(["a b"])
    for texts in ([], 7, b"a b"):
        with pytest.raises(DataError, match=r"texts = .*: a string or a list of strings is expected"):
            model.translate(texts)
    with pytest.raises(DataError, match=r"texts\[1\] is empty"):
        model.translate(["a", "  "])
    with pytest.raises(DataError, match=r"sources\[0\] is of type int"):
        model.score([1], ["x"])
    with pytest.raises(DataError, match="2 sources and 1 targets"):
        model.score(["a", "b"], ["x"])
    with pytest.raises(ConfigError, match="beam_width = 0"):
        model.translate(["a"], beam_width=0)
    with pytest.raises(ConfigError, match="this model has no attention"):
        tiny(attention=None).attend(["a"])
    with pytest.raises(ConfigError, match="the query has 5 numbers, an annotation 6; use 'general'"):
        tiny(attention="dot")
    with pytest.raises(ConfigError, match="source_vocabulary: the first tokens must be <pad>"):
        tiny(source_vocabulary=list("abcdef"))
    with pytest.raises(DataError, match="target: ids from 0 to 99, the vocabulary has 9"):
        model.check({**tiny_pairs(), "target": np.array([[2, 99, 0]])})
    with pytest.raises(DataError, match="source: integer ids of shape"):
        model.check({"source": np.zeros((2, 3), "float32")})


# === Learning, task and metrics ===


def test_short_strings_are_reversed_after_a_little_training():
    """Attention learns to look from the end to the beginning."""
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("abcd"), rng.integers(3, 6))) for _ in range(300)]
    reversed_texts = [text[::-1] for text in texts]
    letters = [*SPECIALS, *"abcd"]
    sizes = {"embedding_dim": 16, "encoder_units": 16, "units": 32, "attention_units": 16, "dropout_rate": 0.0}
    model = tiny(source_vocabulary=letters, target_vocabulary=letters, level="character", **sizes)
    keras.utils.set_random_seed(0)
    model = type(model).from_config(model.get_config())
    model.compile({"translator": keras.optimizers.Adam(0.02)}, seed=0)
    model.fit(raw_pairs({"source": texts, "target": reversed_texts}), batch_size=50, epochs=25, verbose=0)
    assert exact_match(model.translate(texts[:100], beam_width=1), reversed_texts[:100]) > 0.9
