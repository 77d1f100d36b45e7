"""Agents on small real systems: what METHOD section 2 says of a run, and what a stopped run leaves."""

import hashlib
import math
from collections import Counter

import pytest

from ramet.base.errors import Busy, InvalidValue
from ramet.evolution.observer import Observer
from ramet.method.world import SizeAndCompute
from ramet.store.catalog.agents import Agents
from ramet.system import System
from tests.evolution.conftest import SMALL, make_system
from tests.store.examples import in_a_thread


def published_files(system: System) -> dict[str, str]:
    """Every object that a published path or root holds, with the hash of its file."""
    paths = [*system.store.catalog.versions.published().values(), *system.store.catalog.paths.roots().values()]
    digests = {digest for path in paths for digest in path.digests()}
    return {d: hashlib.sha256(system.store.objects.file(d).read_bytes()).hexdigest() for d in digests}


def summary(system: System) -> list[object]:
    """All that a run decides and measures, without times."""
    return [(c.path.id, c.status, c.mutations, c.curve, c.cycle, c.generation, c.number) for c in system.history()] + [
        (s.task, s.path, s.quality, s.test_quality, s.accounted_params) for s in system.status()
    ]


class Killed(Exception):
    """Stands for a kill -9: nothing after it runs."""


class Killer(Observer):
    def __init__(self, event: str, count: int) -> None:
        self.event, self.left = event, count

    def _tick(self, event: str) -> None:
        if event == self.event:
            self.left -= 1
            if self.left == 0:
                raise Killed

    def generation_started(self, *_):
        self._tick("generation_started")

    def generation_finished(self, *_):
        self._tick("generation_finished")

    def advanced(self, what, *_):
        self._tick(what)

    def cycle_finished(self, *_, **__):
        self._tick("cycle_finished")


@pytest.mark.parametrize(
    ("event", "count"),
    [
        ("generation_started", 1), ("training", 3), ("generation_finished", 1), ("generation_started", 3),
        ("testing", 1), ("cycle_finished", 1), ("training", 40), ("generation_finished", 5), ("cycle_finished", 3),
    ],
)  # fmt: skip
def test_a_stopped_run_goes_on_as_if_it_had_not_been(tmp_path, uninterrupted, event, count):
    system = make_system(tmp_path, "one", "two")
    with pytest.raises(Killed):
        system.evolve("one", "two", method="mu2net-plus", settings=SMALL, observer=Killer(event, count))
    system.evolve("one", "two", method="mu2net-plus", settings=SMALL)
    assert summary(system) == uninterrupted


@pytest.fixture(scope="module")
def uninterrupted(tmp_path_factory) -> list[object]:
    system = make_system(tmp_path_factory.mktemp("whole"), "one", "two")
    system.evolve("one", "two", method="mu2net-plus", settings=SMALL)
    assert all(s.quality > 0.5 for s in system.status())
    return summary(system)


def test_nothing_published_ever_changes(system):
    """Whatever follows: more cycles, other tasks, other methods, gc."""
    seen: dict[str, str] = {}
    qualities: dict[str, float] = {}
    for task, method in [("one", "mu2net-plus"), ("two", "mu2net"), ("one", "munet"), ("two", "finetune")]:
        settings = SMALL if method != "finetune" else {**SMALL, "budget.cycles": "1", "budget.samples_per_cycle": "2"}
        system.evolve(task, method=method, settings=settings)
        system.store.gc(delete=True)
        now = published_files(system)
        assert all(now[d] == h for d, h in seen.items() if d in now)
        assert all(name == digest for name, digest in now.items())
        seen = now
        for check in system.verify_quality():
            assert check.equal
            assert qualities.setdefault(check.path, check.measured) == check.measured
    assert system.store.verify() == []


def test_children_and_budget(system):
    system.evolve("one", method="mu2net-plus", settings=SMALL)
    children = system.history("one")
    assert Counter(c.cycle for c in children) == {0: 4, 1: 4}
    assert Counter((c.cycle, c.generation) for c in children) == {(i, g): 2 for i in (0, 1) for g in (0, 1)}
    assert all(len(c.curve) == 2 for c in children if c.status in ("joined", "worse"))
    assert all(c.cost["examples"] == 2 * 96 and c.cost["flops"] > 0 for c in children)


