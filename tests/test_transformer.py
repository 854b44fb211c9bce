"""The Transformer against the paper's equations, and what it may and may not see."""

import keras
import numpy as np
import pytest
import tensorflow as tf

import kerazoo
from kerazoo.layers.multi_head_attention import MultiHeadAttention
from kerazoo.metrics import exact_match
from kerazoo.networks.transformer import sinusoids
from kerazoo.text.vocabulary import SPECIALS
from kerazoo.utils.errors import ConfigError
from tests.test_attention_seq2seq import batch_of, raw_pairs
from tests.zoo_rows import Row, Verb, tiny_pairs

SOURCES, TARGETS = ["a b c a", "c", "e e d q"], ["v w", "x", "z q y"]


# === The paper, head by head ===


def attend(layer, x, y, mask):
    """Section 3.2: one product for each head, which have a part of the columns each, and one that joins them."""
    kernels = {name: tf.convert_to_tensor(kernel) for name, kernel in layer.kernels.items()}
    heads = []
    for head in range(layer.num_heads):
        of_head = {name: tf.split(kernel, layer.num_heads, axis=1)[head] for name, kernel in kernels.items()}
        queries, keys, values = x @ of_head["query"], y @ of_head["key"], y @ of_head["value"]
        scores = queries @ tf.transpose(keys, [0, 2, 1]) / np.sqrt(queries.shape[-1])
        heads.append(tf.nn.softmax(tf.where(mask, scores, -1e9)) @ values)
    return tf.concat(heads, axis=-1) @ kernels["output"]


def normalise(norm, x):
    mean, variance = tf.nn.moments(x, -1, keepdims=True)
    return norm.gamma * (x - mean) / tf.sqrt(variance + 1e-6) + norm.beta


def layer_of(layer, x, mask, source=None, source_mask=None):
    """Section 3.1: LayerNorm(x + Sublayer(x)), for each of the two or three."""
    parts = [lambda x: attend(layer.itself, x, x, mask)]
    if source is not None:
        parts.append(lambda x: attend(layer.across, x, source, source_mask))
    parts.append(lambda x: tf.nn.relu(x @ layer.inner + layer.inner_bias) @ layer.outer + layer.outer_bias)
    for norm, part in zip(layer.norms, parts, strict=True):
        x = normalise(norm, x + part(x)) if not layer.pre_norm else x + part(normalise(norm, x))
    return x


def embed(stack, ids):
    """Section 3.4 and 3.5."""
    width, table = stack.width, tf.convert_to_tensor(stack.embedding.table)
    places = np.arange(ids.shape[1])[:, None] / 10000.0 ** (np.arange(0, width, 2) / width)
    encoding = np.stack([np.sin(places), np.cos(places)], axis=-1).reshape(-1, width)
    return tf.gather(table, ids) * np.sqrt(width).astype("float32") + encoding.astype("float32")


def logits_of(model, source, target):
    source, target = np.asarray(source), np.asarray(target)[:, :-1]
    seen, past = (source > 0)[:, None], np.tril(np.ones((target.shape[1],) * 2, bool))
    x, y = embed(model.encoder, source), embed(model.decoder, target)
    for layer in model.encoder.blocks:
        x = layer_of(layer, x, seen)
    x = normalise(model.encoder.norm, x) if model.pre_norm else x
    for layer in model.decoder.blocks:
        y = layer_of(layer, y, past, x, seen)
    y = normalise(model.decoder.norm, y) if model.pre_norm else y
    kernel = tf.transpose(model.decoder.embedding.table) if model.tied else model.decoder.output_kernel
    return y @ tf.convert_to_tensor(kernel)


