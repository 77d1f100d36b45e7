"""docs/architecture.md and its picture are of the house as it is."""

import importlib.util
import re
from itertools import pairwise
from pathlib import Path
from types import ModuleType

import pytest

DOCS = Path(__file__).parents[1] / "docs"


@pytest.fixture(scope="module")
def drawing() -> ModuleType:
    spec = importlib.util.spec_from_file_location("draw_rooms", DOCS / "draw_rooms.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_the_picture_is_of_the_present_imports(drawing: ModuleType) -> None:
    committed = (DOCS / "architecture.svg").read_text(encoding="utf-8")
    same = drawing.without_lines(committed) == drawing.without_lines(drawing.svg())
    assert same, "draw it again: python docs/draw_rooms.py"


def test_arrows_are_the_imports_that_do_not_follow_from_others(
    drawing: ModuleType, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    code = {
        "top/__init__.py": "import ramet.middle.inner\nfrom ramet.bottom import thing\n",
        "middle/__init__.py": "",
        "middle/inner.py": "def f():\n    from ramet import bottom, middle\n",
        "bottom.py": "import json\n",
        "system.py": "",
        "side/__init__.py": "import ramet\n",
        "__init__.py": "from ramet.system import x",
    }
    for name, text in code.items():
        (tmp_path / name).parent.mkdir(exist_ok=True)
        (tmp_path / name).write_text(text)
    monkeypatch.setattr(drawing, "SOURCE", tmp_path)
    assert drawing.rooms() == {"top", "middle", "bottom", "system", "side"}
    assert drawing.arrows() == {("top", "middle"), ("middle", "bottom"), ("side", "system")}


def test_arrows_point_down_and_no_two_boxes_meet(drawing: ModuleType) -> None:
    levels, edges = drawing.floors(), drawing.arrows()
    level = {name: i for i, names in enumerate(levels) for name in names}
    assert level.keys() == drawing.rooms()
    assert all(level[one] < level[other] for one, other in edges)
    x, ways = drawing.laid_out(levels, edges)
    assert {(way[0], way[-1]) for way in ways} == edges
    passing = [[] for _ in levels]
    for way in ways:
        for i, name in enumerate(way[1:-1], start=level[way[0]] + 1):
            passing[i].append(x[name])
    for names, others in zip(levels, passing, strict=True):
        middles = sorted(x[name] for name in names)
        assert all(right - left > drawing.BOX for left, right in pairwise(middles))
        assert all(abs(place - x[name]) > drawing.BOX / 2 for place in others for name in names)


def test_the_page_tells_of_every_room(drawing: ModuleType) -> None:
    page = (DOCS / "architecture.md").read_text(encoding="utf-8")
    rooms = page.split("## The rooms")[1].split("\n## ")[0]
    assert set(re.findall(r"^\| `(\w+)` \|", rooms, flags=re.MULTILINE)) == drawing.rooms()
