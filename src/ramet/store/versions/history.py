"""The versions of a system: its commits, branches and tags, and all that moves a branch."""

import getpass
import os
import socket
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, func, select, update

from ramet.base import __version__
from ramet.base.errors import Conflict, InvalidValue, UnknownName
from ramet.base.records import Commit, Path
from ramet.store.catalog import agents, rows
from ramet.store.catalog.agents import Agent
from ramet.store.catalog.codec import path_of
from ramet.store.catalog.database import Part
from ramet.store.catalog.schema import agents as runs
from ramet.store.catalog.schema import branches, paths, tags, tasks
from ramet.store.versions import commits as versions
from ramet.store.versions import refs
from ramet.store.versions.commits import MAIN, Changes, graph
from ramet.store.versions.refs import Branch, Tag

AUTHOR_VARIABLE = "RAMET_AUTHOR"
"""Who makes commits; `user@host` where it is not set."""

State = Mapping[str, str]
"""The published path's id of every task."""


@dataclass(frozen=True, slots=True)
class Fork:
    """A branch and what is to be merged into it, as they were read.

    ours is the commit of `branch`, theirs the one that `name` names; bases are the states at the nearest commits that
    both follow: several, where the two were merged crosswise before.
    """

    branch: str
    name: str
    ours: str
    theirs: str
    our_state: State
    their_state: State
    bases: Mapping[str, State]

    @property
    def is_merged(self) -> bool:
        """Say whether the branch has all of theirs."""
        return self.theirs in self.bases

    @property
    def is_ahead(self) -> bool:
        """Say whether theirs only goes on from where the branch is: then the branch just moves."""
        return self.ours in self.bases


