"""A time limit holds within a training, on a clock that an engine of made-up results moves."""

from pathlib import Path as FilePath

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramet.engine.contract import Generation
from ramet.evolution.evolve import evolve
from ramet.evolution.observer import Observer
from ramet.evolution.pace import fitting, generation_flops, validation_flops
from ramet.method.document.presets import load
from ramet.method.plan import Rounds, Trained, training_flops
from ramet.method.search import propose
from ramet.system import System
from tests.evolution.conftest import make_system
from tests.evolution.made_up import MadeUp
from tests.method.test_search import state

LONG = {
    "budget.cycles": "1", "budget.samples_per_cycle": "4", "budget.generation": "1", "budget.validations": "10",
    "budget.examples_per_validation": "96", "batch": "8",
}  # fmt: skip
PLANS = propose(state(), 2)
FULL = Rounds(10, 24, 8)


class Notes(Observer):
    def __init__(self) -> None:
        self.notes: list[str] = []

    def noted(self, text: str) -> None:
        self.notes.append(text)


def run(system: System, engine: MadeUp, limit: float | None, *tasks: str, **changes: str) -> list[str]:
    """Evolve tasks on the engine's clock, and return what was noted."""
    observer = Notes()
    evolve(
        system.store.opened,
        [system.tasks[task] for task in tasks],
        load("mu2net-plus", {**LONG, **changes}),
        branch="main",
        seed=0,
        device="cpu",
        time_limit=limit,
        restart=False,
        more=False,
        settings={},
        observer=observer,
        engine=engine,
        clock=engine.clock,
    )
    return observer.notes


@pytest.fixture
def alone(tmp_path: FilePath) -> float:
    """How long the run takes that is not limited."""
    engine = MadeUp()
    run(make_system(tmp_path / "alone", "one"), engine, None, "one")
    return engine.now


@pytest.mark.parametrize("share", [0.04, 0.1, 0.2, 0.33, 0.6, 0.9])
def test_a_limit_holds_and_little_is_left_of_it(tmp_path: FilePath, alone: float, share: float) -> None:
    system, engine = make_system(tmp_path, "one"), MadeUp()
    run(system, engine, share * alone, "one")
    assert engine.now <= share * alone
    assert engine.now >= 0.6 * share * alone
    (agent,) = system.runs("one")
    assert agent.state == "done"
    terms = system.store.catalog.agents.terms(agent.id, 0)
    asked = [g.rounds for g in engine.asked if g.keep]
    assert [Rounds(t.rounds, t.steps, t.batch) for t in terms] == asked, "what was trained is on record"
    assert all(child.cost["examples"] for child in system.history())


def test_one_long_child_is_shortened_and_published(tmp_path: FilePath, alone: float) -> None:
    """It would take a quarter of the whole run; a tenth of that is there."""
    system, engine = make_system(tmp_path, "one"), MadeUp()
    run(system, engine, alone / 40, "one")
    (_, real) = engine.asked
    assert not engine.asked[0].keep, "a trial of a few steps came first"
    assert 0 < real.rounds.count * real.rounds.steps < 24
    assert len(system.history()) == 1


def test_without_a_limit_nothing_is_tried_or_shortened(tmp_path: FilePath) -> None:
    engine = MadeUp()
    run(make_system(tmp_path, "one"), engine, None, "one")
    assert all(generation.keep for generation in engine.asked)
    assert {generation.rounds for generation in engine.asked} == {Rounds(10, 12, 8)}


def test_a_training_that_becomes_slow_ends_at_the_limit_where_something_was_learned(tmp_path: FilePath) -> None:
    class Slower(MadeUp):
        def train(self, generation: Generation, *progress: object) -> list[Trained]:
            if len([g for g in self.asked if g.keep]) == 2:
                self.flops_a_second /= 100
            return super().train(generation, *progress)  # type: ignore[arg-type]

    normal = MadeUp()
    run(make_system(tmp_path / "normal", "one"), normal, None, "one")
    system, engine = make_system(tmp_path, "one"), Slower()
    run(system, engine, 0.9 * normal.now, "one")
    assert engine.now < 2.5 * normal.now, "one step of it was too much at most"
    assert len(system.history()) == 2
    assert system.status()[0].path is not None
    assert system.runs("one")[0].state == "done"


def test_what_a_task_leaves_goes_to_the_next(tmp_path: FilePath, alone: float) -> None:
    """The second one has its own half, and what the first did not need of its."""
    system, engine = make_system(tmp_path, "one", "two"), MadeUp()
    run(system, engine, 1.9 * alone, "one", "two", **{"budget.samples_per_cycle": "3"})
    assert [len(system.history(task)) for task in ("one", "two")] == [3, 3]
    assert all(t.rounds * t.steps == 120 for a in system.runs() for t in system.store.catalog.agents.terms(a.id, 0))


def test_no_time_at_all_learns_nothing_and_ends(tmp_path: FilePath) -> None:
    system, engine = make_system(tmp_path, "one"), MadeUp(flops_a_second=1.0)
    assert run(system, engine, 0.0, "one") == ["the time limit leaves no time to learn one"]
    assert engine.asked == []
    assert [agent.state for agent in system.runs()] == ["done"]


@given(seconds=st.floats(0, 1000), least=st.sampled_from([0.0, 0.1, 0.5]))
def test_rounds_fit_and_use_what_there_is(seconds: float, least: float) -> None:
    pace = 1e-10
    found = fitting(PLANS, FULL, 64, pace, seconds, least)
    step = pace * sum(training_flops(plan, FULL.batch) for plan in PLANS)
    measuring = pace * validation_flops(PLANS, 64)
    if found is None:
        needed = max(1, least * FULL.count * FULL.steps)
        assert seconds < needed * step + measuring * FULL.count + step * FULL.count
        return
    assert found.batch == FULL.batch
    assert 1 <= found.count <= FULL.count
    assert 1 <= found.steps <= FULL.steps
    assert pace * generation_flops(PLANS, found, 64) <= seconds * (1 + 1e-9)
    assert found.count * found.steps >= least * FULL.count * FULL.steps
    if (found.count, found.steps) != (FULL.count, FULL.steps):
        unused = seconds - pace * generation_flops(PLANS, found, 64)
        assert unused <= found.count * step + measuring + step, "less than a step a round, or a validation, is left"


@pytest.mark.parametrize("share", [0.3, 1.0, 4.0])
def test_a_child_planned_by_its_task_fills_the_time_and_keeps_its_rounds(tmp_path: FilePath, share: float) -> None:
    changes = {
        "budget.cycles": "1", "budget.samples_per_cycle": "1", "budget.validations": "4", "budget.single_run": "true",
        "budget.epochs": "10", "budget.examples_per_validation": "10000",
    }  # fmt: skip
    engine = MadeUp()
    run(make_system(tmp_path / "alone", "one"), engine, None, "one", **changes)
    assert engine.asked[-1].rounds == Rounds(4, 60, 8)
    alone, engine = engine.now, MadeUp()
    system = make_system(tmp_path, "one")
    run(system, engine, share * alone, "one", **changes)
    assert engine.now <= share * alone
    assert engine.now > 0.7 * share * alone
    assert engine.asked[-1].rounds.count == 4
    assert "one" in system.versions.published()