def reference(model, batch, noise):
    """Cross-entropy with the smoothed targets of section 5.4, of which a tenth is spread over all tokens."""

    def loss():
        labels = batch["target"][:, 1:]
        log_p = tf.nn.log_softmax(logits_of(model, batch["source"].numpy(), batch["target"].numpy()))
        wanted = 0.9 * tf.one_hot(labels, log_p.shape[-1]) + 0.1 / log_p.shape[-1]
        return -tf.reduce_sum(tf.reduce_sum(wanted * log_p, axis=-1) * tf.cast(labels > 0, tf.float32), axis=1)

    yield "translator", loss


ROWS = {
    "transformer": Row(
        arguments={
            "source_vocabulary": [*SPECIALS, *"abcde"],
            "target_vocabulary": [*SPECIALS, *"vwxyz"],
            "width": 8,
            "num_heads": 2,
            "hidden": 12,
            "num_layers": 1,  # two in what tests the paper's equations below
            "dropout_rate": 0.0,
            "warmup_steps": 50,
            "max_length": 8,
        },
        batch=tiny_pairs,
        # two tables of 9 x 8, the target's also the softmax layer's; one layer on each side: four matrices of 8 x 8 an
        # attention, one in the encoder, two in the decoder; 8 -> 12 -> 8 with biases; a normalisation of 8 + 8 a part
        parameters=2 * 72 + (4 * 64 + (108 + 104) + 2 * 16) + (8 * 64 + (108 + 104) + 3 * 16),
        verbs={
            "score": Verb(lambda model, batch: model.score(["a b", "c", "d e"], ["y", "x v", "z"]), (3,), (-np.inf, 0)),
            "attend": Verb(lambda model, batch: model.attend(["a b c"], max_length=1)[0][0], (2, 1, 4), (0, 1)),
        },
        falling=("translator_loss",),
        source="reversal",
        on_source={"source_vocabulary": None, "target_vocabulary": None, "level": "character", "max_length": 32},
        reference=reference,
        same=(
            ("score", {"text": SOURCES, "target": TARGETS}, lambda model: model.score(SOURCES, TARGETS)),
            ("translate", {"text": SOURCES}, lambda model: np.array([t.encode() for t in model.translate(SOURCES)])),
        ),
        mechanism="translation",
        litert_fixed={"translate_tokens", "translate_tokens_greedily", "score_tokens"},
        slow={"litert"},
    ),
}


def tiny(**arguments):
    keras.utils.set_random_seed(0)
    model = kerazoo.create("transformer", **{**ROWS["transformer"].arguments, "num_layers": 2, **arguments})
    for variable in model.trainable_variables:  # fresh weights are too even for translations that differ
        variable.assign(np.random.default_rng(len(variable.path)).normal(size=variable.shape))
    return model


VARIANTS = {"post-norm": {}, "pre-norm": {"pre_norm": True}, "untied": {"tied": False}}


@pytest.mark.parametrize("variant", VARIANTS)
def test_logits_are_the_papers_equations(variant):
    """Rows of different lengths in one batch: padding changes nothing."""
    model = tiny(**VARIANTS[variant])
    batch = batch_of(model)
    found = model.call(batch).numpy()
    inside = (batch["target"].numpy() > 0)[:, :-1]
    np.testing.assert_allclose(found[inside], logits_of(model, *batch.values()).numpy()[inside], rtol=1e-3, atol=1e-3)
    alone, beside = model.score(["c"], ["x"]), model.score(["c", "a b c d e"], ["x", "y z v"])
    np.testing.assert_allclose(alone, beside[:1], rtol=1e-4)


def test_attention_is_keras_multi_head_attention():
    rng = np.random.default_rng(0)
    x, y = (rng.normal(size=(2, steps, 6)).astype("float32") for steps in (4, 5))
    mask = rng.random((2, 4, 5)) < 0.7
    mask[..., 0] = True
    own, other = MultiHeadAttention(3), keras.layers.MultiHeadAttention(3, 2, use_bias=False)
    own.build((None, None, 6))
    other(x, y)
    names = ("query", "key", "value", "output")
    kernels = [own.kernels[name].numpy() for name in names]
    other.set_weights([kernel.reshape(weight.shape) for kernel, weight in zip(kernels, other.weights, strict=True)])
    expected, expected_weights = other(x, y, attention_mask=mask, return_attention_scores=True)
    found, weights = own(x, *own.project(y), mask[:, None])
    np.testing.assert_allclose(found, expected, atol=1e-5)
    np.testing.assert_allclose(weights, expected_weights, atol=1e-5)
    assert (weights.numpy()[~np.broadcast_to(mask[:, None], weights.shape)] == 0).all()