class Versions(Part):
    """A catalog's published state: what it was, is, and becomes.

    A name of a commit is a branch, a tag, an id or the start of one; `NAME~N` is the N-th commit before it.
    """

    # Commits

    def head(self, branch: str = MAIN) -> Commit:
        """Return the last commit of a branch."""
        with self._database.reading() as connection:
            return versions.read(connection, [versions.head_id(connection, branch)])[0]

    def commit(self, name: str) -> Commit:
        """Return the commit of a name."""
        with self._database.reading() as connection:
            return versions.read(connection, [refs.find_commit(connection, name)])[0]

    def log(self, at: str = MAIN, *, limit: int | None = None) -> list[Commit]:
        """Return a commit and all that it follows, merged ones too: each before what it follows, the newer first."""
        with self._database.reading() as connection:
            history = graph(connection, refs.find_commit(connection, at))
            return versions.read(connection, versions.newest_first(history)[:limit])

    def published(self, at: str = MAIN) -> dict[str, Path]:
        """Return the published path of every task, at a branch or any other commit."""
        with self._database.reading() as connection:
            now = versions.state(connection, refs.find_commit(connection, at))
            chosen = select(now.c.task, *rows.columns).join(now, paths.c.id == now.c.path).order_by(now.c.task)
            return {row.task: path_of(row.record, row.metrics) for row in connection.execute(chosen)}

    def published_path(self, at: str, task: str) -> Path | None:
        """Return the published path of one task at a branch or any other commit, if it has one."""
        with self._database.reading() as connection:
            id = versions.path_at(connection, refs.find_commit(connection, at), task)
            return None if id is None else rows.paths_in_order(connection, [id])[0]

    def publish(
        self, new: Sequence[Path], *, message: str, method: str, branch: str = MAIN, close_cycle: Agent | None = None
    ) -> Commit:
        """Make paths, one a task, the published ones; what others publish meanwhile for other tasks stays.

        Known paths only have their metrics added to. The agent close_cycle ends its cycle in the same transaction: it
        goes on to the next one or is done.

        Returns:
            The commit, or the branch's last one where every path is published already.

        Raises:
            Busy: the agent's cycle was ended by another process.
        """
        wanted = {path.task or "": path.id for path in new}
        with self._database.writing() as connection:
            for task in wanted:
                rows.find_task(connection, task)
            rows.put_paths(connection, new)
            commit = self.move(connection, branch, wanted, message, method)
            if close_cycle is not None:
                agents.close_cycle(connection, close_cycle, commit.id)
            return commit

    def remove(self, task: str, *, branch: str = MAIN) -> None:
        """Take a task off a branch by a commit; its agent there, if one runs, is done. Its history stays.

        The task itself is removed unless another branch publishes or evolves it.

        Raises:
            InvalidValue: it is only on other branches.
        """
        with self._database.writing() as connection:
            rows.find_task(connection, task)
            users = _using(connection, task)
            if users and branch not in users:
                problem = f"task {task!r} is not on branch {branch!r} but on {', '.join(users)}"
                raise InvalidValue(problem, f"take it off there: `ramet -b {users[0]} task remove {task}`")
            self.move(connection, branch, {task: None}, f"remove {task}", "")
            agent = agents.running(connection, task, branch)
            if agent is not None:
                agents.finish(connection, agent.id)
            if not _using(connection, task):
                connection.execute(update(tasks).where(tasks.c.name == task).values(removed=True))

    # Branches and tags

    def branch(self, name: str, at: str = MAIN) -> Commit:
        """Make a branch at a commit, which is returned. It costs nothing but what is published on it later.

        Raises:
            InvalidValue: the name is taken, malformed, or would be mistaken for a commit's.
        """
        with self._database.writing() as connection:
            commit = refs.find_commit(connection, at)
            refs.add_branch(connection, name, commit)
            return versions.read(connection, [commit])[0]

    def branches(self) -> list[Branch]:
        """Return all branches, by name."""
        with self._database.reading() as connection:
            found = []
            for row in connection.execute(select(branches).order_by(branches.c.name)).all():
                now = versions.state(connection, row.commit)
                count = connection.execute(select(func.count()).select_from(now)).scalar_one()
                found.append(Branch(row.name, row.commit, count))
            return found

    def delete_branch(self, name: str) -> None:
        """Forget a branch. What only it leads to is freed by gc.

        Raises:
            InvalidValue: it is main.
            Busy: a run on it is not done.
        """
        with self._database.writing() as connection:
            refs.delete_branch(connection, name)

    def tag(self, name: str, at: str = MAIN, *, message: str = "") -> Tag:
        """Give a commit a name that stays at it (InvalidValue as for a branch's)."""
        with self._database.writing() as connection:
            tag = Tag(name, refs.find_commit(connection, at), message, at_time(self._clock()))
            refs.add_tag(connection, tag)
            return tag

    def tags(self) -> list[Tag]:
        """Return all tags, by name."""
        with self._database.reading() as connection:
            return [Tag(**row) for row in connection.execute(select(tags).order_by(tags.c.name)).mappings()]

    def delete_tag(self, name: str) -> None:
        """Forget a tag. What only it leads to is freed by gc."""
        with self._database.writing() as connection:
            if not connection.execute(delete(tags).where(tags.c.name == name)).rowcount:
                raise UnknownName(f"no tag is called {name!r}", refs.meant(connection, name))

    def leads_to(self, at: str) -> bool:
        """Say whether a branch or a tag is at a commit or after it, so that gc keeps what it published."""
        with self._database.reading() as connection:
            commit = refs.find_commit(connection, at)
            for ref in (branches, tags):  # the usual case costs nothing of the history
                if connection.execute(select(ref.c.name).where(ref.c.commit == commit).limit(1)).first():
                    return True
            return commit in connection.execute(refs.reached()).scalars().all()

    # Going back, and together

    def restore(self, task: str, at: str, *, branch: str = MAIN) -> Commit:
        """Publish the path that a task had at a commit, as a new commit; the task is there again if it was removed.

        Raises:
            UnknownName: the task had no path there.
        """
        with self._database.writing() as connection:
            commit = refs.find_commit(connection, at)
            path = versions.path_at(connection, commit, task)
            if path is None:
                rows.find_task(connection, task, removed=True)
                raise UnknownName(f"task {task!r} has no path at {at}", f"`ramet log {at}` tells when it had one")
            method = rows.find_path(connection, path).method
            restored = self.move(connection, branch, {task: path}, f"restore {task} from {commit}", method)
            versions.bring_back(connection, branch)
            return restored

    def revert(self, at: str, *, branch: str = MAIN) -> Commit:
        """Undo what a commit changed, against its first parent, as a new commit.

        Raises:
            InvalidValue: it changed nothing, or it is undone already.
            Conflict: a task has another path by now.
        """
        with self._database.writing() as connection:
            commit = versions.read(connection, [refs.find_commit(connection, at)])[0]
            known = versions.paths_at(connection, commit.parents[0]) if commit.parents else {}
            before = {task: known.get(task) for task in commit.changes} if commit.parents else {}
            now = versions.paths_on(connection, branch, before)
            wrong = [task for task in before if now.get(task) != before[task]]
            moved = [task for task in sorted(wrong) if now.get(task) != commit.changes[task]]
            if moved:
                raise Conflict(
                    f"commit {commit.id} cannot be undone: {', '.join(moved)} changed again since",
                    f"bring one back: `ramet restore {moved[0]} --from {commit.id}~1`",
                    moved,
                )
            if not wrong:
                raise InvalidValue(f"commit {commit.id} has nothing to undo on {branch!r}", "`ramet log` shows commits")
            undone = {task: before[task] for task in wrong}
            reverted = self.move(connection, branch, undone, f"revert {commit.id}: {commit.message}", commit.method)
            versions.bring_back(connection, branch)
            return reverted

    def fork(self, name: str, *, branch: str = MAIN) -> Fork:
        """Return the fork of a branch and another commit: where they parted, and what each of them publishes."""
        with self._database.reading() as connection:
            ours, theirs = versions.head_id(connection, branch), refs.find_commit(connection, name)
            bases = sorted(versions.merge_bases(graph(connection, ours), graph(connection, theirs)))
            states = {commit: versions.paths_at(connection, commit) for commit in {ours, theirs, *bases}}
            known = {base: states[base] for base in bases}
            return Fork(branch, name, ours, theirs, states[ours], states[theirs], known)

    def merge(self, fork: Fork, changes: Changes, *, message: str) -> Commit:
        """Join what parted: by one commit with two parents, or where theirs is only ahead, by moving the branch there.

        changes are the paths to take from theirs, by task; None takes one out.

        Raises:
            versions.Moved: one of the two is elsewhere by now, and nothing was done: read the fork again.
        """
        commit = self.new_commit((fork.ours, fork.theirs), changes, message, "")
        with self._database.writing() as connection:
            if refs.find_commit(connection, fork.name) != fork.theirs:
                raise versions.Moved
            if fork.is_ahead:
                commit = versions.read(connection, [fork.theirs])[0]
                between = versions.between(fork.our_state, fork.their_state)
                versions.move(connection, fork.branch, fork.ours, fork.theirs, between)
            else:
                versions.advance(connection, fork.branch, commit)
            versions.bring_back(connection, fork.branch)
        return commit

    def gather(
        self, branch: str, head: str, others: Sequence[str], changes: Changes, *, message: str, method: str
    ) -> Commit:
        """Publish what other commits have by one commit, whose parents are the branch's last one (head) and these.

        changes are the paths to take from them, by task; method names the methods that made these.

        Raises:
            versions.Moved: the branch is elsewhere by now, and nothing was done.
        """
        commit = self.new_commit((head, *others), changes, message, method)
        with self._database.writing() as connection:
            versions.advance(connection, branch, commit)
            versions.bring_back(connection, branch)
        return commit

    # Within the transactions of others

    def move(self, connection: Connection, branch: str, wanted: Changes, message: str, method: str) -> Commit:
        """Give tasks of a branch other paths by a commit, which is returned; its last one where nothing changes."""
        head = versions.head_id(connection, branch)
        changes = versions.differences(connection, branch, wanted)
        if not changes:
            return versions.read(connection, [head])[0]
        commit = self.new_commit((head,), changes, message, method)
        versions.advance(connection, branch, commit)
        return commit

    def new_commit(self, parents: Sequence[str], changes: Changes, message: str, method: str) -> Commit:
        """Return a commit of this author and ramet, now; it is not on record yet."""
        now = {"time": at_time(self._clock()), "author": author(), "code": __version__}
        return versions.new_commit(parents, changes, message=message, method=method, **now)


def at_time(clock: float) -> str:
    """Return a time in seconds since 1970 as ISO 8601, UTC."""
    return datetime.fromtimestamp(clock, UTC).isoformat(timespec="seconds")


def author() -> str:
    """Return who makes commits."""
    named = os.environ.get(AUTHOR_VARIABLE, "").strip()
    if named:
        return named
    try:
        user = getpass.getuser()
    except (OSError, KeyError, ImportError):  # an account without a name, as in many containers
        user = "somebody"
    return f"{user}@{socket.gethostname()}"


def _using(connection: Connection, task: str) -> list[str]:
    """Return the branches that publish or evolve a task, by name."""
    evolving = select(runs.c.branch).where((runs.c.task == task) & (runs.c.state == "running"))
    found = set(connection.execute(evolving).scalars())
    for row in connection.execute(select(branches)).all():
        if versions.path_at(connection, row.commit, task) is not None:
            found.add(row.name)
    return sorted(found)
