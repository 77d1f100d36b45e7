import re
from pathlib import Path

import pytest

from ramet.base.errors import InvalidValue, StoreError
from ramet.story import write
from ramet.story.graph import graph_of
from ramet.story.tell import tell
from ramet.story.write import sharing, write_curves, write_graph, write_page
from ramet.system import System
from tests.story.examples import grown, learn, new_system


def page(system: System, folder: Path) -> str:
    write_page(system, folder / "page.html")
    return (folder / "page.html").read_text(encoding="utf-8")


def test_the_page_stands_alone_and_tells_all(tmp_path: Path) -> None:
    system = grown(tmp_path / "system")
    text = page(system, tmp_path)
    assert all(word in text for word in ("plain v1 #1", "other v1 #2", "Segments", "Growth", "Tasks", "Who shares"))
    assert all(f"<td>{task}</td>" in text for task in ("one", "two", "three"))
    assert len(re.findall("<figure>", text)) == 3
    assert "prefers-color-scheme: dark" in text
    assert "<script" not in text
    assert not re.search(r"""(src|href)=["']https?:""", text)
    assert page(system, tmp_path) == text


def removed(folder: Path) -> System:
    system = new_system(folder)
    learn(system, "one")
    system.tasks.remove("one")
    return system


def single(folder: Path) -> System:
    system = new_system(folder)
    learn(system, "one")
    return system


@pytest.mark.parametrize(("make", "figures"), [(new_system, 0), (removed, 1), (single, 2)])
def test_the_page_of_little(tmp_path: Path, make: object, figures: int) -> None:
    text = page(make(tmp_path / "system"), tmp_path)  # type: ignore[operator]
    assert len(re.findall("<figure>", text)) == figures
    assert "nan" not in text.lower().replace("nanum", "")


def test_curves_and_graphs_are_written_as_their_names_say(tmp_path: Path) -> None:
    system = grown(tmp_path / "system")
    story, graph = tell(system), graph_of(system)
    for ending in ("svg", "png"):
        write_curves(story, tmp_path / f"curves.{ending}")
    for ending in ("svg", "png", "graphml", "json"):
        write_graph(graph, tmp_path / f"graph.{ending}")
    starts = {"svg": b"<?xml", "png": b"\x89PNG", "graphml": b"<graphml", "json": b"{"}
    for file in (*tmp_path.glob("curves.*"), *tmp_path.glob("graph.*")):
        assert file.read_bytes().startswith(starts[file.suffix[1:]])


def test_what_cannot_be_written_is_said(tmp_path: Path) -> None:
    system = grown(tmp_path / "system")
    for write_file, value in ((write_curves, tell(system)), (write_graph, graph_of(system))):
        with pytest.raises(InvalidValue, match=r"end its name in one of \.svg"):
            write_file(value, tmp_path / "picture.pdf")  # type: ignore[operator]
    with pytest.raises(StoreError, match="cannot write"):
        write_graph(graph_of(system), tmp_path / "nowhere" / "graph.json")
    with pytest.raises(StoreError, match="cannot write"):
        write_page(system, tmp_path / "nowhere" / "page.html")
    with pytest.raises(InvalidValue, match="nothing to plot"):
        write_curves(tell(new_system(tmp_path / "new")), tmp_path / "curves.svg")


def test_sharing_is_of_both_paths(tmp_path: Path) -> None:
    system = grown(tmp_path)
    found = sharing(system)
    published = system.store.catalog.versions.published()
    assert {task: row[task] for task, row in found.items()} == {task: path.params for task, path in published.items()}
    assert found["one"]["two"] == found["two"]["one"] < published["two"].params


def test_too_many_tasks_have_a_page_without_pictures_of_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    system = grown(tmp_path / "system")
    monkeypatch.setattr(write, "PICTURED", 2)
    assert len(re.findall("<figure>", page(system, tmp_path))) == 1
    with pytest.raises(InvalidValue, match=r"\.graphml"):
        write_graph(graph_of(system), tmp_path / "graph.svg")
    write_graph(graph_of(system), tmp_path / "graph.graphml")