def test_a_child_joins_only_if_it_reaches_its_parent(system):
    system.evolve("one", method="mu2net-plus", settings={**SMALL, "budget.samples_per_cycle": "8"})
    scores = {c.path.id: c.path.metrics["score"] for c in system.history("one")}
    judged = [(c, scores.get(c.path.parent)) for c in system.history("one")]
    assert {c.status for c, _ in judged} == {"joined", "worse"}
    for child, parent_score in judged:
        reached = parent_score is None or child.path.metrics["score"] >= parent_score
        assert (child.status == "joined") == reached


def test_after_a_cycle_only_the_best_path_is_kept(system):
    system.evolve("one", method="mu2net-plus", settings={**SMALL, "budget.cycles": "1"})
    best = max(
        (c for c in system.history("one") if c.status == "joined"),
        key=lambda c: (c.path.metrics["score"], c.generation, c.number),
    )
    (status,) = [s for s in system.status() if s.task == "one"]
    assert status.path == best.path.id
    assert status.quality == max(best.curve)
    root = next(iter(system.store.catalog.paths.roots().values()))
    assert set(system.store.objects.digests()) == root.digests() | system.path("one").digests()


def test_test_data_decides_nothing(tmp_path, monkeypatch):
    """The test split is read once a published path, after the choice is made."""
    calls = []
    from ramet.runtime.inference import LoadedPath

    quality = LoadedPath.quality
    monkeypatch.setattr(
        LoadedPath, "quality", lambda self, split, *a: (calls.append(split), quality(self, split, *a))[1]
    )
    system = make_system(tmp_path, "one")
    system.evolve("one", method="mu2net-plus", settings=SMALL)
    assert 1 <= len(calls) <= 2


def test_max_population_prunes(system, monkeypatch):
    sizes = []
    record = Agents.record_generation
    monkeypatch.setattr(Agents, "record_generation", lambda self, *a: (sizes.append(len(a[4])), record(self, *a))[1])
    system.evolve(
        "one", method="mu2net-plus", settings={**SMALL, "budget.samples_per_cycle": "8", "max_population": "2"}
    )
    assert max(sizes) == 2


def test_a_later_task_shares_with_an_earlier_one(system):
    """A child of a published path keeps what it does not clone; both tasks' accounted parameters fall by it."""
    settings = {**SMALL, "mutation.clone": "{norm: always, '*': never}", "mutation.adapters": "never"}
    system.evolve("one", method="mu2net-plus", settings=settings)
    alone = {s.task: s for s in system.status()}["one"]
    system.evolve("two", method="mu2net-plus", settings=settings)
    one, two = (s for s in system.status())
    if two.shares_with:
        assert two.shares_with == ("one",)
        assert one.shares_with == ("two",)
        assert two.parent_task == "one"
        assert one.accounted_params < alone.accounted_params == alone.params
        assert one.accounted_params + two.accounted_params < one.params + two.params
    else:
        pytest.fail("no child of another task's path won; choose another seed")


def test_accounted_params_add_up_to_what_is_stored(system):
    system.evolve("one", "two", method="mu2net-plus", settings=SMALL)
    paths = system.store.catalog.versions.published().values()
    held = {c.digest: c.size for path in paths for c in path.components}
    roots = {c.digest for root in system.store.catalog.paths.roots().values() for c in root.components}
    shared_with_root = sum(c.size for d, c in {c.digest: c for p in paths for c in p.components}.items() if d in roots)
    total = sum(s.accounted_params for s in system.status())
    assert sum(held.values()) - shared_with_root <= total <= sum(held.values()) + 1e-6


def test_a_clone_inherits_and_untrained_is_left_behind(system):
    system.evolve("one", method="mu2net-plus", settings=SMALL)
    path = system.path("one")
    assert all(not c.untrained for c in path.components)
    assert set(path.trained) == {c.name for c in path.components}
    assert all(c.momentum in system.store.objects for c in path.components)


