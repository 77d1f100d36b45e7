"""Any mix of all that moves versions, in two systems that share by a plain remote, against a simple model of them."""

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
from ramet.store.remote import PlainRemote
from ramet.store.sharing import pull, push
from tests.store.examples import a_child, a_path, a_task, make_system
from tests.store.model import Graph, Place, Side, State

TASKS = ("beans", "digits", "letters")
BRANCHES = ("main", "one", "hub/main")
TAGS = ("tag", "mark")
SYSTEM, BRANCH = st.sampled_from("ab"), st.sampled_from(BRANCHES)
KNOWN = {"a": TASKS[:2], "b": TASKS[1:]}
"""The tasks that are there at first."""


@pytest.fixture(scope="module", autouse=True)
def ground(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The two systems that every example begins with: they have one commit in common, and roots of the same name."""
    Versions.ground = tmp_path_factory.mktemp("ground")
    for name, tasks in KNOWN.items():
        store = make_system(Versions.ground / name, tasks)
        digest = store.objects.put({"weight": torch.full((3,), float(ord(name)))})
        store.catalog.add_root("own", a_path(None, (digest,), agent="root"))
        store.catalog.close()


class Versions(RuleBasedStateMachine):
    """Rules act on the system `at`, whose model is `side`; `hub` is the model of the remote."""

    ground: FilePath

    @initialize(grown=st.booleans())
    def make(self, grown: bool) -> None:
        """New systems, or such as have parted already: rules at random seldom get that far."""
        self.folder = FilePath(tempfile.mkdtemp())
        shutil.copytree(self.ground, self.folder, dirs_exist_ok=True)
        self.stores = {name: open_store(self.folder / name) for name in KNOWN}
        self.remote = PlainRemote((self.folder / "hub").as_uri(), self.folder / "copies")
        [start] = {store.catalog.head().id for store in self.stores.values()}
        self.graph = Graph({start: {}}, {start: ()})
        self.sides = {
            name: Side(heads={"main": start}, tasks=set(tasks), record={start}) for name, tasks in KNOWN.items()
        }
        self.hub = Place()
        self.made: dict[str, Path] = {}
        self.whole: dict[str, set[str]] = {name: set() for name in self.stores}
        self.at = "a"
        if grown:
            self.evolve("a", "main", "digits", 1, add=False)
            self.add_branch("a", "one", self.graph.kept(self.side).index(self.head))
            self.push("a", "main")
            self.pull("b", "main")
            self.evolve("a", "one", "beans", 2, add=False)
            self.evolve("b", "main", "letters", 3, add=False)

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            for name, store in self.stores.items():
                assert verify(store.catalog, store.objects) == []
                for commit in sorted(self.sides[name].record):
                    paths = store.catalog.published(commit)
                    assert {task: path.id for task, path in paths.items()} == self.graph.states[commit]
                store.catalog.close()
            self.the_remote_is_as_the_model()
            shutil.rmtree(self.folder)

    @property
    def store(self) -> Store:
        return self.stores[self.at]

    @property
    def side(self) -> Side:
        return self.sides[self.at]

    @property
    def branch(self) -> str:
        return self.side.branch

    @property
    def head(self) -> str:
        return self.side.heads[self.branch]

    @property
    def now(self) -> State:
        return self.graph.states[self.head]

    def digests(self, paths: set[str]) -> set[str]:
        return {digest for path in paths for digest in self.made[path].digests()}

    def a_commit(self, pick: int) -> str:
        """One of those that a name leads to."""
        kept = self.graph.kept(self.side)
        return kept[pick % len(kept)]

    def moved(self, commit: str, state: State, *others: str) -> None:
        """The current branch is at a commit now; a new one follows where the branch was."""
        assert self.graph.states.setdefault(commit, state) == state
        self.graph.parents.setdefault(commit, (self.head, *others))
        self.arrived(self.branch, commit)

    def arrived(self, branch: str, commit: str) -> None:
        self.side.heads[branch] = commit
        self.side.tasks.update(self.graph.states[commit])
        self.side.record |= self.graph.past(commit)

    def go(self, at: str, name: str) -> None:
        """To a system, and a branch of it if it has that one."""
        self.at = at
        if name in self.side.heads:
            self.side.branch = name

    @rule(at=SYSTEM, on=BRANCH, task=st.sampled_from(TASKS), version=st.integers(0, 9), add=st.booleans())
    def evolve(self, at: str, on: str, task: str, version: int, add: bool) -> None:
        """A run of one cycle, whose trainer only writes down a number; the number is shared by the tasks."""
        self.go(at, on)
        catalog = self.store.catalog
        if task not in self.side.tasks and not add:
            with pytest.raises(UnknownName):
                catalog.publish([a_path(task)], message="", method="", branch=self.branch)
            return
        if task not in self.side.tasks:
            catalog.add_task(a_task(task))
            self.side.tasks.add(task)
        elif add:
            with pytest.raises(InvalidValue):
                catalog.add_task(a_task(task))
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

    @rule(at=SYSTEM, on=BRANCH, task=st.sampled_from(TASKS))
    def remove(self, at: str, on: str, task: str) -> None:
        self.go(at, on)
        catalog, tasks = self.store.catalog, self.side.tasks
        users = [name for name, head in self.side.heads.items() if task in self.graph.states[head]]
        if task not in tasks or (users and self.branch not in users):
            with pytest.raises((UnknownName, InvalidValue)):
                catalog.remove_task(task, branch=self.branch)
            return
        catalog.remove_task(task, branch=self.branch)
        self.moved(catalog.head(self.branch).id, {t: p for t, p in self.now.items() if t != task})
        if users in ([], [self.branch]):
            tasks.discard(task)

    @rule(at=SYSTEM, name=BRANCH, pick=st.integers(0, 1000))
    def add_branch(self, at: str, name: str, pick: int) -> None:
        self.at = at
        commit = self.a_commit(pick)
        if name in self.side.heads:
            with pytest.raises(InvalidValue):
                self.store.catalog.branch(name, commit)
            return
        assert self.store.catalog.branch(name, commit).id == commit
        self.arrived(name, commit)

    @rule(at=SYSTEM, name=BRANCH, tag=st.sampled_from((*TAGS, None)))
    def delete_branch(self, at: str, name: str, tag: str | None) -> None:
        """A tag, if one is given, keeps what only the branch led to."""
        self.go(at, "main")
        if name in self.side.heads and name != "main":
            if tag is not None and tag not in self.side.tags:
                self.store.catalog.tag(tag, name)
                self.side.tags[tag] = self.side.heads[name]
            self.store.catalog.delete_branch(name)
            del self.side.heads[name]

    @rule(at=SYSTEM, on=BRANCH, name=st.sampled_from(TAGS))
    def tag(self, at: str, on: str, name: str) -> None:
        self.go(at, on)
        if name in self.side.tags:
            self.store.catalog.delete_tag(name)
            del self.side.tags[name]
        else:
            self.store.catalog.tag(name, self.branch)
            self.side.tags[name] = self.head

    @rule(at=SYSTEM, on=BRANCH, name=BRANCH, policy=st.sampled_from((None, "ours", "theirs")))
    def merge(self, at: str, on: str, name: str, policy: str | None) -> None:
        self.go(at, on)
        if name not in self.side.heads:
            return
        ours, theirs = self.head, self.side.heads[name]
        expected = self.graph.merged(ours, theirs, policy)
        if expected is None:
            with pytest.raises(Conflict):
                merge(self.store.catalog, name, branch=self.branch)
            return
        done = merge(self.store.catalog, name, branch=self.branch, policy=policy)  # type: ignore[arg-type]
        past = self.graph.past
        assert done.how == ("nothing" if theirs in past(ours) else "forward" if ours in past(theirs) else "merge")
        self.moved(done.commit, expected, theirs)

    @rule(at=SYSTEM, on=BRANCH, task=st.sampled_from(TASKS), pick=st.integers(0, 1000))
    def restore(self, at: str, on: str, task: str, pick: int) -> None:
        self.go(at, on)
        commit = self.a_commit(pick)
        state = self.graph.states[commit]
        if task not in state:
            with pytest.raises(UnknownName):
                self.store.catalog.restore(task, commit, branch=self.branch)
            return
        done = self.store.catalog.restore(task, commit, branch=self.branch)
        self.moved(done.id, {**self.now, task: state[task]})

    @rule(at=SYSTEM, on=BRANCH, pick=st.integers(0, 1000))
    def revert(self, at: str, on: str, pick: int) -> None:
        self.go(at, on)
        commit = self.a_commit(pick)
        changes = self.graph.changes(commit)
        wrong = {task for task, (before, _) in changes.items() if self.now.get(task) != before}
        if not wrong or any(self.now.get(task) != changes[task][1] for task in wrong):
            with pytest.raises((Conflict, InvalidValue)):
                self.store.catalog.revert(commit, branch=self.branch)
            return
        done = self.store.catalog.revert(commit, branch=self.branch)
        back = {task: changes[task][0] for task in wrong}
        self.moved(done.id, {task: path for task, path in {**self.now, **back}.items() if path is not None})

    @rule(at=SYSTEM)
    def gc(self, at: str) -> None:
        self.at = at
        gc(self.store.catalog, self.store.objects, delete=True)
        assert set(self.store.objects.digests()) == reachable(self.store.catalog) == self.needed()
        self.whole[self.at] &= self.needed()
        self.store.catalog.close()
        self.stores[self.at] = open_store(self.store.folder)

    @rule(at=SYSTEM, name=BRANCH)
    def push(self, at: str, name: str) -> None:
        self.at = at
        if name not in self.side.heads:
            return
        ours, theirs = self.side.heads[name], self.hub.heads.get(name)
        past, expected = self.graph.past(ours), self.graph.step(theirs, ours)
        if expected == "apart" or (expected == "behind" and theirs not in self.side.record):
            with pytest.raises(Conflict):
                push(self.store, self.remote, name)
            return
        assert push(self.store, self.remote, name).outcome == expected
        if expected == "behind":
            return
        self.hub.heads[name] = ours
        self.hub.tags |= {t: c for t, c in self.side.tags.items() if t not in self.hub.tags and c in past}
        self.the_remote_is_as_the_model()

    @rule(at=SYSTEM, name=BRANCH)
    def pull(self, at: str, name: str) -> None:
        self.at = at

        def run() -> str:
            return pull(self.store, self.remote, name, accept=lambda _: None).outcome

        if name not in self.hub.heads:
            with pytest.raises(UnknownName):
                run()
            return
        graph, old, tip = self.graph, self.side.heads.get(name), self.hub.heads[name]
        kept = set(graph.kept(self.side)) | graph.past(tip)
        branch, expected = name, graph.step(old, tip)
        step = expected
        if expected == "apart":
            branch = f"hub/{name}"
            step = graph.step(self.side.heads.get(branch), tip)
        if step == "apart":
            with pytest.raises(Conflict):
                run()
            return
        assert run() == expected
        if step in ("made", "moved"):
            self.arrived(branch, tip)
        self.side.tags = {**{t: c for t, c in self.hub.tags.items() if c in kept}, **self.side.tags}

    def needed(self) -> set[str]:
        """What the model says is needed: all that is published at a commit that a name leads to, and the roots."""
        roots = {digest for root in self.store.catalog.roots().values() for digest in root.digests()}
        return roots | self.digests(self.graph.wanted(self.side))

    @precondition(lambda self: hasattr(self, "at"))
    @invariant()
    def the_system_is_as_the_model(self) -> None:
        catalog, side = self.store.catalog, self.side
        assert {b.name: b.commit for b in catalog.branches()} == side.heads
        assert {tag.name: tag.commit for tag in catalog.tags()} == side.tags
        assert {task.name for task in catalog.tasks()} == side.tasks
        for name, head in side.heads.items():
            assert {task: path.id for task, path in catalog.published(name).items()} == self.graph.states[head]
            assert {commit.id for commit in catalog.log(name)} == self.graph.past(head)
        for digest in self.needed() - self.whole[self.at]:
            self.store.objects.check(digest)
        self.whole[self.at] |= self.needed()
        assert set(catalog.needed()) == self.needed() <= set(self.store.objects.digests())
        assert catalog.check() == []

    def the_remote_is_as_the_model(self) -> None:
        """Whoever has nothing finds there every commit of every branch, whole."""
        assert self.remote.branches() == self.hub.heads
        assert {tag.name: tag.commit for tag in self.remote.tags()} == self.hub.tags
        for head in self.hub.heads.values():
            parcel = self.remote.fetch(head, lambda _: set())
            parcel.check()
            past = self.graph.past(head)
            assert parcel.commits.keys() == past
            published = {path for commit in past for path in self.graph.states[commit].values()}
            assert published <= parcel.paths.keys()
            assert self.digests(published) <= parcel.digests()
            for digest in parcel.digests():
                self.remote.objects.check(digest)


Versions.TestCase.settings = settings(
    max_examples=12, stateful_step_count=30, deadline=None, suppress_health_check=list(HealthCheck)
)
TestVersions = Versions.TestCase
