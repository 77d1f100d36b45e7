"""Any mix of all that moves versions, in two systems that share by a plain remote, against a simple model of them."""

import shutil
import tempfile
from pathlib import Path as FilePath
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from ramet.base.errors import Conflict, InvalidValue, UnknownName
from ramet.base.records import Path
from ramet.evolution.merge import merge
from ramet.store.care import check, gc, needed, verify
from ramet.store.exchange.remote import PlainRemote
from ramet.store.exchange.transfer import pull, push
from ramet.store.folder import Store, open_store
from tests.store.examples import a_child, a_path, a_task, make_system
from tests.store.model import Graph, Place, Side, State

TASKS = ("beans", "digits", "letters")
BRANCHES = ("main", "one", "hub/main")
TAGS = ("tag", "mark")
TASK, PICK = st.sampled_from(TASKS), st.integers(0, 1000)
KNOWN = {"a": TASKS[:2], "b": TASKS[1:]}
"""The tasks that are there at first."""


@pytest.fixture(scope="module", autouse=True)
def ground(tmp_path_factory: pytest.TempPathFactory) -> None:
    """The two systems that every example begins with: they have one commit in common, and roots of the same name."""
    Versions.ground = tmp_path_factory.mktemp("ground")
    for name, tasks in KNOWN.items():
        store = make_system(Versions.ground / name, tasks)
        digest = store.objects.put({"weight": torch.full((3,), float(ord(name)))})
        store.catalog.paths.add_root("own", a_path(None, (digest,), agent="root"))
        store.catalog.close()


Action = tuple[str, dict[str, Any]]


def action(at: str, on: str, name: str, /, **arguments: Any) -> Action:
    """Something that is done on a branch of a system."""
    return name, {"at": at, "on": on, **arguments}


def evolve(at: str, on: str, task: str, version: int) -> Action:
    return action(at, on, "evolve", task=task, version=version, add=False)


PARTED = (
    evolve("a", "main", "digits", 1),
    action("a", "main", "add_branch", name="one", pick=None),
    action("a", "main", "push"),
    action("b", "main", "pull", name="main"),
    evolve("a", "one", "beans", 2),
    evolve("b", "main", "letters", 3),
)
STARTS: dict[str, tuple[Action, ...]] = {
    "new": (),
    "parted": PARTED,
    # What b pulled beside its own branch went on there, and in the remote.
    "beside": (
        *PARTED,
        evolve("a", "main", "digits", 4),
        action("a", "main", "push"),
        action("b", "main", "pull", name="main"),
        evolve("b", "hub/main", "digits", 5),
        evolve("a", "main", "digits", 6),
        action("a", "main", "push"),
        action("b", "main", "pull", name="main"),
    ),
    # Only a tag leads to what a branch had.
    "tagged": (*PARTED, action("a", "one", "delete_branch", tag="tag"), action("a", "main", "gc")),
    # b knows the commits of a branch that it let go, and has freed its objects.
    "freed": (
        *PARTED,
        action("a", "one", "push"),
        action("b", "main", "pull", name="one"),
        action("b", "one", "delete_branch", tag=None),
        action("b", "main", "gc"),
        action("b", "main", "pull", name="one"),
    ),
    # Two branches have merged each other, and then one went back to what the other had before.
    "crossed": (
        *PARTED,
        evolve("a", "main", "digits", 7),
        action("a", "main", "add_branch", name="hub/main", pick=None),
        action("a", "main", "merge", pick="one", policy=None),
        action("a", "one", "merge", pick="hub/main", policy=None),
        evolve("a", "main", "digits", 1),
        action("a", "main", "merge", pick="one", policy=None),
    ),
}
"""What is done before the rules go on: at random they seldom get that far."""

_ON = {"at": st.sampled_from("ab"), "on": PICK}
ACTIONS: dict[str, tuple[int, dict[str, st.SearchStrategy[Any]]]] = {
    "evolve": (4, {**_ON, "task": TASK, "version": st.integers(0, 9), "add": st.booleans()}),
    "remove": (1, {**_ON, "task": TASK}),
    "add_branch": (1, {**_ON, "name": st.sampled_from(BRANCHES), "pick": PICK}),
    "delete_branch": (2, {**_ON, "tag": st.sampled_from((*TAGS, None))}),
    "tag": (1, {**_ON, "name": st.sampled_from(TAGS)}),
    "merge": (2, {**_ON, "pick": PICK, "policy": st.sampled_from((None, "ours", "theirs"))}),
    "restore": (1, {**_ON, "task": TASK, "pick": PICK}),
    "revert": (1, {**_ON, "pick": PICK}),
    "gc": (1, _ON),
    "push": (2, _ON),
    "pull": (2, {**_ON, "name": st.sampled_from(BRANCHES)}),
}
"""What may be done, how often, and with what: on which branch of which system, and more."""

