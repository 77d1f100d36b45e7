from collections import defaultdict
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ramet.report.style import save, styled
from ramet.story.figures import NAMED, colours_of, draw_curves, draw_graph, in_order, placed
from ramet.story.graph import Edge, Graph, Node, graph_of
from ramet.story.tell import tell
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


def drawn(system: System, folder: Path) -> Any:
    with styled():
        figure = draw_curves(tell(system))
        figure.savefig(folder / "curves.png")
    return figure


def lines(axes: Any) -> list[Any]:
    """The lines of a panel: the patches that are no bands."""
    return [patch for patch in axes.patches if hasattr(patch, "get_data")]


@pytest.fixture
def system(tmp_path: Path) -> System:
    return new_system(tmp_path / "system")


def test_a_harder_task_takes_no_line_down(system: System, tmp_path: Path) -> None:
    for name, quality in (("easy", 0.9), ("hard", 0.3)):
        learn(system, name, quality=quality)
    learn(system, "easy", "block.0", quality=0.95)
    validation, test = (lines(drawn(system, tmp_path).axes[i]) for i in (0, 3))
    data = [(list(line.get_data().values), list(line.get_data().edges)) for line in validation]
    assert data == [([0.9, 0.95], [0.5, 2.5, 3.5]), ([0.3], [1.5, 3.5])]
    assert [list(line.get_data().values) for line in test] == [pytest.approx([0.8, 0.85]), pytest.approx([0.2])]


def test_a_line_ends_where_its_task_was_taken_out(system: System, tmp_path: Path) -> None:
    learn(system, "one")
    system.tasks.remove("one")
    learn(system, "two")
    one, two = lines(drawn(system, tmp_path).axes[0])
    assert [value == value for value in one.get_data().values] == [True, False]
    assert list(two.get_data().edges) == [2.5, 3.5]


def test_lines_that_coincide_are_all_seen(system: System, tmp_path: Path) -> None:
    for name in "abcd":
        learn(system, name, quality=0.5)
    widths = [line.get_linewidth() for line in lines(drawn(system, tmp_path).axes[0])]
    assert all(under - over > 1 for under, over in pairwise(widths))


def test_one_commit_is_a_line_and_not_a_dot(system: System, tmp_path: Path) -> None:
    learn(system, "one", quality=1.0)
    for axes in drawn(system, tmp_path).axes:
        assert [tick for tick in axes.get_xticks() if 0.5 <= tick <= 1.5] == [1]
        ((start, end),) = (line.get_data().edges for line in lines(axes))
        assert (start, end) == axes.get_xlim() == (0.5, 1.5)


@pytest.mark.parametrize("count", [1, 6, NAMED + 3])
@pytest.mark.parametrize("name", ["t", "a-long-name/of-a-data-set-"])
def test_legends_cover_nothing_and_name_what_there_is(system: System, tmp_path: Path, count: int, name: str) -> None:
    for i in range(count):
        learn(system, f"{name}{i}", method=f"method v{i % 3} #{i % 3}")
    figure = drawn(system, tmp_path)
    methods, tasks = (legend.get_window_extent() for legend in figure.legends)
    panels = [axes.get_tightbbox() for axes in figure.axes]
    assert not any(legend.overlaps(panel) for legend in (methods, tasks) for panel in panels)
    assert not methods.overlaps(tasks)
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.width and box.y0 >= 0 for box in (methods, tasks))
    said = [text.get_text() for text in figure.legends[1].texts]
    assert len(said) == min(count, NAMED + 1)
    assert ("and 3 more" in said) == (count > NAMED)
