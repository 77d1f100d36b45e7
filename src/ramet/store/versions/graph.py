"""The graph of commits: all that a commit follows, the order of a log, and where two histories part."""

import heapq
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import CTE, Connection, Select, select

from ramet.store.catalog.schema import commit_parents, commits


@dataclass(frozen=True, slots=True)
class Node:
    """A commit's place in the graph: its parents in their order, and its time (ISO 8601, UTC)."""

    parents: tuple[str, ...]
    time: str


Graph = Mapping[str, Node]
"""Commits by their ids; closed: a commit's parents are there too."""


def behind(heads: Select[Any]) -> CTE:
    """Commits and all that they follow, as a table of (id).

    Args:
        heads: a query of their ids, in a column `id`.
    """
    found = heads.cte("behind", recursive=True)
    return found.union(select(commit_parents.c.parent).join(found, commit_parents.c.commit == found.c.id))


def graph(connection: Connection, head: str) -> dict[str, Node]:
    """Return a commit and all that it follows."""
    past = behind(select(commits.c.id).where(commits.c.id == head))
    times = connection.execute(select(commits.c.id, commits.c.time).join(past, commits.c.id == past.c.id))
    found = {row.id: Node((), row.time) for row in times}
    links = select(commit_parents.c.commit, commit_parents.c.parent).join(past, commit_parents.c.commit == past.c.id)
    for row in connection.execute(links.order_by(commit_parents.c.position)):
        node = found[row.commit]
        found[row.commit] = Node((*node.parents, row.parent), node.time)
    return found


def newest_first(commits: Graph) -> list[str]:
    """Return the commits, each before all that it follows; else the newer first, and of equal ones a line at a time."""
    waiting = Counter(parent for node in commits.values() for parent in node.parents)
    times = sorted({node.time for node in commits.values()}, reverse=True)
    age = {time: rank for rank, time in enumerate(times)}
    ready: list[tuple[int, int, str]] = []
    sequence = 0

    def offer(ids: Sequence[str]) -> None:
        nonlocal sequence
        for id in ids:
            sequence -= 1
            heapq.heappush(ready, (age[commits[id].time], sequence, id))

    offer([id for id in commits if not waiting[id]])
    order = []
    while ready:
        *_, id = heapq.heappop(ready)
        order.append(id)
        waiting.subtract(commits[id].parents)
        offer([parent for parent in commits[id].parents if not waiting[parent]])
    return order


def merge_bases(ours: Graph, theirs: Graph) -> frozenset[str]:
    """Return the nearest commits that both histories have: several, where the two were merged crosswise before."""
    common = ours.keys() & theirs.keys()
    return frozenset(common - {parent for id in common for parent in ours[id].parents})