def test_places_are_told_by_sinusoids():
    found = sinusoids(tf.constant([0, 3, 70]), 6).numpy()
    expected = [[f(pos / 10000 ** (2 * i / 6)) for i in range(3) for f in (np.sin, np.cos)] for pos in (0, 3, 70)]
    np.testing.assert_allclose(found, expected, atol=1e-5)
    # The dot product of two places depends on their distance alone.
    table = sinusoids(tf.range(50), 16).numpy()
    np.testing.assert_allclose(np.diag(table @ table.T, 7), (table @ table.T)[0, 7], rtol=1e-3)


# === What may be seen ===


def gradients_by_place(network, function, ids):
    """The sizes of the gradients of a function's outputs `(1, steps, ...)`, a row a place, for each place's vector."""
    vectors = tf.constant(network.embed(tf.constant(ids), tf.range(len(ids[0]))))
    network.embed = lambda *_: vectors
    with tf.GradientTape() as tape:
        tape.watch(vectors)
        outputs = tf.reduce_sum(function() ** 2, axis=-1)[0]
    return abs(tape.jacobian(outputs, vectors)[:, 0].numpy()).max(axis=-1)


@pytest.mark.parametrize("pre_norm", [False, True])
def test_no_place_sees_its_future(pre_norm):
    model, ids = tiny(pre_norm=pre_norm), np.array([[2, 5, 4, 8, 6]])
    memory, _ = model.encode_source(tf.constant([[4, 6, 3]]))
    found = gradients_by_place(model.decoder, lambda: model.decoder(tf.constant(ids), None, memory)[0], ids)
    np.testing.assert_array_equal(found[np.triu_indices(5, 1)], 0)
    assert (found[np.tril_indices(5)] > 0).all()


def test_the_encoder_sees_everything_but_padding():
    model, ids = tiny(), np.array([[4, 6, 5, 3, 0]])
    found = gradients_by_place(model.encoder, lambda: model.encoder(tf.constant(ids), tf.constant(ids > 0)), ids)
    assert (found[:4, :4] > 0).all()
    np.testing.assert_array_equal(found[:4, 4], 0)


# === Decoding ===


@pytest.mark.parametrize("pre_norm", [False, True])
def test_decoding_with_kept_keys_is_computing_all_at_once(pre_norm):
    model = tiny(pre_norm=pre_norm)
    memory, rows = model.encode_source(tf.constant([[4, 5, 6, 3], [7, 3, 0, 0]]))
    target = np.array([[2, 5, 4, 8, 6], [2, 7, 7, 3, 3]], np.int32)
    logits, looked = model.decoder(tf.constant(target), None, memory)
    state = model.begin_search(rows, 9)
    for place in range(target.shape[1]):
        found, state, weights = model.decoder.step(tf.constant(target[:, place]), state, memory)
        np.testing.assert_allclose(found, logits[:, place], rtol=1e-4, atol=1e-4)
        np.testing.assert_allclose(weights, looked[:, :, place], atol=1e-5)


