import json
from itertools import pairwise
from pathlib import Path

import networkx
import pytest

from ramet.story.graph import Graph, graph_of, graphml, plain
from ramet.system import System
from tests.story.examples import grown, learn, new_system


@pytest.fixture
def system(tmp_path: Path) -> System:
    return grown(tmp_path)


@pytest.fixture
def graph(system: System) -> Graph:
    return graph_of(system)


def test_it_has_all_tasks_roots_and_components_once(system: System, graph: Graph) -> None:
    published = system.store.catalog.versions.published()
    assert [node.name for node in graph.of_kind("task")] == ["one", "two", "three"], "as they came"
    assert [node.name for node in graph.of_kind("root")] == [*system.roots()]
    paths = [*published.values(), *system.roots().values()]
    assert len(graph.of_kind("component")) == len({c.digest for path in paths for c in path.components})
    held = graph.held()
    for task, path in published.items():
        assert [c.name for c in held[f"task:{task}"]] == [c.name for c in path.components]
        assert [c.attributes["params"] for c in held[f"task:{task}"]] == [c.size for c in path.components]


def test_tasks_grew_from_what_is_there_of_their_lineage(system: System, graph: Graph) -> None:
    (root,) = graph.of_kind("root")
    origins = {"task:one": root.id, "task:two": "task:one", "task:three": "task:two"}
    assert graph.origins() == origins, "though the first task has another path by now"
    system.tasks.remove("two")
    assert graph_of(system).origins() == {"task:one": root.id, "task:three": "task:one"}


def test_layers_come_in_the_order_of_every_path(system: System, graph: Graph) -> None:
    place = {name: i for i, name in enumerate(graph.layers())}
    for path in system.store.catalog.versions.published().values():
        assert all(place[a.name] < place[b.name] for a, b in pairwise(path.components))
    assert "adapter.1" in place


def test_other_programs_read_it(tmp_path: Path, graph: Graph) -> None:
    file = tmp_path / "graph.graphml"
    file.write_text(graphml(graph), encoding="utf-8")
    read, again = (
        networkx.read_graphml(file),
        networkx.node_link_graph(json.loads(json.dumps(plain(graph))), edges="edges"),
    )
    assert set(read.nodes) == set(again.nodes) == {node.id for node in graph.nodes}
    assert set(read.edges) == set(again.edges) == {(edge.source, edge.target) for edge in graph.edges}
    for node in graph.nodes:
        assert read.nodes[node.id] == again.nodes[node.id] == {"kind": node.kind, "name": node.name, **node.attributes}


def test_what_is_not_measured_is_left_out(tmp_path: Path) -> None:
    system = new_system(tmp_path / "new")
    learn(system, "one", quality=float("nan"))
    (node,) = graph_of(system).of_kind("task")
    assert "quality" not in node.attributes


def test_without_tasks_it_is_the_roots(tmp_path: Path) -> None:
    graph = graph_of(new_system(tmp_path / "new"))
    assert not graph.of_kind("task")
    assert {edge.kind for edge in graph.edges} == {"holds"}