@pytest.mark.parametrize("method", ["finetune", "freeze_bottom:1", "adapters:8", "linear_probe"])
def test_baselines_are_one_run_of_the_whole_budget(system, method):
    settings = {**SMALL, "mutation.clone_untrained": "false"}
    system.evolve("one", method=method, settings=settings)
    (child,) = system.history("one")
    assert len(child.curve) == 2 * 2 * 4
    trained = {
        "finetune": {"patch_embed", "cls_token", "pos_embed", "block.0", "norm", "head"},
        "freeze_bottom:1": {"norm", "head"},
        "adapters:8": {"adapter.0", "norm", "head"},
        "linear_probe": {"norm", "head"},
    }
    assert set(child.path.trained) == trained[method]
    assert child.path.parent == next(iter(system.store.catalog.paths.roots().values())).id


def test_the_score_decides(tmp_path):
    """With a heavy penalty on parameters the small child wins, whatever it lost of quality."""
    system = make_system(tmp_path, "one", root="random:vit_tiny_patch8@16x2")
    heavy = {"score.factor": "0.5", "score.params": "1e5", "budget.cycles": "1", "budget.samples_per_cycle": "16"}
    system.evolve("one", method="mu2net-plus", settings={**SMALL, **heavy})
    assert system.status()[0].layers == 1


def test_diverged_children_are_on_record_and_the_run_says_so(system):
    (status,) = system.evolve(
        "one",
        method="mu2net-plus",
        settings={**SMALL, "opt.lr": "{default: 100, values: [100]}", "training.clip_norm": "null"},
    )
    assert status.path is None
    assert {c.status for c in system.history("one")} == {"diverged"}
    assert all(math.isnan(c.path.metrics["quality"]) for c in system.history("one"))
    assert system.store.catalog.agents.running("one") is None


def test_a_second_run_extends_the_first(system):
    system.evolve("one", method="mu2net-plus", settings=SMALL)
    first = system.status()[0]
    system.evolve("one", method="mu2net-plus", settings=SMALL, more=True)
    assert system.status()[0].quality >= first.quality
    assert len(system.history("one")) == 16
    assert len({c.path.id for c in system.history("one")}) > 8
    path = system.path("one")
    assert path.trained_params == path.params  # the first run's components are the task's own too


def test_an_unfinished_run_is_not_mixed_with_another(system):
    with pytest.raises(Killed):
        system.evolve("one", method="mu2net-plus", settings=SMALL, observer=Killer("generation_finished", 1))
    with pytest.raises(InvalidValue, match="--restart"):
        system.evolve("one", method="mu2net-plus", settings=SMALL, seed=1)
    system.evolve("one", method="mu2net-plus", settings=SMALL, seed=1, restart=True)
    assert system.store.catalog.agents.all("one")[-1].seed == 1
    assert system.status()[0].path is not None


def test_a_held_task_is_refused(system):
    with system.store.catalog.leases.hold("one"), pytest.raises(Busy, match="one"):
        in_a_thread(lambda: system.evolve("two", "one", method="mu2net-plus", settings=SMALL))
    assert system.history() == []


def test_a_time_limit_publishes_what_there_is(system):
    statuses = system.evolve("one", "two", method="mu2net-plus", settings=SMALL, time_limit=0.01)
    assert system.store.catalog.agents.running("one") is None
    assert len(system.history("one")) <= 2
    assert [s.task for s in statuses] == ["one", "two"]


def test_scores_are_those_of_the_method(system):
    system.evolve(
        "one",
        method="mu2net-plus",
        settings={**SMALL, "score.factor": "0.9", "score.params": "1e6", "score.flops": "1e7"},
    )
    (one, _) = system.status()
    expected = one.quality * 0.9 ** (one.accounted_params / 1e6) * 0.9 ** (one.flops / 1e7)
    assert one.score == pytest.approx(expected)
    assert SizeAndCompute.model_validate(system.store.catalog.agents.all("one")[0].method["score"]).flops == 1e7
