"""Two lines of commits: where they parted, and joining them again."""

from collections.abc import Mapping
from dataclasses import dataclass

from sqlalchemy import Connection

from ramet.base.records import Commit
from ramet.store.versions import commits as versions
from ramet.store.versions import refs
from ramet.store.versions.graph import graph, merge_bases

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


def read(connection: Connection, branch: str, name: str) -> Fork:
    """Return the fork of a branch and the commit of a name."""
    ours, theirs = versions.head_id(connection, branch), refs.find_commit(connection, name)
    bases = sorted(merge_bases(graph(connection, ours), graph(connection, theirs)))
    states = {commit: versions.paths_at(connection, commit) for commit in {ours, theirs, *bases}}
    return Fork(branch, name, ours, theirs, states[ours], states[theirs], {base: states[base] for base in bases})


def join(connection: Connection, fork: Fork, commit: Commit) -> None:
    """Move the fork's branch to a commit that has all of theirs: a new one, or theirs where that is ahead.

    Raises:
        Moved: the branch, or what is merged, is elsewhere by now. The transaction must be given up.
    """
    if refs.find_commit(connection, fork.name) != fork.theirs:
        raise versions.Moved
    if commit.id != fork.theirs:
        versions.advance(connection, fork.branch, commit)
    else:
        both = fork.our_state.keys() | fork.their_state.keys()
        changes = {task: fork.their_state.get(task) for task in sorted(both)}
        changes = {task: path for task, path in changes.items() if path != fork.our_state.get(task)}
        versions.move(connection, fork.branch, fork.ours, fork.theirs, changes)
    versions.bring_back(connection, fork.branch)
