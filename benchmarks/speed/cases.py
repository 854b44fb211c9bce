"""The cases that are compared: each names its contenders, and the others are measured against the first.

A contender is (module, function, arguments), where `function(**arguments)` returns a callable `run(steps)`.
"""

from dataclasses import dataclass

LOWEST = "mixed_bfloat16"


@dataclass(frozen=True)
class Case:
    """Contenders that do the same work.

    Attributes:
        contenders: dict[str, tuple]. Name -> (module, function, arguments).
        limit: str or None. The operation whose rate bounds a step: `"conv2d"` or `"matmul"`.
        operations: tuple or None. What counts a step's operations: (module, function, arguments).
    """

    contenders: dict
    limit: str | None = None
    operations: tuple | None = None


def _against_torch(limit, peer, arguments, zoo, **others):
    """A case whose first contender is PyTorch, which also counts."""
    count = ("torch_peers", "count_operations", {"function": peer, **arguments})
    return Case({"PyTorch": ("torch_peers", peer, arguments), **zoo, **others}, limit, count)


def _training(preset, *batch):
    """kerazoo in both precisions."""
    return {
        f"kerazoo {dtype}": ("zoo_contenders", "train", {"preset": preset, "batch": batch, "dtype": dtype})
        for dtype in ("float32", LOWEST)
    }


def _dcgan(rows=64, size=28, **others):
    zoo = _training("dcgan_mnist", "images", rows, size)
    return _against_torch("conv2d", "dcgan", {"batch_size": rows, "size": size}, zoo, **others)


def _characters(rows=64, steps=64, **others):
    zoo = _training("lstm_char_lm_tiny_shakespeare", "windows", rows, steps)
    arguments = {"batch_size": rows, "steps_of_time": steps}
    return _against_torch("matmul", "character_model", arguments, zoo, **others)


def _translation(rows=64, steps=16):
    zoo = _training("transformer_multi30k", "pairs", rows, steps)
    arguments = {"batch_size": rows, "steps": steps}
    lowest = ("torch_peers", "transformer", {**arguments, "dtype": "bfloat16"})
    return _against_torch("matmul", "transformer", arguments, {"PyTorch bfloat16": lowest, **zoo})


CASES = {
    "dcgan": _dcgan(**{"plain Keras": ("keras_peers", "dcgan", {})}),
    "wgan_gp": _against_torch("conv2d", "wgan_gp", {}, _training("wgan_gp_mnist", "images", 64, 28)),
    "lstm_char_lm": _characters(**{"plain Keras": ("keras_peers", "character_model", {})}),
    "transformer": _translation(),
    "rbm": Case(
        {
            "scikit-learn": ("boltzmann", "scikit_learn", {}),
            "kerazoo float32": ("boltzmann", "kerazoo_rbm", {}),
            "kerazoo, ten steps a call": ("boltzmann", "kerazoo_rbm", {"steps_per_execution": 10}),
        },
        "matmul",
        ("boltzmann", "count_operations", {}),
    ),
    "generate": _against_torch(
        *("conv2d", "generate_images", {}),
        {"kerazoo float32": ("zoo_contenders", "generate", {"preset": "dcgan_mnist", "rows": 64})},
    ),
    # One small network and one pipeline but for the option: what the end of an epoch costs.
    "epoch of 100 batches": Case(
        {
            "plain Keras": ("keras_peers", "short_epochs", {"batches": 100, "autotune": True}),
            "without tf.data's autotuning": ("keras_peers", "short_epochs", {"batches": 100, "autotune": False}),
        }
    ),
    "200 batches in kerazoo": Case(
        {
            "in one epoch": ("zoo_contenders", "short_epochs", {"epochs": 1}),
            "in ten epochs": ("zoo_contenders", "short_epochs", {"epochs": 10}),
        }
    ),
}

# The same with other sizes.
GROWTH = {
    **{f"dcgan, batch {rows}": _dcgan(rows=rows) for rows in (16, 256)},
    **{f"dcgan, batch 32, {size} pixels": _dcgan(rows=32, size=size) for size in (16, 32, 64)},
    **{f"lstm_char_lm, batch {rows}": _characters(rows=rows) for rows in (16, 256)},
    **{f"lstm_char_lm, {steps} steps of time": _characters(steps=steps) for steps in (16, 256)},
}
