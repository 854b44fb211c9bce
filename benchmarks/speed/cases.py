"""The cases that are compared: each names its contenders, and which of them the others are measured against.

A contender is (module, function, arguments), where `function(**arguments)` returns a callable `run(steps)`.
"""

from dataclasses import dataclass, field

LOWEST = "mixed_bfloat16"
PEER = {"float32": "PyTorch", LOWEST: "PyTorch bfloat16"}  # in which kerazoo's precisions have their equal


@dataclass(frozen=True)
class Case:
    """Contenders that do the same work.

    Attributes:
        contenders: dict[str, tuple]. Name -> (module, function, arguments).
        limit: str or None. The operation whose rate bounds a step: `"conv2d"` or `"matmul"`.
        operations: tuple or None. What counts a step's operations: (module, function, arguments).
        against: dict[str, str]. Which contender another is measured against, where that is not the first.
    """

    contenders: dict
    limit: str | None = None
    operations: tuple | None = None
    against: dict = field(default_factory=dict)


def _count(peer, **arguments):
    """PyTorch's peer counts a step's operations."""
    return ("torch_peers", "count_operations", {"function": peer, **arguments})


def _training(limit, peer, arguments, preset, batch, changes=None, **others):
    """Training steps of kerazoo in both precisions, each against PyTorch in the same: float32, and under autocast."""
    zoo = {"preset": preset, "batch": batch, **({"changes": changes} if changes else {})}
    contenders = {
        PEER["float32"]: ("torch_peers", peer, arguments),
        PEER[LOWEST]: ("torch_peers", peer, {**arguments, "dtype": "bfloat16"}),
        **{f"kerazoo {dtype}": ("zoo_contenders", "train", {**zoo, "dtype": dtype}) for dtype in PEER},
        **others,
    }
    return Case(
        contenders, limit, _count(peer, **arguments), {f"kerazoo {dtype}": against for dtype, against in PEER.items()}
    )


def _dcgan(rows=64, size=28, **others):
    arguments = {"batch_size": rows, "size": size}
    return _training("conv2d", "dcgan", arguments, "dcgan_mnist", ("images", rows, size), **others)


def _characters(rows=64, steps=64, cell="lstm", **others):
    """The preset, or with another cell. The GRU is Cho's, with two products a step; PyTorch's has one."""
    arguments = {"batch_size": rows, "steps_of_time": steps, "cell": cell}
    batch, changes = ("windows", rows, steps), None if cell == "lstm" else {"cell": cell}
    return _training("matmul", "character_model", arguments, "lstm_char_lm_tiny_shakespeare", batch, changes, **others)


def _translation(rows=64, steps=16):
    batch = ("pairs", rows, steps)
    return _training("matmul", "transformer", {"batch_size": rows, "steps": steps}, "transformer_multi30k", batch)


CASES = {
    "dcgan": _dcgan(**{"plain Keras": ("keras_peers", "dcgan", {})}),
    "wgan_gp": _training("conv2d", "wgan_gp", {}, "wgan_gp_mnist", ("images", 64, 28)),
    "lstm_char_lm": _characters(**{"plain Keras": ("keras_peers", "character_model", {})}),
    **{f"lstm_char_lm, cell {cell}": _characters(cell=cell) for cell in ("gru", "rnn")},
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
    "generate": Case(
        {
            "PyTorch": ("torch_peers", "generate_images", {}),
            "kerazoo float32": ("zoo_contenders", "generate", {"preset": "dcgan_mnist", "rows": 64}),
        },
        "conv2d",
        _count("generate_images"),
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
