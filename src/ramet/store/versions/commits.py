"""Commits and branches: how the system's published state changes and how any state of it is found again."""

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from sqlalchemy import (
    CTE,
    Connection,
    Row,
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
from ramet.store.catalog.schema import (
    branch_state,
    branches,
    commit_changes,
    commit_parents,
    commits,
    tasks,
)

MAIN = "main"
"""The branch that every system has."""

Changes = Mapping[str, str | None]

_CHUNK = 1000
"""Ids a statement: databases limit how many values one may have."""


class Moved(Exception):
    """The branch is no longer at the commit that the change was made for."""


def new_commit(
    parents: Sequence[str], changes: Changes, *, message: str, method: str, time: str, author: str, code: str
) -> Commit:
    """Return a commit under the id that its content gives it; time, author and code (ramet's version) do not count."""
    content = {"parents": parents, "changes": changes, "message": message, "method": method}
    return Commit(content_id(content), tuple(parents), dict(changes), message, method, time, author, code)


def advance(connection: Connection, branch: str, commit: Commit) -> None:
    """Move a branch from the commit's first parent to the commit.

    Raises:
        Moved: the branch is elsewhere by now. The transaction must be given up.
    """
    put(connection, commit)
    move(connection, branch, commit.parents[0], commit.id, commit.changes)


def move(connection: Connection, branch: str, start: str, end: str, changes: Changes) -> None:
    """Move a branch from one commit to another, whose states differ by these changes.

    Raises:
        Moved: the branch is not at `start` by now. The transaction must be given up.
    """
    if changes:
        _keep(connection, branch, start)
    at_start = (branches.c.name == branch) & (branches.c.commit == start)
    if not connection.execute(update(branches).where(at_start).values(commit=end)).rowcount:
        raise Moved
    if changes:  # a row a statement: a merge may have more changes than a statement may have values
        of_task = (branch_state.c.branch == branch) & (branch_state.c.task == bindparam("changed"))
        connection.execute(delete(branch_state).where(of_task), [{"changed": task} for task in changes])
    state = [{"branch": branch, "task": task, "path": path} for task, path in changes.items() if path]
    if state:
        connection.execute(insert(branch_state), state)


def bring_back(connection: Connection, branch: str) -> None:
    """Make the tasks that a branch publishes be there again, if any was removed."""
    published = select(state(connection, head_id(connection, branch)).c.task)
    connection.execute(update(tasks).where(tasks.c.removed, tasks.c.name.in_(published)).values(removed=False))


def differences(connection: Connection, branch: str, wanted: Changes) -> dict[str, str | None]:
    """Return the changes of a branch's state that give these tasks these paths (None: no path)."""
    now = paths_on(connection, branch, wanted)
    return {task: path for task, path in wanted.items() if now.get(task) != path}


def paths_on(connection: Connection, branch: str, some: Iterable[str]) -> dict[str, str]:
    """Return the published paths' ids of some tasks on a branch."""
    now = state(connection, head_id(connection, branch))
    rows = connection.execute(select(now.c.task, now.c.path).where(now.c.task.in_(some)))
    return {row.task: row.path for row in rows}


def head_id(connection: Connection, branch: str) -> str:
    """Return the id of a branch's last commit."""
    found: str | None = connection.execute(
        select(branches.c.commit).where(branches.c.name == branch)
    ).scalar_one_or_none()
    if found is None:
        known = connection.execute(select(branches.c.name)).scalars().all()
        remedy = did_you_mean(branch, known, "`ramet branch` lists the branches, `ramet switch` goes to one")
        raise UnknownName(f"no branch is called {branch!r}", remedy)
    return found


def read(connection: Connection, ids: Sequence[str]) -> list[Commit]:
    """Return the commits of these ids, in their order."""
    found: dict[str, Commit] = {}
    for start in range(0, len(ids), _CHUNK):
        chunk = ids[start : start + _CHUNK]
        parents, changes = _rows_of(connection, commit_parents, chunk), _rows_of(connection, commit_changes, chunk)
        for row in connection.execute(select(commits).where(commits.c.id.in_(chunk))).mappings():
            id = row["id"]
            found[id] = Commit(
                **row,
                parents=tuple(parent.parent for parent in parents[id]),
                changes={change.task: change.path for change in changes[id]},
            )
    return [found[id] for id in ids]


def state(connection: Connection, commit: str) -> Subquery:
    """Return the published paths' ids at a commit, as a table of (task, path).

    The state at the last commit of a branch is kept, once something was published on it; any other is put together from
    the history.
    """
    kept = select(branch_state.c.branch).where(branch_state.c.branch == branches.c.name).exists()
    chosen = select(branches.c.name).where(branches.c.commit == commit, kept).limit(1)
    branch = connection.execute(chosen).scalar()
    return replayed(commit) if branch is None else kept_state(branch)


def paths_at(connection: Connection, commit: str) -> dict[str, str]:
    """Return the published paths' ids at a commit, by task."""
    return as_dict(connection, state(connection, commit))


def path_at(connection: Connection, commit: str, task: str) -> str | None:
    """Return the id of a task's published path at a commit, if it has one."""
    now = state(connection, commit)
    return connection.execute(select(now.c.path).where(now.c.task == task)).scalar_one_or_none()


def replayed(commit: str) -> Subquery:
    """Return the state at a commit as its history tells it, as a table of (task, path)."""
    line = first_parents(commit)
    recency = func.row_number().over(partition_by=commit_changes.c.task, order_by=line.c.distance).label("recency")
    changes = select(commit_changes, recency).join(line, commit_changes.c.commit == line.c.id).subquery()
    last = (changes.c.recency == 1) & changes.c.path.is_not(None)
    return select(changes.c.task, changes.c.path).where(last).subquery()


def first_parents(commit: str, limit: int | None = None) -> CTE:
    """Return a commit and its first parents, as a table of (id, distance)."""
    line = select(commits.c.id, literal(0).label("distance")).where(commits.c.id == commit).cte("line", recursive=True)
    first = select(commit_parents.c.parent, line.c.distance + 1).join(line, commit_parents.c.commit == line.c.id)
    first = first.where(commit_parents.c.position == 0)
    return line.union_all(first if limit is None else first.where(line.c.distance + 1 < limit))


def put(connection: Connection, commit: Commit) -> None:
    """Add a commit, unless another branch has made the very same."""
    if connection.execute(select(commits.c.id).where(commits.c.id == commit.id)).first():
        return
    fields = ("id", "message", "method", "time", "author", "code")
    connection.execute(insert(commits).values({field: getattr(commit, field) for field in fields}))
    parents = [{"commit": commit.id, "position": i, "parent": parent} for i, parent in enumerate(commit.parents)]
    changes = [{"commit": commit.id, "task": task, "path": path} for task, path in commit.changes.items()]
    for table, rows in ((commit_parents, parents), (commit_changes, changes)):
        if rows:
            connection.execute(insert(table), rows)


def kept_state(branch: str) -> Subquery:
    """Return the state that is kept of a branch, as a table of (task, path)."""
    return select(branch_state.c.task, branch_state.c.path).where(branch_state.c.branch == branch).subquery()


def _keep(connection: Connection, branch: str, commit: str) -> None:
    """Keep a branch's state from its commit on, if nothing was published on it before."""
    if connection.execute(select(branch_state.c.task).where(branch_state.c.branch == branch).limit(1)).first():
        return
    now = state(connection, commit)
    rows = select(literal(branch), now.c.task, now.c.path)
    connection.execute(insert(branch_state).from_select(["branch", "task", "path"], rows))


def as_dict(connection: Connection, state: Subquery) -> dict[str, str]:
    """Return a table of (task, path) as a dictionary."""
    return {row.task: row.path for row in connection.execute(select(state.c.task, state.c.path))}


def _rows_of(connection: Connection, table: Table, ids: Sequence[str]) -> defaultdict[str, list[Row[Any]]]:
    """Return the rows of a table of commits' details, in their order, by commit."""
    rows: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(select(table).where(table.c.commit.in_(ids)).order_by(*table.primary_key)):
        rows[row.commit].append(row)
    return rows
