from collections import defaultdict
from itertools import pairwise
from pathlib import Path

import pytest

from ramet.report.style import save, styled
from ramet.story.drawing import colours_of, draw_graph, in_order, placed
from ramet.story.graph import Edge, Graph, Node, graph_of
from ramet.system import System
from tests.story.examples import grown, learn, new_system


def many(folder: Path) -> System:
    """Tasks of which every third one grew from the one before."""
    system, last = new_system(folder), None
    for i in range(20):
        last, _ = learn(system, f"task-{i:02d}", f"block.{i % 2}", parent=last if i % 3 == 0 else None, quality=i / 20)
    return system


@pytest.mark.parametrize("make", [grown, many])
def test_each_task_has_one_place_a_row_and_a_component_is_as_wide_as_it_is_shared(tmp_path: Path, make: object) -> None:
    system = make(tmp_path)  # type: ignore[operator]
    graph = graph_of(system)
    tasks, layers = in_order(graph), graph.layers()
    rows = defaultdict(list)
    for box in placed(graph, tasks, layers):
        rows[box.row] += list(box.tasks)
        assert box.left == len(rows[box.row]) - len(box.tasks), "side by side"
        if box.component.attributes:
            held = {t for t, path in system.store.catalog.versions.published().items() if box.component.id in ids(path)}
            assert set(box.tasks) == held
    assert len(rows) == len(layers)
    assert all(sorted(places) == sorted(tasks) for places in rows.values())


def ids(path: object) -> set[str]:
    return {f"{c.name}:{c.digest[:16]}" for c in path.components}  # type: ignore[attr-defined]


def test_tasks_stand_beside_what_they_grew_from(tmp_path: Path) -> None:
    system = grown(tmp_path)
    learn(system, "four")
    assert in_order(graph_of(system)) == ["one", "two", "three", "four"]
    learn(system, "five", parent=system.path("two"))
    assert in_order(graph_of(system)) == ["one", "two", "three", "five", "four"]


@pytest.mark.parametrize("count", [1, 8, 9, 124])
def test_every_task_has_a_colour_of_its_own(count: int) -> None:
    assert len(set(colours_of([str(i) for i in range(count)]).values())) == count


@pytest.mark.parametrize("make", [grown, many, new_system])
def test_equal_graphs_are_equal_pictures(tmp_path: Path, make: object) -> None:
    graph = graph_of(make(tmp_path / "system"))  # type: ignore[operator]
    for name in ("a.svg", "b.svg", "a.png"):
        with styled():
            save(draw_graph(graph), tmp_path / name)
    assert (tmp_path / "a.svg").read_bytes() == (tmp_path / "b.svg").read_bytes()
    assert (tmp_path / "a.png").stat().st_size > 1000


def test_tasks_that_grew_from_one_another_are_all_there() -> None:
    """One was learnt again from what had grown from it."""
    nodes = [Node(f"task:{name}", "task", name, {"order": i}) for i, name in enumerate(("one", "two", "three"))]
    grew = [("task:two", "task:one"), ("task:one", "task:two"), ("root:r", "task:three")]
    graph = Graph(tuple(nodes), tuple(Edge(source, target, "grew") for source, target in grew))
    assert in_order(graph) == ["three", "one", "two"]


@pytest.mark.parametrize(
    "names", [["one"], ["a", "b"], ["a-long-name/of-a-data-set", "b"], [f"t{i:02d}" for i in range(20)]]
)
def test_nothing_that_is_written_is_cut_off_or_covers_its_neighbour(tmp_path: Path, names: list[str]) -> None:
    system = new_system(tmp_path)
    for name in names:
        learn(system, name)
    with styled():
        figure = draw_graph(graph_of(system))
        figure.savefig(tmp_path / "graph.png")
    (axes,) = figure.axes
    boxes = {text.get_text(): text.get_window_extent() for text in (*figure.texts, figure._supxlabel, *axes.texts)}
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.width for box in boxes.values())
    assert all(box.y0 >= 0 and box.y1 <= figure.bbox.height for box in boxes.values())
    row = [boxes[name] for name in names]
    assert all(left.x1 < right.x0 for left, right in pairwise(row))
