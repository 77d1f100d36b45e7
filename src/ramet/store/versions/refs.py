"""Names of commits: branches, tags, the starts of ids, and `NAME~N` for the N-th commit before.

The branch that a working folder is on is a name and a newline in its file HEAD; main where there is no such file.
"""

import re
from dataclasses import asdict, dataclass
from pathlib import Path

from sqlalchemy import Connection, Select, delete, insert, select, union, union_all

from ramet.base.errors import Busy, InvalidValue, StoreError, UnknownName
from ramet.base.files import refusals, write_whole
from ramet.base.text import did_you_mean
from ramet.store.catalog.rows import complete
from ramet.store.catalog.schema import agents, branch_state, branches, commits, tags
from ramet.store.versions import commits as versions

MAX_NAME = 100
SHORTEST_START = 4
"""Digits of a commit's id that name it, so that shorter names are free for branches and tags."""

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]*(/[A-Za-z0-9._-]+)*")
_HEAD = "HEAD"
_BEFORE = re.compile(r"(?P<name>.+)~(?P<count>\d*)")


@dataclass(frozen=True, slots=True)
class Branch:
    """A line of commits: its last one, and how many tasks have a published path there."""

    name: str
    commit: str
    tasks: int


@dataclass(frozen=True, slots=True)
class Tag:
    """A name that stays at one commit; it was given at `time` (ISO 8601, UTC)."""

    name: str
    commit: str
    message: str
    time: str


def find_commit(connection: Connection, name: str) -> str:
    """Return the id of the commit that an id, a branch, a tag or the start of an id names; `NAME~N` is before it."""
    exact = (commits.c.id, commits.c.id), (branches.c.name, branches.c.commit), (tags.c.name, tags.c.commit)
    for called, commit in exact:
        found: str | None = connection.execute(select(commit).where(called == name)).scalar_one_or_none()
        if found is not None:
            return found
    if before := _BEFORE.fullmatch(name):
        count = int(before["count"] or 1)
        line = versions.first_parents(find_commit(connection, before["name"]), count + 1)
        past = connection.execute(select(line.c.id).order_by(line.c.distance)).scalars().all()
        if len(past) > count:
            return str(past[count])
        problem = f"{before['name']!r} has only {len(past) - 1} commits before it"
        raise UnknownName(problem, "`ramet log` lists the commits")
    if len(name) < SHORTEST_START:
        raise UnknownName(f"no branch, tag or commit is called {name!r}", meant(connection, name))
    return complete(connection, commits.c.id, name, what="branch, tag or commit", remedy=meant(connection, name))


def reached(*others: Select[str]) -> Select[str]:
    """Return a query of the commits that a branch or a tag, or one of other commits, is at or after."""
    heads = union(select(branches.c.commit.label("id")), select(tags.c.commit), *others).subquery()
    return select(versions.behind(select(heads.c.id)).c.id)


def add_branch(connection: Connection, name: str, commit: str) -> None:
    """Add a branch at a commit: what is published there is published on it (see Versions.branch)."""
    _check_new(connection, name)
    at_head = connection.execute(select(branches.c.name).where(branches.c.commit == commit).limit(1)).first()
    connection.execute(insert(branches).values(name=name, commit=commit))
    if at_head is None:
        versions.bring_back(connection, name)


def delete_branch(connection: Connection, name: str) -> None:
    """Forget a branch; its commits stay while another branch or a tag leads to them (see Versions.delete_branch)."""
    versions.head_id(connection, name)
    if name == versions.MAIN:
        raise InvalidValue(f"the branch {name!r} cannot be deleted", "every system has it")
    runs = (agents.c.branch == name) & (agents.c.state == "running")
    evolving = connection.execute(select(agents.c.task).where(runs).order_by(agents.c.task).limit(1)).scalar()
    if evolving is not None:
        problem = f"task {evolving!r} has a run on branch {name!r} that is not done"
        raise Busy(problem, f"finish it: `ramet -b {name} evolve {evolving}`, or take another branch")
    connection.execute(delete(branch_state).where(branch_state.c.branch == name))
    connection.execute(delete(branches).where(branches.c.name == name))


def add_tag(connection: Connection, tag: Tag) -> None:
    """Add a tag (see Versions.tag)."""
    _check_new(connection, tag.name)
    connection.execute(insert(tags).values(asdict(tag)))


def _check_new(connection: Connection, name: str) -> None:
    """Make sure that a name can be a branch's or a tag's, and can be mistaken for nothing else."""
    if not _NAME.fullmatch(name) or len(name) > MAX_NAME or name == _HEAD:
        remedy = "use letters, digits, '.', '_', '-' (and '/' between parts), starting with a letter or digit"
        problem = f"{name!r} cannot be the name of a branch or a tag"
        raise InvalidValue(problem, f"{remedy}, at most {MAX_NAME} characters")
    for kind, column in (("branch", branches.c.name), ("tag", tags.c.name)):
        if connection.execute(select(column).where(column == name)).first():
            raise InvalidValue(f"there is a {kind} {name!r} already", "take another name")
    commit = connection.execute(select(commits.c.id).where(commits.c.id.between(name, name + "~")).limit(1)).scalar()
    if commit is not None and len(name) >= SHORTEST_START:
        raise InvalidValue(f"{name!r} would be mistaken for the commit {commit}", "take another name")


def meant(connection: Connection, name: str) -> str:
    """Return the remedy for a name that is not there."""
    known = connection.execute(union_all(select(branches.c.name), select(tags.c.name))).scalars().all()
    return did_you_mean(name, known, "`ramet log`, `ramet branch` and `ramet tag` list them")


def current_branch(folder: Path) -> str:
    """Return the name of the branch that a working folder is on; that there is one of that name is not checked."""
    file = folder / _HEAD
    with refusals(f"cannot read {file}"):
        try:
            return file.read_text(encoding="utf-8").strip() or versions.MAIN
        except FileNotFoundError:
            return versions.MAIN
        except UnicodeDecodeError as error:
            raise StoreError(f"{file} is damaged", "delete it, then `ramet switch` to a branch") from error


def set_current_branch(folder: Path, branch: str) -> None:
    """Put a working folder on a branch."""
    write_whole(folder / _HEAD, f"{branch}\n".encode())
