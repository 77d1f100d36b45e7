"""Any mix of adding, evolving, branching, merging, going back and gc, against a simple model of what is published."""

import shutil
import tempfile
from pathlib import Path as FilePath

import pytest
import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from ramet.errors import Conflict, InvalidValue, UnknownName
from ramet.evolution.merge import merge
from ramet.records import Path
from ramet.store.care import gc, reachable, verify
from ramet.store.folder import Store, open_store
from tests.store.examples import a_child, a_path, a_task, make_system

TASKS = ("beans", "digits", "letters")
NAMES = ("main", "one", "two", "three")
State = dict[str, str]


class Versions(RuleBasedStateMachine):
    """states and parents tell of every commit what the model says; heads and tags where the names are."""

    store: Store

    @initialize()
    def make(self) -> None:
        self.folder = FilePath(tempfile.mkdtemp())
        self.store = make_system(self.folder / "colony", TASKS[:2])
        start = self.store.catalog.head().id
        self.states: dict[str, State] = {start: {}}
        self.parents: dict[str, tuple[str, ...]] = {start: ()}
        self.heads = {"main": start}
        self.tags: dict[str, str] = {}
        self.branch = "main"
        self.tasks = set(TASKS[:2])
        self.made: dict[str, Path] = {}

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            self.store.catalog.close()
            shutil.rmtree(self.folder)

    @property
    def now(self) -> State:
        return self.states[self.heads[self.branch]]

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

    def kept(self) -> list[str]:
        return sorted(self.past(*self.heads.values(), *self.tags.values()))

    def moved(self, commit: str, state: State, *others: str) -> None:
        """The current branch is at a commit now; a new one follows where the branch was."""
        if commit != self.heads[self.branch]:
            assert commit not in self.states or self.states[commit] == state
            self.parents.setdefault(commit, (self.heads[self.branch], *others))
            self.states[commit] = state
            self.heads[self.branch] = commit
        assert self.states[commit] == state
        self.tasks |= state.keys()

    @rule(task=st.sampled_from(TASKS))
    def add(self, task: str) -> None:
        if task in self.tasks:
            with pytest.raises(InvalidValue):
                self.store.catalog.add_task(a_task(task))
        else:
            self.store.catalog.add_task(a_task(task))
        self.tasks.add(task)

    @rule(task=st.sampled_from(TASKS), version=st.integers(0, 5))
    def evolve(self, task: str, version: int) -> None:
        """A run of one cycle, whose trainer only writes down a number; the number is shared by the tasks."""
        catalog = self.store.catalog
        if task not in self.tasks:
            with pytest.raises(UnknownName):
                catalog.publish([a_path(task)], message="", method="", branch=self.branch)
            return
        with catalog.lease(task, branch=self.branch):
            agent = catalog.start_agent(task, method={}, label="m/1", seed=0, cycles=1, samples=1, branch=self.branch)
            digests = tuple(
                self.store.objects.put({"weight": torch.full((2,), float(n))}) for n in (version, version // 2)
            )
            path = a_path(task, digests, mu={"hp:x": version})
            catalog.record_generation(agent.id, 0, 0, [a_child(path)], [path.id])
            commit = catalog.publish([path], message=f"{version}", method="m/1", branch=self.branch, close_cycle=agent)
        self.made[path.id] = path
        self.moved(commit.id, {**self.now, task: path.id})

    @rule(task=st.sampled_from(TASKS))
    def remove(self, task: str) -> None:
        catalog = self.store.catalog
        users = [name for name, head in self.heads.items() if task in self.states[head]]
        if task not in self.tasks or (users and self.branch not in users):
            with pytest.raises((UnknownName, InvalidValue)):
                catalog.remove_task(task, branch=self.branch)
            return
        catalog.remove_task(task, branch=self.branch)
        self.moved(catalog.head(self.branch).id, {t: p for t, p in self.now.items() if t != task})
        if users in ([], [self.branch]):
            self.tasks.discard(task)

    @rule(name=st.sampled_from(NAMES), pick=st.integers(0, 1000))
    def add_branch(self, name: str, pick: int) -> None:
        at = self.kept()[pick % len(self.kept())]
        if name in self.heads or name in self.tags:
            with pytest.raises(InvalidValue):
                self.store.catalog.branch(name, at)
            return
        assert self.store.catalog.branch(name, at).id == at
        self.heads[name] = at
        self.tasks |= self.states[at].keys()

    @rule(name=st.sampled_from(NAMES))
    def switch(self, name: str) -> None:
        if name in self.heads:
            self.branch = name

    @rule(name=st.sampled_from(NAMES))
    def delete_branch(self, name: str) -> None:
        if name in self.heads and name not in ("main", self.branch):
            self.store.catalog.delete_branch(name)
            del self.heads[name]

    @rule(name=st.sampled_from(("tag", "mark")))
    def tag(self, name: str) -> None:
        if name in self.tags:
            self.store.catalog.delete_tag(name)
            del self.tags[name]
        else:
            self.store.catalog.tag(name, self.branch)
            self.tags[name] = self.heads[self.branch]

    @rule(name=st.sampled_from(NAMES), policy=st.sampled_from((None, "ours", "theirs")))
    def merge(self, name: str, policy: str | None) -> None:
        if name not in self.heads:
            return
        ours, theirs = self.heads[self.branch], self.heads[name]
        expected = self.merged(ours, theirs, policy)
        if expected is None:
            with pytest.raises(Conflict):
                merge(self.store.catalog, name, branch=self.branch)
            return
        done = merge(self.store.catalog, name, branch=self.branch, policy=policy)  # type: ignore[arg-type]
        how = "nothing" if theirs in self.past(ours) else "forward" if ours in self.past(theirs) else "merge"
        assert done.how == how
        self.moved(done.commit, expected, theirs)

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

    @rule(task=st.sampled_from(TASKS), pick=st.integers(0, 1000))
    def restore(self, task: str, pick: int) -> None:
        at = self.kept()[pick % len(self.kept())]
        if task not in self.states[at]:
            with pytest.raises(UnknownName):
                self.store.catalog.restore(task, at, branch=self.branch)
            return
        commit = self.store.catalog.restore(task, at, branch=self.branch)
        self.moved(commit.id, {**self.now, task: self.states[at][task]})

    @rule(pick=st.integers(0, 1000))
    def revert(self, pick: int) -> None:
        at = self.kept()[pick % len(self.kept())]
        before = self.states[self.parents[at][0]] if self.parents[at] else self.states[at]
        after = self.states[at]
        changed = {t for t in before.keys() | after.keys() if before.get(t) != after.get(t)}
        wrong = {t for t in changed if self.now.get(t) != before.get(t)}
        if not wrong or any(self.now.get(t) != after.get(t) for t in wrong):
            with pytest.raises((Conflict, InvalidValue)):
                self.store.catalog.revert(at, branch=self.branch)
            return
        commit = self.store.catalog.revert(at, branch=self.branch)
        state = {**self.now, **{t: before[t] for t in wrong if t in before}}
        self.moved(commit.id, {t: p for t, p in state.items() if t not in wrong or t in before})

    @rule()
    def gc(self) -> None:
        gc(self.store.catalog, self.store.objects, delete=True)
        assert set(self.store.objects.digests()) == reachable(self.store.catalog) == self.needed()

    def needed(self) -> set[str]:
        """What the model says is needed: all that is published at a commit that a name leads to, and the root."""
        paths = {path for commit in self.kept() for path in self.states[commit].values()}
        root = self.store.catalog.roots()["vit"].digests()
        return {*root, *(digest for path in paths for digest in self.made[path].digests())}

    @rule()
    def reopen(self) -> None:
        self.store.catalog.close()
        self.store = open_store(self.store.folder)

    @precondition(lambda self: hasattr(self, "heads"))
    @invariant()
    def the_system_is_as_the_model(self) -> None:
        catalog = self.store.catalog
        assert {b.name: b.commit for b in catalog.branches()} == self.heads
        assert {tag.name: tag.commit for tag in catalog.tags()} == self.tags
        assert {task.name for task in catalog.tasks()} == self.tasks
        for name, head in self.heads.items():
            assert {task: path.id for task, path in catalog.published(name).items()} == self.states[head]
        assert self.needed() <= set(self.store.objects.digests())
        assert catalog.check() == []

    @precondition(lambda self: len(self.states) > 1)
    @rule(pick=st.integers(0, 1000))
    def look_back(self, pick: int) -> None:
        """Any commit is what it was when it was made; a log has all that led to it."""
        at = sorted(self.states)[pick % len(self.states)]
        assert {task: path.id for task, path in self.store.catalog.published(at).items()} == self.states[at]
        assert {commit.id for commit in self.store.catalog.log(at)} == self.past(at)
        assert verify(self.store.catalog, self.store.objects) == []


Versions.TestCase.settings = settings(
    max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestVersions = Versions.TestCase
