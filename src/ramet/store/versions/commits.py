"""Commits: how the system's published state changes, how any state of it is found again, and where histories part."""

import heapq
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import (
    CTE,
    Connection,
    Row,
    Select,
    Subquery,
    Table,
    bindparam,
    delete,
    func,
    insert,
    literal,
    select,
    update,
)

from ramet.base.errors import UnknownName
from ramet.base.records import Commit, content_id
from ramet.base.text import did_you_mean
from ramet.store.catalog.rows import add_rows, chunks
from ramet.store.catalog.schema import branch_state, branches, commit_changes, commit_parents, commits, tasks

MAIN = "main"
"""The branch that every system has."""

Changes = Mapping[str, str | None]


class Moved(Exception):
    """The branch is no longer at the commit that the change was made for. The transaction must be given up."""


@dataclass(frozen=True, slots=True)
class Node:
    """A commit's place in the graph: its parents in their order, and its time (ISO 8601, UTC)."""

    parents: tuple[str, ...]
    time: str


Graph = Mapping[str, Node]
"""Commits by their ids; closed: a commit's parents are there too."""


def new_commit(
    parents: Sequence[str], changes: Changes, *, message: str, method: str, time: str, author: str, code: str
) -> Commit:
    """Return a commit under the id that its content gives it; time, author and code (ramet's version) do not count."""
    content = {"parents": parents, "changes": changes, "message": message, "method": method}
    return Commit(content_id(content), tuple(parents), dict(changes), message, method, time, author, code)


def put(connection: Connection, commit: Commit) -> None:
    """Add a commit, unless another branch has made the very same."""
    if connection.execute(select(commits.c.id).where(commits.c.id == commit.id)).first():
        return
    connection.execute(insert(commits).values({column.name: getattr(commit, column.name) for column in commits.c}))
    parents = [{"commit": commit.id, "position": i, "parent": parent} for i, parent in enumerate(commit.parents)]
    add_rows(connection, commit_parents, parents)
    changes = [{"commit": commit.id, "task": task, "path": path} for task, path in commit.changes.items()]
    add_rows(connection, commit_changes, changes)


def read(connection: Connection, ids: Sequence[str]) -> list[Commit]:
    """Return the commits of these ids, in their order."""
    found: dict[str, Commit] = {}
    for some in chunks(ids):
        parents, changes = (_rows_of(connection, table, some) for table in (commit_parents, commit_changes))
        for row in connection.execute(select(commits).where(commits.c.id.in_(some))).mappings():
            id = row["id"]
            of_task = {change.task: change.path for change in changes[id]}
            found[id] = Commit(**row, parents=tuple(parent.parent for parent in parents[id]), changes=of_task)
    return [found[id] for id in ids]


def _rows_of(connection: Connection, table: Table, ids: Sequence[str]) -> defaultdict[str, list[Row[Any]]]:
    """Return the rows of a table of commits' details, in their order, by commit."""
    found: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(select(table).where(table.c.commit.in_(ids)).order_by(*table.primary_key)):
        found[row.commit].append(row)
    return found


# Moving branches


def head_id(connection: Connection, branch: str) -> str:
    """Return the id of a branch's last commit."""
    of_branch = select(branches.c.commit).where(branches.c.name == branch)
    found: str | None = connection.execute(of_branch).scalar_one_or_none()
    if found is None:
        known = connection.execute(select(branches.c.name)).scalars().all()
        remedy = did_you_mean(branch, known, "`ramet branch` lists the branches, `ramet switch` goes to one")
        raise UnknownName(f"no branch is called {branch!r}", remedy)
    return found


def advance(connection: Connection, branch: str, commit: Commit) -> None:
    """Move a branch from the commit's first parent to the commit (see move)."""
    put(connection, commit)
    move(connection, branch, commit.parents[0], commit.id, commit.changes)


def move(connection: Connection, branch: str, start: str, end: str, changes: Changes) -> None:
    """Move a branch from one commit to another, whose states differ by these changes.

    Raises:
        Moved: the branch is not at `start` by now.
    """
    of_branch = branch_state.c.branch == branch
    if changes and not connection.execute(select(branch_state.c.task).where(of_branch).limit(1)).first():
        # Nothing was published on it before: its state is kept from now on.
        now = state(connection, start)
        copied = select(literal(branch), now.c.task, now.c.path)
        connection.execute(insert(branch_state).from_select(["branch", "task", "path"], copied))
    at_start = (branches.c.name == branch) & (branches.c.commit == start)
    if not connection.execute(update(branches).where(at_start).values(commit=end)).rowcount:
        raise Moved
    if changes:  # a row a statement: a merge may have more changes than a statement may have values
        of_task = of_branch & (branch_state.c.task == bindparam("changed"))
        connection.execute(delete(branch_state).where(of_task), [{"changed": task} for task in changes])
    published = [{"branch": branch, "task": task, "path": path} for task, path in changes.items() if path]
    add_rows(connection, branch_state, published)


def bring_back(connection: Connection, branch: str) -> None:
    """Make the tasks that a branch publishes be there again, if any was removed."""
    published = select(state(connection, head_id(connection, branch)).c.task)
    connection.execute(update(tasks).where(tasks.c.removed, tasks.c.name.in_(published)).values(removed=False))