@pytest.mark.parametrize("beam_width", [1, 3])
def test_decoding_agrees_with_teacher_forcing(beam_width):
    model, ids = tiny(), np.array([[4, 5, 6, 3], [7, 3, 0, 0]], np.int32)
    best, lengths, weights = model._best(ids, 6, 0.0, beam_width)
    for row in range(2):
        tokens = best[row, : lengths[row]].numpy()
        target = np.array([[2, *tokens]], np.int32)
        logits, looked = model.decoder(target[:, :-1], None, model.encode_source(ids[row : row + 1])[0])
        if beam_width == 1:
            assert logits[0].numpy().argmax(axis=1).tolist() == tokens.tolist()
        # The attention of what was kept is that of its own tokens, head by head.
        np.testing.assert_allclose(weights[row, :, : lengths[row]], looked[0], atol=1e-4)


def test_translations_do_not_depend_on_their_batch_or_on_the_room_for_them():
    model, texts = tiny(), ["a b c d", "b", "e d c", "a a", "c d e a b"]
    alone = [model.translate([text], beam_width=2)[0] for text in texts]
    assert model.translate(texts, beam_width=2, batch_size=2) == alone
    longer = model.translate(texts, beam_width=1, max_length=30)
    shorter = model.translate(texts, beam_width=1, max_length=5)
    assert all(b.startswith(a) for a, b in zip(shorter, longer, strict=True))


def test_every_head_has_its_map_and_an_unknown_word_is_where_most_looked():
    model = tiny()
    [(weights, source, target)] = model.attend(["a Otto c"], max_length=3)
    assert weights.shape == (2, len(target), len(source))
    np.testing.assert_allclose(weights.sum(axis=-1), 1, rtol=1e-5)
    assert abs(weights[0] - weights[1]).max() > 0.01
    looked = [source[i] for i in weights.mean(axis=0).argmax(axis=1)]
    expected = [b if a == "<unk>" else a for a, b in zip(target, looked, strict=True)]
    found = model.translate(["a Otto c"], max_length=3, beam_width=1)
    assert found == [model._join([word for word in expected if word not in SPECIALS])]


def test_a_text_of_500_words_and_other_alphabets_are_translated():
    model = tiny()
    texts = [" ".join("abcde"[index % 5] for index in range(500)), "Привет, мир", "日本", "c"]
    found = model.translate(texts, beam_width=1, max_length=4)
    assert len(found) == 4
    assert found[3:] == model.translate(["c"], beam_width=1, max_length=4)


def test_the_rate_warms_up_and_falls():
    model = tiny(width=8, warmup_steps=4)
    model.compile(seed=0, run_eagerly=True)
    rates = []
    for _ in range(8):
        rates.append(float(model.optimizers["translator"].learning_rate))
        model.train_on_batch(tiny_pairs())
    np.testing.assert_allclose(rates, [8**-0.5 * min(n**-0.5, n * 4**-1.5) for n in range(1, 9)], rtol=1e-5)


def test_errors_of_one_line():
    with pytest.raises(ConfigError, match="num_heads = 3: a divisor of the width is expected, which is 8"):
        tiny(num_heads=3)
    with pytest.raises(ConfigError, match="width = 7: an even number is expected"):
        tiny(width=7, num_heads=1)


def test_short_strings_are_reversed_after_a_little_training():
    rng = np.random.default_rng(0)
    texts = ["".join(rng.choice(list("abcd"), rng.integers(3, 6))) for _ in range(300)]
    reversed_texts = [text[::-1] for text in texts]
    letters = [*SPECIALS, *"abcd"]
    sizes = {"width": 32, "num_heads": 2, "hidden": 64, "num_layers": 1, "dropout_rate": 0.0}
    keras.utils.set_random_seed(0)
    model = kerazoo.create(
        "transformer", source_vocabulary=letters, target_vocabulary=letters, level="character", max_length=8, **sizes
    )
    model.compile({"translator": keras.optimizers.Adam(3e-3, beta_2=0.98)}, seed=0)
    model.fit(raw_pairs({"source": texts, "target": reversed_texts}), batch_size=50, epochs=50, verbose=0)
    assert exact_match(model.translate(texts[:100], beam_width=1), reversed_texts[:100]) > 0.9
