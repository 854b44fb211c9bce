"""The tree itself: which rooms there are, which way imports point, and how long a paper's module may be."""

import ast
from pathlib import Path

import pytest

import kerazoo

ROOT = Path(kerazoo.__file__).parent

# What the code of a room may import at the top of its modules, besides `utils`.
ROOMS = {
    "utils": set(),
    "data": set(),
    "metrics": set(),
    "losses": set(),
    "text": set(),
    "serving": set(),
    "base": {"data"},
    "layers": {"base"},
    "networks": {"base", "layers"},
    "models": {"base", "data", "layers", "losses", "metrics", "networks", "text"},
    "presets": {"base"},
    "tasks": {"base", "data", "losses", "metrics", "presets"},
    "exporting": {"base", "data", "presets", "serving"},
    "training": {"base", "data", "exporting", "presets", "tasks"},
    "cli": {"base", "data", "exporting", "presets", "serving", "tasks", "training"},
}

# Ways back up, taken when they are called: a model exports itself and saves itself as a preset.
LATER = {"base": {"exporting", "presets"}, "cli": {"models"}}

PAPER, FAMILY = 120, 150  # lines of code


def imported(tree):
    """The rooms of kerazoo that a module imports, each with how far the import is indented."""
    for node in ast.walk(tree):
        names = []
        if isinstance(node, ast.Import):
            names = [alias.name for alias in node.names]
        elif isinstance(node, ast.ImportFrom) and node.module:
            names = [node.module] if node.module != "kerazoo" else [f"kerazoo.{alias.name}" for alias in node.names]
        for name in names:
            top, _, rest = name.partition(".")
            if top == "kerazoo" and rest.partition(".")[0] in ROOMS:
                yield rest.partition(".")[0], node.col_offset


def code_lines(text):
    """How many lines hold code: no docstrings, comments or blank lines."""
    tree, lines = ast.parse(text), set()
    texts = {
        node.body[0].value
        for node in ast.walk(tree)
        if isinstance(node, ast.Module | ast.ClassDef | ast.FunctionDef) and ast.get_docstring(node) is not None
    }
    documented = {line for text in texts for line in range(text.lineno, text.end_lineno + 1)}
    for number, line in enumerate(text.splitlines(), 1):
        if line.strip() and not line.strip().startswith("#") and number not in documented:
            lines.add(number)
    return len(lines)


def test_the_rooms_are_the_ones_that_are_known():
    assert {path.parent.name for path in ROOT.glob("*/__init__.py")} == set(ROOMS)
    assert [path.name for path in ROOT.glob("*.py")] == ["__init__.py"]


@pytest.mark.parametrize("room", ROOMS)
def test_imports_point_one_way(room):
    allowed = ROOMS[room] | {room, "utils"}
    wrong = [
        f"{path.relative_to(ROOT)} imports {other}"
        for path in (ROOT / room).rglob("*.py")
        for other, indented in imported(ast.parse(path.read_text()))
        if other not in allowed and not (indented and other in LATER.get(room, ()))
    ]
    assert wrong == []


def test_there_is_no_circle():
    seen = set()
    while len(seen) < len(ROOMS):
        ground = {
            room for room, below in ROOMS.items() if room not in seen and below | {"utils"} - {room} <= seen | {room}
        }
        assert ground, f"a circle among {set(ROOMS) - seen}"
        seen |= ground


@pytest.mark.parametrize("path", sorted((ROOT / "models").rglob("*.py")), ids=lambda path: path.stem)
def test_a_module_of_models_is_short(path):
    assert code_lines(path.read_text()) <= (FAMILY if path.stem.startswith("_") else PAPER)


def test_docstrings_and_comments_are_no_code():
    text = '"""A\nB."""\n\nimport os\n\n\ndef f(x):\n    """C."""\n    # D\n    y = """a\nb"""\n    return x, y\n'
    assert code_lines(text) == 5