def between(start: Mapping[str, str], end: Mapping[str, str]) -> dict[str, str | None]:
    """Return the changes that make one state another."""
    both = sorted(start.keys() | end.keys())
    return {task: end.get(task) for task in both if start.get(task) != end.get(task)}


def differences(connection: Connection, branch: str, wanted: Changes) -> dict[str, str | None]:
    """Return the changes of a branch's state that give these tasks these paths (None: no path)."""
    now = paths_on(connection, branch, wanted)
    return {task: path for task, path in wanted.items() if now.get(task) != path}


# States


def state(connection: Connection, commit: str) -> Subquery:
    """Return the published paths' ids at a commit, as a table of (task, path).

    The state at the last commit of a branch is kept, once something was published on it; any other is put together from
    the history.
    """
    kept = select(branch_state.c.branch).where(branch_state.c.branch == branches.c.name).exists()
    chosen = select(branches.c.name).where(branches.c.commit == commit, kept).limit(1)
    branch = connection.execute(chosen).scalar()
    return replayed(commit) if branch is None else kept_state(branch)


def kept_state(branch: str) -> Subquery:
    """Return the state that is kept of a branch, as a table of (task, path)."""
    return select(branch_state.c.task, branch_state.c.path).where(branch_state.c.branch == branch).subquery()


def replayed(commit: str) -> Subquery:
    """Return the state at a commit as its history tells it, as a table of (task, path)."""
    line = first_parents(commit)
    recency = func.row_number().over(partition_by=commit_changes.c.task, order_by=line.c.distance).label("recency")
    changes = select(commit_changes, recency).join(line, commit_changes.c.commit == line.c.id).subquery()
    last = (changes.c.recency == 1) & changes.c.path.is_not(None)
    return select(changes.c.task, changes.c.path).where(last).subquery()


def as_dict(connection: Connection, state: Subquery) -> dict[str, str]:
    """Return a table of (task, path) as a dictionary."""
    return {row.task: row.path for row in connection.execute(select(state.c.task, state.c.path))}


def paths_at(connection: Connection, commit: str) -> dict[str, str]:
    """Return the published paths' ids at a commit, by task."""
    return as_dict(connection, state(connection, commit))


def paths_on(connection: Connection, branch: str, some: Iterable[str]) -> dict[str, str]:
    """Return the published paths' ids of some tasks on a branch."""
    now = state(connection, head_id(connection, branch))
    return as_dict(connection, select(now).where(now.c.task.in_(some)).subquery())


def path_at(connection: Connection, commit: str, task: str) -> str | None:
    """Return the id of a task's published path at a commit, if it has one."""
    now = state(connection, commit)
    return connection.execute(select(now.c.path).where(now.c.task == task)).scalar_one_or_none()


# History


def first_parents(commit: str, limit: int | None = None) -> CTE:
    """Return a commit and its first parents, as a table of (id, distance)."""
    line = select(commits.c.id, literal(0).label("distance")).where(commits.c.id == commit).cte("line", recursive=True)
    first = select(commit_parents.c.parent, line.c.distance + 1).join(line, commit_parents.c.commit == line.c.id)
    first = first.where(commit_parents.c.position == 0)
    return line.union_all(first if limit is None else first.where(line.c.distance + 1 < limit))


def behind(heads: Select[Any]) -> CTE:
    """Return commits (a query of their ids, in a column `id`) and all that they follow, as a table of (id)."""
    found = heads.cte("behind", recursive=True)
    return found.union(select(commit_parents.c.parent).join(found, commit_parents.c.commit == found.c.id))


def graph(connection: Connection, head: str) -> dict[str, Node]:
    """Return a commit and all that it follows."""
    past = behind(select(commits.c.id).where(commits.c.id == head))
    links = select(commit_parents.c.commit, commit_parents.c.parent).join(past, commit_parents.c.commit == past.c.id)
    parents: defaultdict[str, list[str]] = defaultdict(list)
    for row in connection.execute(links.order_by(commit_parents.c.position)):
        parents[row.commit].append(row.parent)
    times = connection.execute(select(commits.c.id, commits.c.time).join(past, commits.c.id == past.c.id))
    return {row.id: Node(tuple(parents[row.id]), row.time) for row in times}


def newest_first(commits: Graph) -> list[str]:
    """Return the commits, each before all that it follows; else the newer first, and of equal ones a line at a time."""
    waiting = Counter(parent for node in commits.values() for parent in node.parents)
    times = sorted({node.time for node in commits.values()}, reverse=True)
    age = {time: rank for rank, time in enumerate(times)}
    ready: list[tuple[int, int, str]] = []
    offers = [id for id in commits if not waiting[id]]
    order: list[str] = []
    sequence = 0
    while offers or ready:
        for id in offers:
            sequence -= 1
            heapq.heappush(ready, (age[commits[id].time], sequence, id))
        *_, id = heapq.heappop(ready)
        order.append(id)
        parents = commits[id].parents
        waiting.subtract(parents)
        offers = [parent for parent in parents if not waiting[parent]]
    return order


def merge_bases(ours: Graph, theirs: Graph) -> frozenset[str]:
    """Return the nearest commits that both histories have: several, where the two were merged crosswise before."""
    common = ours.keys() & theirs.keys()
    return frozenset(common - {parent for id in common for parent in ours[id].parents})