# One rule for all: of many, hypothesis leaves most out of an example, and the others have nothing to act on.
ACTION = st.sampled_from([name for name, (weight, _) in ACTIONS.items() for _ in range(weight)]).flatmap(
    lambda name: st.tuples(st.just(name), st.fixed_dictionaries(ACTIONS[name][1]))
)


class Versions(RuleBasedStateMachine):
    """Rules act on the system `at`, whose model is `side`; `hub` is the model of the remote."""

    ground: FilePath
    start: tuple[Action, ...]

    @initialize()
    def make(self) -> None:
        self.folder = FilePath(tempfile.mkdtemp())
        shutil.copytree(self.ground, self.folder, dirs_exist_ok=True)
        self.stores = {name: open_store(self.folder / name) for name in KNOWN}
        self.remote = PlainRemote((self.folder / "hub").as_uri(), self.folder / "copies")
        [first] = {store.catalog.versions.head().id for store in self.stores.values()}
        self.graph = Graph({first: {}}, {first: ()})
        self.sides = {
            name: Side(heads={"main": first}, tasks=set(tasks), record={first}) for name, tasks in KNOWN.items()
        }
        self.hub = Place()
        self.made: dict[str, Path] = {}
        self.whole: dict[str, set[str]] = {name: set() for name in self.stores}
        self.at = "a"
        for step in self.start:
            self.do(step)

    def teardown(self) -> None:
        if hasattr(self, "folder"):
            for name, store in self.stores.items():
                assert verify(store.catalog, store.objects) == []
                for commit in sorted(self.sides[name].record):
                    paths = store.catalog.versions.published(commit)
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

    def a_branch(self, pick: int | str) -> str:
        return pick if isinstance(pick, str) else sorted(self.side.heads)[pick % len(self.side.heads)]

    def a_commit(self, pick: int | None) -> str:
        """One of those that a name leads to; the current one for None."""
        if pick is None:
            return self.head
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

    @rule(action=ACTION)
    def do(self, action: Action) -> None:
        """Go to a branch of a system, and do something there."""
        name, arguments = action
        self.at = arguments["at"]
        self.side.branch = self.a_branch(arguments["on"])
        getattr(self, name)(**{key: value for key, value in arguments.items() if key not in _ON})

    def evolve(self, task: str, version: int, add: bool) -> None:
        """A run of one cycle, whose trainer only writes down numbers: one that tasks share, and one of its own."""
        catalog = self.store.catalog
        if task not in self.side.tasks and not add:
            with pytest.raises(UnknownName):
                catalog.versions.publish([a_path(task)], message="", method="", branch=self.branch)
            return
        if task not in self.side.tasks:
            catalog.tasks.add(a_task(task))
            self.side.tasks.add(task)
        elif add:
            with pytest.raises(InvalidValue):
                catalog.tasks.add(a_task(task))
        with catalog.leases.hold(task, branch=self.branch):
            agent = catalog.agents.start(task, method={}, label="m/1", seed=0, cycles=1, samples=1, branch=self.branch)
            numbers = (version // 2, 10 * (1 + TASKS.index(task)) + version)
            digests = tuple(self.store.objects.put({"weight": torch.full((2,), float(n))}) for n in numbers)
            path = a_path(task, digests, mu={"hp:x": version})
            catalog.agents.record_generation(agent.id, 0, 0, [a_child(path)], [path.id])
            commit = catalog.versions.publish(
                [path], message=f"{version}", method="m/1", branch=self.branch, close_cycle=agent
            )
        self.made[path.id] = path
        self.moved(commit.id, {**self.now, task: path.id})

    def remove(self, task: str) -> None:
        catalog, tasks = self.store.catalog, self.side.tasks
        users = [name for name, head in self.side.heads.items() if task in self.graph.states[head]]
        if task not in tasks or (users and self.branch not in users):
            with pytest.raises((UnknownName, InvalidValue)):
                catalog.versions.remove(task, branch=self.branch)
            return
        catalog.versions.remove(task, branch=self.branch)
        self.moved(catalog.versions.head(self.branch).id, {t: p for t, p in self.now.items() if t != task})
        if users in ([], [self.branch]):
            tasks.discard(task)

    def add_branch(self, name: str, pick: int | None) -> None:
        commit = self.a_commit(pick)
        if name in self.side.heads:
            with pytest.raises(InvalidValue):
                self.store.catalog.versions.branch(name, commit)
            return
        assert self.store.catalog.versions.branch(name, commit).id == commit
        self.arrived(name, commit)

    def delete_branch(self, tag: str | None) -> None:
        """A tag, if one is given, keeps what only the branch led to."""
        name, self.side.branch = self.branch, "main"
        if name != "main":
            if tag is not None and tag not in self.side.tags:
                self.store.catalog.versions.tag(tag, name)
                self.side.tags[tag] = self.side.heads[name]
            self.store.catalog.versions.delete_branch(name)
            del self.side.heads[name]

    def tag(self, name: str) -> None:
        if name in self.side.tags:
            self.store.catalog.versions.delete_tag(name)
            del self.side.tags[name]
        else:
            self.store.catalog.versions.tag(name, self.branch)
            self.side.tags[name] = self.head

    def merge(self, pick: int | str, policy: str | None) -> None:
        name = self.a_branch(pick)
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

    def restore(self, task: str, pick: int) -> None:
        commit = self.a_commit(pick)
        state = self.graph.states[commit]
        if task not in state:
            with pytest.raises(UnknownName):
                self.store.catalog.versions.restore(task, commit, branch=self.branch)
            return
        done = self.store.catalog.versions.restore(task, commit, branch=self.branch)
        self.moved(done.id, {**self.now, task: state[task]})

    def revert(self, pick: int) -> None:
        commit = self.a_commit(pick)
        changes = self.graph.changes(commit)
        wrong = {task for task, (before, _) in changes.items() if self.now.get(task) != before}
        if not wrong or any(self.now.get(task) != changes[task][1] for task in wrong):
            with pytest.raises((Conflict, InvalidValue)):
                self.store.catalog.versions.revert(commit, branch=self.branch)
            return
        done = self.store.catalog.versions.revert(commit, branch=self.branch)
        back = {task: changes[task][0] for task in wrong}
        self.moved(done.id, {task: path for task, path in {**self.now, **back}.items() if path is not None})

    def gc(self) -> None:
        gc(self.store.catalog, self.store.objects, delete=True)
        assert set(self.store.objects.digests()) == needed(self.store.catalog).keys() == self.needed()
        self.whole[self.at] &= self.needed()
        self.store.catalog.close()
        self.stores[self.at] = open_store(self.store.folder)

    def push(self) -> None:
        name = self.branch
        ours, theirs = self.head, self.hub.heads.get(name)
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

    def pull(self, name: str) -> None:
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
        roots = {digest for root in self.store.catalog.paths.roots().values() for digest in root.digests()}
        return roots | self.digests(self.graph.wanted(self.side))

    @precondition(lambda self: hasattr(self, "at"))
    @invariant()
    def the_system_is_as_the_model(self) -> None:
        catalog, side = self.store.catalog, self.side
        assert {b.name: b.commit for b in catalog.versions.branches()} == side.heads
        assert {tag.name: tag.commit for tag in catalog.versions.tags()} == side.tags
        assert {task.name for task in catalog.tasks.all()} == side.tasks
        for name, head in side.heads.items():
            assert {task: path.id for task, path in catalog.versions.published(name).items()} == self.graph.states[head]
            assert {commit.id for commit in catalog.versions.log(name)} == self.graph.past(head)
        for digest in self.needed() - self.whole[self.at]:
            self.store.objects.read(digest)
        self.whole[self.at] |= self.needed()
        assert set(needed(catalog)) == self.needed() <= set(self.store.objects.digests())
        assert check(catalog) == []

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
                self.remote.objects.read(digest)


@pytest.mark.parametrize("name", STARTS)
def test_any_mix_of_moves_leaves_what_the_model_says(name: str) -> None:
    """From each start: drawn among other things, hypothesis leaves some of them out."""

    class From(Versions):
        start = STARTS[name]

    some = settings(max_examples=5, stateful_step_count=20, deadline=None, suppress_health_check=list(HealthCheck))
    run_state_machine_as_test(From, settings=some)
