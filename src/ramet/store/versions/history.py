"""The versions of a system: its commits, branches and tags, and all that moves a branch."""

from collections.abc import Callable, Sequence
from datetime import UTC, datetime

from sqlalchemy import Connection, delete, func, select

from ramet.base import __version__
from ramet.base.errors import Conflict, InvalidValue, UnknownName
from ramet.base.records import Commit, Path
from ramet.store.catalog import agents, rows
from ramet.store.catalog.agents import Agent
from ramet.store.catalog.codec import path_of
from ramet.store.catalog.database import Database
from ramet.store.catalog.leases import Clock
from ramet.store.catalog.schema import branches, commit_changes, paths, tags
from ramet.store.versions import commits as versions
from ramet.store.versions import forks, refs
from ramet.store.versions.author import author
from ramet.store.versions.commits import MAIN, Changes
from ramet.store.versions.forks import Fork
from ramet.store.versions.graph import graph, newest_first
from ramet.store.versions.refs import Branch, Tag


def _nothing(_connection: Connection, _commit: str) -> None:
    """Do nothing beside moving a branch."""


class Versions:
    """A catalog's published state: what it was, is, and becomes.

    A name of a commit is a branch, a tag, an id or the start of one; `NAME~N` is the N-th commit before it.
    """

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

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
            return versions.read(connection, newest_first(history)[:limit])

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

    def publishing(self, path: str) -> list[Commit]:
        """Return the commits that made a path (its id) its task's published one: each after those that it follows."""
        with self._database.reading() as connection:
            found = connection.execute(select(commit_changes.c.commit).where(commit_changes.c.path == path)).scalars()
            return versions.read(connection, sorted(found, key=lambda commit: len(graph(connection, commit))))

    def publish(
        self,
        new: Sequence[Path],
        *,
        message: str,
        method: str,
        branch: str = MAIN,
        close_cycle: Agent | None = None,
    ) -> Commit:
        """Make paths the published ones of their tasks; what others publish meanwhile for other tasks stays.

        Args:
            new: the paths, one a task; known ones only have their metrics added to.
            message: what the commit is for.
            method: the name and version of the method that made them.
            branch: the branch that is moved.
            close_cycle: the agent whose cycle this ends in the same transaction; it goes on to the next one or is done.

        Returns:
            The commit, or the branch's last one where every path is published already.

        Raises:
            Busy: the agent's cycle was ended by another process.
        """
        wanted = {path.task or "": path.id for path in new}

        def prepare(connection: Connection) -> None:
            for task in wanted:
                rows.find_task(connection, task)
            rows.put_paths(connection, new)

        def close(connection: Connection, commit: str) -> None:
            if close_cycle is not None:
                agents.close_cycle(connection, close_cycle, commit)

        return self.move(branch, lambda _: wanted, message, method, prepare=prepare, then=close)

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
                tasks = connection.execute(select(func.count()).select_from(now)).scalar_one()
                found.append(Branch(row.name, row.commit, tasks))
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
        """Give a commit a name that stays at it.

        Raises:
            InvalidValue: the name is taken, malformed, or would be mistaken for a commit's.
        """
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
            return commit in refs.reached(connection)

    # Going back, and together

    def restore(self, task: str, at: str, *, branch: str = MAIN) -> Commit:
        """Publish the path that a task had at a commit, as a new commit; the task is there again if it was removed.

        Raises:
            UnknownName: the task had no path there.
        """
        with self._database.reading() as connection:
            commit = refs.find_commit(connection, at)
            path = versions.path_at(connection, commit, task)
            if path is None:
                rows.find_task(connection, task, removed=True)
                raise UnknownName(f"task {task!r} has no path at {at}", f"`ramet log {at}` tells when it had one")
            method = rows.find_path(connection, path).method
        return self.move(branch, lambda _: {task: path}, f"restore {task} from {commit}", method, then=_back(branch))

    def revert(self, at: str, *, branch: str = MAIN) -> Commit:
        """Undo what a commit changed, against its first parent, as a new commit.

        Raises:
            InvalidValue: it changed nothing, or it is undone already.
            Conflict: a task has another path by now.
        """
        with self._database.reading() as connection:
            commit = versions.read(connection, [refs.find_commit(connection, at)])[0]
            known = versions.paths_at(connection, commit.parents[0]) if commit.parents else {}
            before = {task: known.get(task) for task in commit.changes} if commit.parents else {}

        def wanted(connection: Connection) -> Changes:
            now = versions.paths_on(connection, branch, before)
            wrong = {task for task in before if now.get(task) != before[task]}
            moved = [task for task in sorted(wrong) if now.get(task) != commit.changes[task]]
            if moved:
                raise Conflict(
                    f"commit {commit.id} cannot be undone: {', '.join(moved)} changed again since",
                    f"bring one back: `ramet restore {moved[0]} --from {commit.id}~1`",
                    moved,
                )
            if not wrong:
                raise InvalidValue(f"commit {commit.id} has nothing to undo on {branch!r}", "`ramet log` shows commits")
            return {task: before[task] for task in before if task in wrong}

        return self.move(branch, wanted, f"revert {commit.id}: {commit.message}", commit.method, then=_back(branch))

    def fork(self, name: str, *, branch: str = MAIN) -> Fork:
        """Return the fork of a branch and another commit: where they parted, and what each of them publishes."""
        with self._database.reading() as connection:
            return forks.read(connection, branch, name)

    def merge(self, fork: Fork, changes: Changes, *, message: str) -> Commit:
        """Join what parted: by one commit with two parents, or where theirs is only ahead, by moving the branch there.

        Args:
            fork: what the changes were chosen for.
            changes: the paths to take from theirs, by task; None takes one out.
            message: what the commit is for.

        Raises:
            versions.Moved: one of the two is elsewhere by now, and nothing was done: read the fork again.
        """
        commit = self.new_commit((fork.ours, fork.theirs), changes, message, "")
        with self._database.writing() as connection:
            if fork.is_ahead:
                commit = versions.read(connection, [fork.theirs])[0]
            forks.join(connection, fork, commit)
        return commit

    def gather(
        self, branch: str, head: str, others: Sequence[str], changes: Changes, *, message: str, method: str
    ) -> Commit:
        """Publish what other commits have by one commit, whose parents are the branch's last one and these.

        Args:
            branch: the branch that is moved.
            head: its last commit, for which the changes were chosen.
            others: the commits.
            changes: the paths to take from them, by task.
            message: what the commit is for.
            method: the names and versions of the methods that made the paths.

        Raises:
            versions.Moved: the branch is elsewhere by now, and nothing was done.
        """
        commit = self.new_commit((head, *others), changes, message, method)
        with self._database.writing() as connection:
            versions.advance(connection, branch, commit)
            versions.bring_back(connection, branch)
        return commit

    def move(
        self,
        branch: str,
        wanted: Callable[[Connection], Changes],
        message: str,
        method: str,
        *,
        prepare: Callable[[Connection], object] = lambda _: None,
        then: Callable[[Connection, str], None] = _nothing,
    ) -> Commit:
        """Give tasks of a branch other paths.

        All is one transaction: nobody moves the branch between its being read and moved.

        Args:
            branch: the branch that is moved.
            wanted: what shall be published, for the branch as it is read.
            message: what the commit is for.
            method: the name and version of the method.
            prepare: done before, in the same transaction.
            then: done with the commit's id afterwards, in the same transaction.

        Returns:
            The commit, or the branch's last one where nothing changes.
        """
        with self._database.writing() as connection:
            head = versions.head_id(connection, branch)
            changes = versions.differences(connection, branch, wanted(connection))
            last = versions.read(connection, [head])[0]
            commit = self.new_commit((head,), changes, message, method) if changes else last
            prepare(connection)
            if changes:
                versions.advance(connection, branch, commit)
            then(connection, commit.id)
        return commit

    def new_commit(self, parents: Sequence[str], changes: Changes, message: str, method: str) -> Commit:
        """Return a commit of this author and ramet, now; it is not on record yet."""
        return versions.new_commit(
            parents,
            changes,
            message=message,
            method=method,
            time=at_time(self._clock()),
            author=author(),
            code=__version__,
        )


def _back(branch: str) -> Callable[[Connection, str], None]:
    return lambda connection, _: versions.bring_back(connection, branch)


def at_time(clock: float) -> str:
    """Return a time in seconds since 1970 as ISO 8601, UTC."""
    return datetime.fromtimestamp(clock, UTC).isoformat(timespec="seconds")
