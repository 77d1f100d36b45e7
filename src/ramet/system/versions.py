"""The versions of a system: its history, branches and tags, and all that goes back or together.

A name of a commit is a branch, a tag, an id or the start of one; `HEAD` is the branch that the system is on, `NAME~N`
the N-th commit before one.
"""

from collections.abc import Collection, Sequence

from ramet.base.errors import InvalidValue, ObjectError, UnknownName
from ramet.base.records import Commit, Path
from ramet.evolution.merge import Policy, merge
from ramet.evolution.status import diff
from ramet.method.world import World
from ramet.results import Branch, Diff, Listing, Merged
from ramet.store.folder import Store
from ramet.store.versions.commits import Changes
from ramet.store.versions.refs import Tag, current_branch, set_current_branch

HEAD = "HEAD"


class Versions:
    """The versions of a system, seen from the branch that it is on.

    A name that is not there raises UnknownName. What brings an old commit back raises ObjectError where gc has dropped
    objects that it needs, because no branch or tag led to it.

    Args:
        store: the open system.
        branch: its name; the one that the folder is on by default.

    Attributes:
        branch: the branch that the system is on.
    """

    def __init__(self, store: Store, branch: str | None = None) -> None:
        self._folder = store.folder
        self._catalog = store.catalog
        self._objects = store.objects
        self.branch = current_branch(store.folder) if branch is None else branch
        if branch is not None:
            self._catalog.versions.head(branch)

    def __repr__(self) -> str:
        return f"<versions: on branch {self.branch}>"

    def published(self, at: str | None = None) -> dict[str, Path]:
        """Return the published path of every task at a commit; at the branch's last one by default."""
        return self._catalog.versions.published(self._at(at))

    def published_path(self, task: str) -> Path:
        """Return the published path of a task on the branch; one without a path raises UnknownName, too."""
        self._catalog.tasks.get(task)
        path = self._catalog.versions.published_path(self.branch, task)
        if path is None:
            raise UnknownName(f"task {task!r} has no path yet", f"train one first: `ramet evolve {task}`")
        return path

    def world(self, at: str | None = None, *, without: Collection[str] = ()) -> World:
        """Return what is published at a commit beside the roots, as scores see it; some tasks can be left out."""
        state = {task: path for task, path in self.published(at).items() if task not in without}
        return World.of(state, self._catalog.paths.roots().values())

    def log(self, at: str | None = None, *, limit: int | None = None) -> Listing[Commit]:
        """Return the commits that lead to one, newest first; from the branch's last one by default."""
        return Listing(self._catalog.versions.log(self._at(at), limit=limit))

    def commit(self, name: str | None = None) -> Commit:
        """Return the commit of a name; the branch's last one by default."""
        return self._catalog.versions.commit(self._at(name))

    def branches(self) -> Listing[Branch]:
        """Return all branches, by name."""
        return Listing(
            Branch(b.name, last.id, last.time, last.message, b.tasks, b.name == self.branch)
            for b in self._catalog.versions.branches()
            for last in (self._catalog.versions.commit(b.commit),)
        )

    def add_branch(self, name: str, at: str | None = None) -> Commit:
        """Make a branch at a commit, which is returned; the system stays on its own (see switch).

        Raises:
            InvalidValue: the name is taken, malformed, or would be mistaken for a commit's.
        """
        return self._catalog.versions.branch(name, self._kept(at))

    def delete_branch(self, name: str) -> None:
        """Forget a branch; gc frees what only it led to.

        Raises:
            InvalidValue: it is main, or the one that the system or its folder is on.
            Busy: a run on it is not done.
        """
        if name in (self.branch, current_branch(self._folder)):
            raise InvalidValue(f"the system is on branch {name!r}", "go to another one first: `ramet switch main`")
        self._catalog.versions.delete_branch(name)

    def switch(self, name: str) -> None:
        """Go to another branch, and put the folder on it: whoever opens it from now on is there."""
        self._catalog.versions.head(name)
        set_current_branch(self._folder, name)
        self.branch = name

    def tags(self) -> Listing[Tag]:
        """Return all tags, by name."""
        return Listing(self._catalog.versions.tags())

    def tag(self, name: str, at: str | None = None, *, message: str = "") -> Tag:
        """Give a commit a name that stays at it.

        Raises:
            InvalidValue: the name is taken, malformed, or would be mistaken for a commit's.
        """
        return self._catalog.versions.tag(name, self._kept(at), message=message)

    def delete_tag(self, name: str) -> None:
        """Forget a tag; gc frees what only it led to."""
        self._catalog.versions.delete_tag(name)

    def diff(self, first: str, second: str | None = None) -> Diff:
        """Return what lies between two commits, by default up to the branch: tasks, quality, size, compute."""
        one, other = (self.commit(name).id for name in (first, second))
        before, after = self.world(one), self.world(other)
        classes = {task.name: len(task.classes) for task in self._catalog.tasks.all(removed=True)}
        return diff(one, before, other, after, classes)

    def merge(self, name: str, *, policy: Policy | None = None) -> Merged:
        """Merge a branch, or another commit, into the one that the system is on, task by task, as one commit.

        Args:
            name: of what is merged.
            policy: whose path a task takes that both sides changed: `best`, the one of the better score in the merged
                system; `theirs`, that of what is merged; `ours`. None refuses such a merge.

        Raises:
            Conflict: both sides changed a task, and there is no policy.
        """
        return merge(self._catalog, self._kept(name), branch=self.branch, policy=policy)

    def gather(
        self, branch: str, head: str, sources: Sequence[str], paths: Changes, *, message: str, method: str
    ) -> Commit:
        """Publish paths of several commits on a branch by one commit, whose parents are its head and the sources.

        Args:
            branch: its name.
            head: the id of the commit that it must be at; if it is not, Moved is raised.
            sources: the ids of the commits that the paths come from.
            paths: the paths' ids by task.
            message: what the commit is for.
            method: the versions of the methods that made the paths.
        """
        return self._catalog.versions.gather(branch, head, sources, paths, message=message, method=method)

    def restore(self, task: str, at: str) -> Commit:
        """Publish the path that a task had at a commit, by a new commit."""
        at = self._at(at)
        path = self._catalog.versions.published_path(at, task)
        self._ensure_objects(at, [path] if path else [])
        return self._catalog.versions.restore(task, at, branch=self.branch)

    def revert(self, at: str) -> Commit:
        """Undo what a commit changed, by a new commit.

        Raises:
            InvalidValue: there is nothing to undo.
            Conflict: a task of it has another path by now.
        """
        commit = self.commit(at)
        before = self._catalog.versions.published(commit.parents[0]) if commit.parents else {}
        self._ensure_objects(commit.id, [before[task] for task in commit.changes if task in before])
        return self._catalog.versions.revert(commit.id, branch=self.branch)

    def _at(self, name: str | None) -> str:
        """Return the name of a commit as the catalog knows it."""
        if name is None or name == HEAD:
            return self.branch
        return self.branch + name.removeprefix(HEAD) if name.startswith(f"{HEAD}~") else name

    def _kept(self, name: str | None) -> str:
        """Return the same, where all that a branch there publishes, or would keep from gc, has its objects still."""
        at = self._at(name)
        known = self._catalog.versions
        if at not in {branch.name for branch in known.branches()} | {tag.name for tag in known.tags()}:
            self._ensure_objects(at, self._catalog.versions.published(at).values())
            if not self._catalog.versions.leads_to(at):
                ids = {path for commit in self._catalog.versions.log(at) for path in commit.changes.values() if path}
                self._ensure_objects(at, self._catalog.paths.many(sorted(ids)))
        return at

    def _ensure_objects(self, at: str, paths: Collection[Path]) -> None:
        digests = frozenset().union(*(path.digests() for path in paths))
        gone = {digest for digest in digests if digest not in self._objects}
        if gone:
            raise ObjectError(
                f"{len(gone)} objects of {at} are gone, as no branch or tag led to it when gc ran",
                "bring them back from a copy of the system",
            )
