"""Commits and branches: how the system's published state changes and how any state of it is found again."""

from collections import defaultdict
from collections.abc import Mapping, Sequence
from typing import Any

from sqlalchemy import CTE, Connection, Row, Subquery, Table, delete, func, insert, literal, select, update

from ramet.errors import UnknownName
from ramet.records import Commit, Path, content_id
from ramet.store.codec import path_of
from ramet.store.rows import columns, complete
from ramet.store.schema import branch_state, branches, commit_changes, commit_parents, commits, paths

MAIN = "main"
"""The branch that every system has."""

Changes = Mapping[str, str | None]


class Moved(Exception):
    """The branch is no longer at the commit that the change was made for."""


def new_commit(parents: Sequence[str], changes: Changes, *, message: str, method: str, time: str) -> Commit:
    """A commit under the id that its content gives it; the time is no part of it."""
    content = {"parents": parents, "changes": changes, "message": message, "method": method}
    return Commit(content_id(content), tuple(parents), dict(changes), message, method, time)


def start_branch(connection: Connection, branch: str, commit: Commit) -> None:
    """A new branch whose history is one commit that changes nothing."""
    _put(connection, commit)
    connection.execute(insert(branches).values(name=branch, commit=commit.id))


def advance(connection: Connection, branch: str, commit: Commit) -> None:
    """Move a branch from the commit's first parent to the commit.

    Raises:
        Moved: the branch is elsewhere by now. The transaction must be given up.
    """
    _put(connection, commit)
    at_parent = (branches.c.name == branch) & (branches.c.commit == commit.parents[0])
    if not connection.execute(update(branches).where(at_parent).values(commit=commit.id)).rowcount:
        raise Moved
    of_branch = branch_state.c.branch == branch
    connection.execute(delete(branch_state).where(of_branch & branch_state.c.task.in_(commit.changes)))
    state = [{"branch": branch, "task": task, "path": path} for task, path in commit.changes.items() if path]
    if state:
        connection.execute(insert(branch_state), state)


def differences(connection: Connection, branch: str, wanted: Changes) -> dict[str, str | None]:
    """What has to change in a branch's state so that these tasks have these paths (None: no path)."""
    of_branch = (branch_state.c.branch == branch) & branch_state.c.task.in_(wanted)
    rows = connection.execute(select(branch_state.c.task, branch_state.c.path).where(of_branch))
    now = {row.task: row.path for row in rows}
    return {task: path for task, path in wanted.items() if now.get(task) != path}


def head_id(connection: Connection, branch: str) -> str:
    """The id of a branch's last commit."""
    found: str | None = connection.execute(
        select(branches.c.commit).where(branches.c.name == branch)
    ).scalar_one_or_none()
    if found is None:
        raise UnknownName(f"no branch is called {branch!r}", f"every system has the branch {MAIN!r}")
    return found


def find_commit(connection: Connection, name: str) -> str:
    """The id of the commit that a branch is at, or of the only one whose id starts with `name`."""
    head: str | None = connection.execute(select(branches.c.commit).where(branches.c.name == name)).scalar_one_or_none()
    if head is not None:
        return head
    return complete(connection, commits.c.id, name, what="branch or commit", remedy="`ramet log` lists the commits")


def history(connection: Connection, commit: str, limit: int | None = None) -> list[Commit]:
    """A commit and its first parents, newest first, at most `limit` of them."""
    line = _line(commit, limit)
    rows = connection.execute(select(commits).join(line, commits.c.id == line.c.id).order_by(line.c.distance)).all()
    parents, changes = _rows_of(connection, commit_parents, line), _rows_of(connection, commit_changes, line)
    return [
        Commit(
            row.id,
            tuple(parent.parent for parent in parents[row.id]),
            {change.task: change.path for change in changes[row.id]},
            row.message,
            row.method,
            row.time,
        )
        for row in rows
    ]


def published(connection: Connection, commit: str) -> dict[str, Path]:
    """The published path of every task at a commit."""
    now = state(connection, commit)
    rows = connection.execute(select(now.c.task, *columns).join(now, paths.c.id == now.c.path).order_by(now.c.task))
    return {row.task: path_of(row.record, row.metrics) for row in rows}


def state(connection: Connection, commit: str) -> Subquery:
    """The published paths' ids at a commit, as a table of (task, path).

    The state of a branch's last commit is kept; that of an older one is put together from its history.
    """
    branch = connection.execute(select(branches.c.name).where(branches.c.commit == commit).limit(1)).scalar()
    if branch is not None:
        return select(branch_state.c.task, branch_state.c.path).where(branch_state.c.branch == branch).subquery()
    line = _line(commit)
    recency = func.row_number().over(partition_by=commit_changes.c.task, order_by=line.c.distance).label("recency")
    changes = select(commit_changes, recency).join(line, commit_changes.c.commit == line.c.id).subquery()
    last = (changes.c.recency == 1) & changes.c.path.is_not(None)
    return select(changes.c.task, changes.c.path).where(last).subquery()


def _line(commit: str, limit: int | None = None) -> CTE:
    """A commit and its first parents, as a table of (id, distance)."""
    line = select(literal(commit).label("id"), literal(0).label("distance")).cte("line", recursive=True)
    first = select(commit_parents.c.parent, line.c.distance + 1).join(line, commit_parents.c.commit == line.c.id)
    first = first.where(commit_parents.c.position == 0)
    return line.union_all(first if limit is None else first.where(line.c.distance + 1 < limit))


def _rows_of(connection: Connection, table: Table, line: CTE) -> defaultdict[str, list[Row[Any]]]:
    """The rows of a table of commits' details, in their order, by commit."""
    rows: defaultdict[str, list[Row[Any]]] = defaultdict(list)
    for row in connection.execute(select(table).join(line, table.c.commit == line.c.id).order_by(*table.primary_key)):
        rows[row.commit].append(row)
    return rows


def _put(connection: Connection, commit: Commit) -> None:
    """Add a commit, unless another branch has made the very same."""
    if connection.execute(select(commits.c.id).where(commits.c.id == commit.id)).first():
        return
    values = {"id": commit.id, "message": commit.message, "method": commit.method, "time": commit.time}
    connection.execute(insert(commits).values(values))
    parents = [{"commit": commit.id, "position": i, "parent": parent} for i, parent in enumerate(commit.parents)]
    changes = [{"commit": commit.id, "task": task, "path": path} for task, path in commit.changes.items()]
    for table, rows in ((commit_parents, parents), (commit_changes, changes)):
        if rows:
            connection.execute(insert(table), rows)
