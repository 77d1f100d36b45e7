"""Agents and engines: given equal results an agent finds what the search alone finds, wherever it was killed."""

from collections.abc import Sequence
from pathlib import Path as FilePath

import pytest
from benchmarks.simulation.colony import trained

import ramet.system as ramet
from ramet.base.progress import QUIET
from ramet.base.records import Child, Path
from ramet.engine.local import LocalEngine
from ramet.evolution.agent import cycle_states
from ramet.evolution.evolve import estimate
from ramet.evolution.observer import Observer
from ramet.method.document.presets import load
from ramet.method.search import State, judge, propose
from ramet.runtime.device import choose_device
from ramet.store.versions.history import Versions
from ramet.system import System
from tests.evolution.conftest import SMALL, make_system
from tests.evolution.made_up import MadeUp

SETTINGS = {**SMALL, "budget.samples_per_cycle": "7", "budget.generation": "3", "max_population": "3"}
GENERATIONS = 6
"""Three in each of two cycles: of 3, 3 and 1 children."""


class Killed(Exception):
    """Stands for a kill -9: nothing after it runs."""


class Killer(Observer):
    def __init__(self, event: str, count: int) -> None:
        self.event, self.left = event, count

    def _tick(self, event: str) -> None:
        self.left -= event == self.event
        if self.left == 0:
            raise Killed

    def generation_started(self, *_: object) -> None:
        self._tick("started")

    def generation_finished(self, *_: object) -> None:
        self._tick("finished")


def told(system: System) -> list[object]:
    return [
        (c.path.id, c.path.components, c.status, c.mutations, c.curve, c.cycle, c.generation, c.number)
        for c in system.history()
    ]


def members(state: State) -> list[tuple[str, float]]:
    return [(path.id, score) for path, score in state.population]


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> System:
    system = make_system(tmp_path_factory.mktemp("whole"), "one", "two")
    system.evolve("one", "two", method="mu2net-plus", settings=SETTINGS, engine=MadeUp())
    return system


def test_an_agent_finds_what_the_search_alone_finds(whole: System) -> None:
    catalog = whole.store.catalog
    for agent in catalog.agents.all():
        task, method = whole.tasks[agent.task], load(agent.method).resolved()
        recorded = catalog.agents.children(agent.id)
        for cycle in range(agent.cycles):
            states = cycle_states(catalog, agent, cycle, method, task)
            state, found = states[0], list[Child]()
            for then in states[:-1]:
                assert (members(state), state.taken, state.key) == (members(then), then.taken, then.key)
                count = sum(c.cycle == cycle and c.generation == then.generation for c in recorded)
                plans = propose(state, count)
                state, children = judge(state, plans, [trained(plan, state.key, i) for i, plan in enumerate(plans)])
                found += children
            assert [c.path.id for c in found] == [c.path.id for c in recorded if c.cycle == cycle]
            assert [c.status for c in found] == [c.status for c in recorded if c.cycle == cycle]
            assert state.best is not None
            assert state.best.id in [id for commit in whole.versions.log() for id in commit.changes.values()]


@pytest.mark.parametrize("event", ["started", "finished"])
@pytest.mark.parametrize("count", range(1, 2 * GENERATIONS + 1))
def test_killed_at_any_generation_a_run_goes_on_as_if_it_had_not_been(
    tmp_path: FilePath, whole: System, event: str, count: int
) -> None:
    system = make_system(tmp_path, "one", "two")
    with pytest.raises(Killed):
        system.evolve(
            "one", "two", method="mu2net-plus", settings=SETTINGS, engine=MadeUp(), observer=Killer(event, count)
        )
    system.evolve("one", "two", method="mu2net-plus", settings=SETTINGS, engine=MadeUp())
    assert told(system) == told(whole)
    assert system.status() == whole.status()


def test_what_a_generation_was_is_on_record(whole: System) -> None:
    for agent in whole.store.catalog.agents.all():
        for cycle in range(2):
            terms = whole.store.catalog.agents.terms(agent.id, cycle)
            assert [(t.rounds, t.steps, t.batch, t.place) for t in terms] == [(2, 3, 32, "nowhere")] * 3
            seen = whole.store.catalog.agents.cycle(agent.id, cycle)
            assert whole.store.catalog.versions.leads_to(seen.base)
            assert seen.roots == tuple(root.id for root in whole.roots().values())


def test_a_finished_run_is_let_be_unless_there_is_to_be_more(tmp_path: FilePath) -> None:
    finished = []

    class Watcher(Observer):
        def finished(self, task: str) -> None:
            finished.append(task)

    def evolve(*tasks: str, more: bool = False, seed: int = 0, observer: Observer | None = None) -> tuple[int, int]:
        system.evolve(
            *tasks,
            method="mu2net-plus",
            settings=SMALL,
            engine=MadeUp(),
            more=more,
            seed=seed,
            observer=observer or Watcher(),
        )
        return tuple(len(system.runs(task)) for task in ("one", "two"))  # type: ignore[return-value]

    system = make_system(tmp_path, "one", "two")
    assert evolve("one") == (1, 0)
    assert evolve("one", "two") == (1, 1), "only the task that was not learned is"
    assert evolve("one", "two") == (1, 1)
    assert finished == ["one", "one", "two"]
    assert evolve("one", seed=1) == (2, 1), "other terms are another run"
    assert evolve("one") == (3, 1), "the last run is another one"
    with pytest.raises(Killed):
        evolve("one", "two", more=True, observer=Killer("finished", 5))
    assert evolve("one", "two", more=True) == (4, 2), "what the same call had finished is not begun again"
    assert evolve("one", "two") == (4, 2)


