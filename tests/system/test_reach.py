"""Nobody above the facade reaches around it: a system is asked, and its catalog is not."""

import ast
from pathlib import Path

import pytest

import ramet

HOME = Path(ramet.__file__).parent
ABOVE = ("cli", "study", "story", "report")
FILES = sorted(file for room in ABOVE for file in (HOME / room).rglob("*.py"))
BEHIND = {"catalog", "opened"}


def reached(source: str) -> list[str]:
    """The attributes in a module's code that are behind a facade."""
    return [
        ast.unparse(node)
        for node in ast.walk(ast.parse(source))
        if isinstance(node, ast.Attribute) and node.attr in BEHIND
    ]


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.relative_to(HOME).as_posix())
def test_rooms_above_ask_the_facade(file: Path) -> None:
    assert reached(file.read_text(encoding="utf-8")) == []


def test_what_reaches_around_is_seen() -> None:
    assert reached("def f(system):\n    return system.store.catalog.paths.roots()") == ["system.store.catalog"]
