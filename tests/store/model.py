"""A model of systems whose versions move: sets and dictionaries that say what must be there."""

from dataclasses import dataclass, field

State = dict[str, str]
"""The published path's id of every task."""


@dataclass
class Place:
    """A system or a remote: where its branches and tags are."""

    heads: dict[str, str] = field(default_factory=dict)
    tags: dict[str, str] = field(default_factory=dict)


@dataclass
class Side(Place):
    """A system: beside its refs the branch it is on, the tasks that are there, and all commits on record."""

    branch: str = "main"
    tasks: set[str] = field(default_factory=set)
    record: set[str] = field(default_factory=set)


@dataclass
class Graph:
    """What every commit of any system publishes, and what it follows."""

    states: dict[str, State] = field(default_factory=dict)
    parents: dict[str, tuple[str, ...]] = field(default_factory=dict)

    def past(self, *heads: str) -> set[str]:
        """Commits and all that they follow."""
        found: set[str] = set()
        left = list(heads)
        while left:
            commit = left.pop()
            if commit not in found:
                found.add(commit)
                left += self.parents[commit]
        return found

    def kept(self, place: Place) -> list[str]:
        """The commits that a place's refs lead to, in an order that does not depend on the run."""
        return sorted(self.past(*place.heads.values(), *place.tags.values()))

    def wanted(self, place: Place) -> set[str]:
        """The paths that a place must have whole."""
        return {path for commit in self.kept(place) for path in self.states[commit].values()}

    def changes(self, commit: str) -> dict[str, tuple[str | None, str | None]]:
        """What the tasks were and are that a commit changed."""
        after = self.states[commit]
        before = self.states[self.parents[commit][0]] if self.parents[commit] else after
        both = before.keys() | after.keys()
        return {task: (before.get(task), after.get(task)) for task in both if before.get(task) != after.get(task)}

    def step(self, old: str | None, new: str) -> str:
        """What becomes of a branch (None: not there) to which a commit is brought."""
        if old is None or old == new:
            return "made" if old is None else "even"
        if new in self.past(old):
            return "behind"
        return "moved" if old in self.past(new) else "apart"

    def merged(self, ours: str, theirs: str, policy: str | None) -> State | None:
        """What a merge must publish; None where it has to be refused."""
        mine, other = self.states[ours], self.states[theirs]
        if theirs in self.past(ours):
            return mine
        if ours in self.past(theirs):
            return other
        common = self.past(ours) & self.past(theirs)
        nearest = [c for c in common if not any(c in self.past(o) for o in common - {c})]
        result: dict[str, str | None] = {}
        for task in mine.keys() | other.keys():
            sides = (mine.get(task), other.get(task))
            news = [all(self.states[base].get(task) != side for base in nearest) for side in sides]
            if sides[0] == sides[1] or news == [True, False]:
                result[task] = sides[0]
            elif news == [False, True]:
                result[task] = sides[1]
            elif policy is None:
                return None
            else:
                result[task] = sides[policy == "theirs"]
        return {task: path for task, path in result.items() if path is not None}