def test_objects_of_children_that_did_not_join_are_gone(tmp_path: FilePath) -> None:
    """They are stored by the engine and deleted once the generation is on record; those of the others stay."""
    system = make_system(tmp_path, "one")
    stored: list[set[str]] = []

    class Watcher(Observer):
        def generation_finished(self, children: Sequence[Child], best: float) -> None:
            joined = {d for c in children if c.status == "joined" for d in c.path.digests()}
            there = set(system.store.objects.digests())
            assert joined <= there
            stored.append(there)

    system.evolve(
        "one",
        method="mu2net-plus",
        settings={**SMALL, "budget.samples_per_cycle": "16", "budget.cycles": "1"},
        observer=Watcher(),
    )
    children = system.history()
    assert {c.status for c in children} == {"joined", "worse"}
    held = {d for c in children if c.status == "joined" for d in c.path.digests()}
    (root,) = system.roots().values()
    assert stored[-1] == held | root.digests()
    assert set(system.store.objects.digests()) == root.digests() | system.path("one").digests()


def test_a_trial_of_speed_stores_nothing(tmp_path: FilePath) -> None:
    system = make_system(tmp_path, "one")
    before = set(system.store.objects.digests())
    many = {**SMALL, "budget.cycles": "10", "budget.samples_per_cycle": "30"}
    with LocalEngine(system.store.opened, choose_device("cpu")) as engine:
        found = system.estimate("one", method="mu2net-plus", settings=many, engine=engine)
    assert found is not None
    assert (found.children, found.examples) == (300, 300 * 2 * 96)
    assert found.seconds > 0
    assert found.children_within(found.seconds / 3) in (99, 100)
    assert (found.children_within(1e9), found.children_within(0)) == (300, 1)
    assert set(system.store.objects.digests()) == before
    assert (system.history(), system.runs()) == ([], [])
    assert system.estimate("one", method="mu2net-plus", settings=SMALL) is None, "a trial would cost more than it tells"


def test_an_estimate_is_of_what_is_left(tmp_path: FilePath) -> None:
    system, engine = make_system(tmp_path, "one", "two"), MadeUp()
    long = {**SETTINGS, "budget.validations": "100"}
    with pytest.raises(Killed):
        system.evolve("one", method="mu2net-plus", settings=long, engine=engine, observer=Killer("finished", 2))
    first = system.estimate("one", "two", method="mu2net-plus", settings=long, engine=engine)
    assert first is not None
    assert first.children == 14 - 6 + 14
    system.evolve("one", method="mu2net-plus", settings=long, engine=engine, quiet=True)
    then = estimate(
        system.store.opened, [*system.tasks], load("mu2net-plus", long), branch="main", seed=0, device="cpu",
        more=False, progress=QUIET, engine=engine, clock=engine.clock,
    )  # fmt: skip
    assert then is not None
    assert (then.children, then.examples) == (14, 14 * 100 * 96)
    before = engine.now
    system.evolve("two", method="mu2net-plus", settings=long, engine=engine, quiet=True)
    assert 0.3 < then.seconds / (engine.now - before) < 3, "later children are larger or smaller than the first ones"
    assert system.estimate("one", "two", method="mu2net-plus", settings=long, engine=engine) is None, "nothing is left"
    more = system.estimate("one", "two", method="mu2net-plus", settings=long, engine=engine, more=True)
    assert more is not None
    assert more.children == 28


def test_a_cycle_reads_again_only_what_others_published(tmp_path: FilePath, monkeypatch: pytest.MonkeyPatch) -> None:
    """What a run published itself it knows; the same is found where everything is read."""
    read: list[str] = []
    published = Versions.published

    def noting(self: Versions, at: str = "main") -> dict[str, Path]:
        if self is system.store.catalog.versions:
            read.append(at)
        return published(self, at)

    class Meanwhile(Observer):
        def cycle_finished(self, cycle: int, *_: object, **__: object) -> None:
            if cycle == 1:
                with ramet.open(system.store.folder) as other:
                    other.evolve("two", method="mu2net-plus", settings=settings, engine=MadeUp(), cycles=1, quiet=True)

    system = make_system(tmp_path, "one", "two")
    settings = {**SETTINGS, "budget.cycles": "4", "score.factor": "0.9", "score.params": "200000"}
    monkeypatch.setattr(Versions, "published", noting)
    system.evolve("one", method="mu2net-plus", settings=settings, engine=MadeUp(), observer=Meanwhile())
    (agent,) = system.runs("one")
    bases = [system.store.catalog.agents.cycle(agent.id, cycle).base for cycle in range(4)]
    assert len({*bases}) == 3, "the third cycle found nothing better"
    assert [at for at in read if at in bases] == [bases[0], bases[2]]
    method, task = load(agent.method).resolved(), system.tasks["one"]
    states = [cycle_states(system.store.catalog, agent, cycle, method, task) for cycle in range(4)]
    assert [sorted(s[0].world.published) for s in states] == [[], ["one"], ["one", "two"], ["one", "two"]]
    found = []
    for state in (s[0] for s in states):
        for _ in range(3):
            count = 3 if state.generation < 2 else 1
            plans = propose(state, count)
            state, children = judge(state, plans, [trained(plan, state.key, i) for i, plan in enumerate(plans)])
            found += [(child.path.id, child.path.metrics["score"]) for child in children if child.status == "joined"]
    recorded = system.history("one")
    assert found == [(c.path.id, c.path.metrics["score"]) for c in recorded if c.status == "joined"]
