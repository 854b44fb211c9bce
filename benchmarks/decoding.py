"""What a translation costs: decoding that keeps keys and values, against a loop that computes all at every step.

    python benchmarks/decoding.py [--sentences 64] [--lengths 16 32 64 128] [--rounds 3] [--out FILE]

A fresh model of the configuration `transformer_multi30k`, whose end token is never the likeliest, so that every text
gets as many tokens as it may have. Greedy, both compiled, in turns; the loop is that of tutorials: the model on source
and all of the target so far, padded to its full length, then the last token's likeliest successor. Both must give the
same ids.
"""

import argparse
import json
import platform
import statistics
import time
from pathlib import Path

import keras
import numpy as np
import tensorflow as tf

import kerazoo
from kerazoo.text.vocabulary import SPECIALS

WORDS, SOURCE_LENGTH = 6000, 16


def fresh_model():
    """A model whose weights are those of seed 0, and that writes on until it is stopped."""
    keras.utils.set_random_seed(0)
    words = [*SPECIALS, *(f"w{index}" for index in range(WORDS))]
    vocabularies = {"source_vocabulary": words, "target_vocabulary": words}
    model = kerazoo.load("transformer_multi30k", weights=None, **vocabularies)
    table = model.decoder.embedding.table
    never = np.zeros(table.shape, "float32")
    never[model.target_tokens.end] = table[model.target_tokens.end]
    table.assign_sub(never)  # its logit is zero, and so below the largest of the others
    return model


def looped(model):
    """`(ids, length) -> target ids`, computing everything anew for each token."""

    @tf.function
    def step(ids, target, place):
        logits = model.call({"source": ids, "target": target})
        return tf.argmax(tf.gather(logits, place, axis=1), axis=-1, output_type=tf.int32)

    def run(ids, length):
        target = np.full((len(ids), length + 1), model.target_tokens.pad, np.int32)
        target[:, 0] = model.target_tokens.start
        for place in range(length):
            target[:, place + 1] = step(ids, target, tf.constant(place))
        return target[:, 1:]

    return run


def kept(model):
    """The same with `translate`'s search."""
    search = tf.function(model.searcher(1))
    return lambda ids, length: search(ids, tf.constant(length), tf.constant(0.0))[0].numpy()


def seconds(run, *arguments):
    began = time.perf_counter()
    run(*arguments)
    return time.perf_counter() - began


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--sentences", type=int, default=64)
    parser.add_argument("--lengths", nargs="+", type=int, default=[16, 32, 64, 128])
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--out", type=Path, default=Path(__file__).parent / "results" / "decoding.json")
    arguments = parser.parse_args()
    model, rows = fresh_model(), []
    ids = np.random.default_rng(0).integers(4, WORDS, (arguments.sentences, SOURCE_LENGTH)).astype("int32")
    ids[:, -1] = model.source_tokens.end
    ways = {"kept": kept(model), "loop": looped(model)}
    print("| tokens | kept, s | loop, s | times as fast | ms a token of all sentences, kept |\n|" + " --- |" * 5)
    for length in arguments.lengths:
        same = np.mean(ways["kept"](ids, length) == ways["loop"](ids, length))  # and traces both
        turns = [{name: seconds(run, ids, length) for name, run in ways.items()} for _ in range(arguments.rounds)]
        row = {name: statistics.median(turn[name] for turn in turns) for name in ways}
        ratio = statistics.median(turn["loop"] / turn["kept"] for turn in turns)
        rows.append({"tokens": length, **row, "times_as_fast": ratio, "same_ids": float(same)})
        cells = (f"{row['kept']:.2f}", f"{row['loop']:.2f}", f"{ratio:.1f}", f"{1e3 * row['kept'] / length:.1f}")
        print(f"| {length} | {' | '.join(cells)} |", flush=True)
    result = {
        "versions": {"keras": keras.__version__, "tensorflow": tf.__version__, "machine": platform.machine()},
        "sentences": arguments.sentences,
        "rounds": arguments.rounds,
        "rows": rows,
    }
    arguments.out.parent.mkdir(parents=True, exist_ok=True)
    arguments.out.write_text(json.dumps(result, indent=2) + "\n", encoding="utf-8")
    print(f"\nwrote {arguments.out}")


if __name__ == "__main__":
    main()
