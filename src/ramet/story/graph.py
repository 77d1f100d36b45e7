"""The graph that a system has grown into: tasks and roots, the components that they hold, and who grew from whom."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from graphlib import TopologicalSorter
from itertools import islice, pairwise
from math import isfinite
from typing import Any, Literal

from ramet.base.records import Component, Path
from ramet.method.world import path_flops
from ramet.story.tell import first_parents
from ramet.system import System


@dataclass(frozen=True)
class Node:
    """A task with its published path, a root, or a component; name is the task's, the root's or the component's own.

    Of a task or a root, attributes tell its path, params, and of a task quality, test_quality, flops, method and order,
    which counts the tasks as they first came; of a component its params, the task that trained it and, where a root
    drew it and nobody trained it, untrained. What is not known is left out.
    """

    id: str
    kind: Literal["task", "root", "component"]
    name: str
    attributes: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True)
class Edge:
    """A task or root holds a component; or grew a task: its path is that one's nearest ancestor in the graph."""

    source: str
    target: str
    kind: Literal["holds", "grew"]


@dataclass(frozen=True)
class Graph:
    """Nodes and edges; the holds of a path come in the order in which the input meets the components."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    def of_kind(self, kind: str) -> list[Node]:
        """Return the nodes of a kind."""
        return [node for node in self.nodes if node.kind == kind]

    def held(self) -> dict[str, list[Node]]:
        """Return the components of every task and root, by its id."""
        nodes = {node.id: node for node in self.nodes}
        found: dict[str, list[Node]] = {node.id: [] for node in self.nodes if node.kind != "component"}
        for edge in self.edges:
            if edge.kind == "holds":
                found[edge.source].append(nodes[edge.target])
        return found

    def origins(self) -> dict[str, str]:
        """Return what each task grew from, by their ids."""
        return {edge.target: edge.source for edge in self.edges if edge.kind == "grew"}

    def layers(self) -> list[str]:
        """Return the names of all components, in the order in which the input meets them."""
        order: TopologicalSorter[str] = TopologicalSorter()
        for components in self.held().values():
            for before, after in pairwise(dict.fromkeys(c.name for c in components)):
                order.add(after, before)
        return [*order.static_order()]


def graph_of(system: System) -> Graph:
    """Return the graph of the branch that a system is on."""
    published = system.versions.published()
    changed = (task for commit in first_parents(system) for task in commit.changes)
    tasks = [task for task in dict.fromkeys(changed) if task in published]
    classes = {task.name: len(task.classes) for task in system.tasks}
    roots = system.roots()
    nodes = [_root(name, path) for name, path in roots.items()]
    nodes += [_task(task, published[task], i, classes[task]) for i, task in enumerate(tasks, start=1)]
    paths = [*roots.values(), *(published[task] for task in tasks)]
    components = {_id(c): c for path in paths for c in path.components}
    holds = [Edge(node.id, _id(c), "holds") for node, path in zip(nodes, paths, strict=True) for c in path.components]
    of_path = {root.id: f"root:{name}" for name, root in roots.items()}
    grew = [edge for task in tasks for edge in _grew(system.lineage(task)[::-1], of_path, published)]
    return Graph((*nodes, *map(_component, components.values())), (*holds, *grew))


def plain(graph: Graph) -> dict[str, Any]:
    """Return the graph as JSON values, in the layout that networkx calls node-link."""
    nodes = [{"id": n.id, "kind": n.kind, "name": n.name, **n.attributes} for n in graph.nodes]
    edges = [{"source": e.source, "target": e.target, "kind": e.kind} for e in graph.edges]
    return {"directed": True, "multigraph": False, "graph": {}, "nodes": nodes, "edges": edges}


def graphml(graph: Graph) -> str:
    """Return the graph as GraphML, which networkx, Gephi, yEd and others read."""
    import networkx

    made = networkx.node_link_graph(plain(graph), edges="edges")
    return "\n".join(networkx.generate_graphml(made)) + "\n"


def _root(name: str, path: Path) -> Node:
    return Node(f"root:{name}", "root", name, {"path": path.id, "params": path.params})


def _task(task: str, path: Path, order: int, classes: int) -> Node:
    measured = {n: value for n, value in path.metrics.items() if n.endswith("quality") and isfinite(value)}
    about = {"path": path.id, "params": path.params, "flops": path_flops(path, classes), "method": path.method}
    return Node(f"task:{task}", "task", task, {"order": order, **about, **measured})


def _id(component: Component) -> str:
    return f"{component.name}:{component.digest[:16]}"


def _component(component: Component) -> Node:
    owner = {} if component.task is None else {"task": component.task}
    return Node(
        _id(component),
        "component",
        component.name,
        {"params": component.size, "untrained": component.untrained, **owner},
    )


def _grew(lineage: Sequence[Path], of_path: Mapping[str, str], published: Mapping[str, Path]) -> Sequence[Edge]:
    """Return the edge from the nearest ancestor that is a root or a published task's, if the lineage is on record."""
    own, *older = lineage
    near = (
        of_path.get(path.id, f"task:{path.task}")
        for path in older
        if path.id in of_path or (path.task != own.task and path.task in published)
    )
    return [Edge(source, f"task:{own.task}", "grew") for source in islice(near, 1)]
