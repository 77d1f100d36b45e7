"""Replay: every step of a path comes out as it did, to the byte; what was altered in a record is found."""

import hashlib
import shutil
import tempfile
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import select, update

import ramet.system as ramet
from ramet.base.errors import DataError, InvalidValue, ObjectError, RametError, UnknownName
from ramet.base.progress import Progress
from ramet.evolution.observer import Observer
from ramet.evolution.replay import steps
from ramet.method.protocols import Images
from ramet.store.catalog.schema import agents, paths, tasks
from ramet.system import System
from tests.evolution.conftest import SMALL, make_system, write_task

SETTINGS = {**SMALL, "budget.samples_per_cycle": "6", "score.factor": "0.9", "score.params": "200000"}


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Two tasks, the second one from the first, which is evolved again afterwards; not to be changed."""
    folder = tmp_path_factory.mktemp("grown")
    system = make_system(folder, "one", "two")
    system.evolve("one", method="mu2net-plus", settings={**SETTINGS, "max_population": "2"}, seed=3)
    system.evolve("two", method="mu2net-plus", settings=SETTINGS, seed=1)
    system.evolve("one", method="mu2net-plus", settings=SETTINGS, seed=4, cycles=1)
    system.store.catalog.close()  # so that nothing vanishes while it is copied
    return folder


@pytest.fixture
def system(grown: Path, tmp_path: Path) -> System:
    """A copy, to be changed at will."""
    return ramet.open(shutil.copytree(grown / "system", tmp_path / "system"))


def files(folder: Path) -> dict[str, str]:
    kept = (file for file in folder.rglob("*") if file.is_file() and not file.name.startswith("catalog.sqlite-"))
    return {str(file.relative_to(folder)): hashlib.sha256(file.read_bytes()).hexdigest() for file in kept}


def alter(system: System, table: Any, id: str, column: str, change: Any) -> None:
    """Change what a row of the catalog has on record."""
    with system.store.catalog.database.writing() as connection:
        row = next(iter(table.primary_key)) == id
        before = connection.execute(select(table.c[column]).where(row)).scalar_one()
        connection.execute(update(table).where(row).values({column: change(before)}))


def test_paths_come_out_to_the_byte(grown: Path) -> None:
    system = ramet.open(grown / "system")
    before = files(system.store.folder)
    found = system.replay("one")
    assert [step.path for step in found.steps] == [path.id for path in system.lineage("one")][1:]
    assert {step.verdict for step in found.steps} == {"identical"}
    assert len({(system.path(step.path).agent, step.cycle) for step in found.steps}) == 3, "over cycles of two runs"
    assert any("adapter" in mutation for step in found.steps for mutation in step.mutations)
    assert found.agrees
    assert files(system.store.folder) == before


def test_a_path_starts_from_another_tasks(grown: Path) -> None:
    system = ramet.open(grown / "system")
    found = system.replay(system.path("two").id[:10])
    assert system.path(found.start).task == "one"
    assert [step.verdict for step in found.steps] == ["identical"] * 2


def test_where_another_tasks_path_is_gone_its_own_lineage_is_trained_again(system: System) -> None:
    start = system.path(system.replay("two").start)
    own = next(c.digest for c in start.components if c.name in start.trained)
    system.store.objects.delete(own)
    found = system.replay("two")
    assert [step.task for step in found.steps][-3:] == ["one", "two", "two"]
    assert {step.verdict for step in found.steps} == {"identical"}


def test_what_others_published_meanwhile_was_not_seen(tmp_path: Path) -> None:
    system = make_system(tmp_path, "one", "two")
    system.evolve("one", method="mu2net-plus", settings=SETTINGS, cycles=1)

    class Meanwhile(Observer):
        done = False

        def generation_finished(self, children: object, best: float) -> None:
            if not self.done:
                self.done = True
                ramet.open(system.store.folder).evolve(
                    "two", method="mu2net-plus", settings=SETTINGS, cycles=1, samples=2
                )

    system.evolve("one", method="mu2net-plus", settings=SETTINGS, seed=1, cycles=1, observer=Meanwhile())
    _, made = steps(system.store.catalog, system.store.objects, system.path("one"), Images())
    assert [*made[-1].state.world.published] == ["one"], "the second task came while this cycle ran"
    assert {step.verdict for step in system.replay("one").steps} == {"identical"}


def test_what_was_learned_on_a_merged_branch_comes_out_too(system: System) -> None:
    """Both branches went on meanwhile, and the task was learned on both."""
    system.versions.add_branch("other")
    there = system.on("other")
    for here, seed in ((system, 5), (there, 6), (system, 7), (there, 8)):
        here.evolve("two", method="mu2net-plus", settings=SETTINGS, seed=seed, cycles=1)
        here.evolve("one", method="mu2net-plus", settings=SETTINGS, seed=seed, cycles=1)
    system.versions.merge("other", policy="theirs")
    system.evolve("two", method="mu2net-plus", settings=SETTINGS, seed=9, cycles=1)
    for task in ("one", "two"):
        found = system.replay(task)
        assert {step.verdict for step in found.steps} == {"identical"}
        assert {step.place.startswith("cpu, ") for step in found.steps} == {True}


def test_what_came_from_elsewhere_is_where_it_starts(system: System, tmp_path: Path) -> None:
    system.store.export_task("two", tmp_path / "bundle")
    (tmp_path / "other").mkdir()
    other = make_system(tmp_path / "other", "one", "two")
    came = other.store.import_task(tmp_path / "bundle")
    other.evolve("two", method="mu2net-plus", settings=SETTINGS, seed=3, cycles=1)
    assert other.path("two").id != came.id
    found = other.replay("two")
    assert found.start == came.id
    assert {step.verdict for step in found.steps} == {"identical"}


def test_a_shortened_training_comes_out_as_short(tmp_path: Path) -> None:
    system = make_system(tmp_path, "one")
    long = {**SETTINGS, "budget.validations": "20", "budget.samples_per_cycle": "40"}
    system.evolve("one", method="mu2net-plus", settings=long, cycles=1, time_limit=3.0)
    (agent,) = system.runs("one")
    full = {t for t in system.store.catalog.agents.terms(agent.id, 0) if (t.rounds, t.steps) == (20, 3)}
    assert len(full) < len(system.history()) <= 40
    assert {step.verdict for step in system.replay("one").steps} == {"identical"}


def test_another_seed_is_found(system: System) -> None:
    alter(system, agents, system.path("two").agent, "seed", lambda seed: seed + 1)
    found = system.replay("two")
    assert not found.agrees
    assert found.steps[0].otherwise
    assert len(found.steps) == 1, "what comes after cannot be judged"


def test_another_hyperparameter_is_found_and_named(system: System) -> None:
    def change(record: dict[str, Any]) -> dict[str, Any]:
        return {**record, "hyperparameters": {**record["hyperparameters"], "opt.lr": 0.123}}

    alter(system, paths, system.path("two").id, "record", change)
    first, last = system.replay("two").steps
    assert first.verdict == "identical"
    assert any(text.startswith("opt.lr: 0.123 recorded, ") for text in last.otherwise)


@pytest.mark.parametrize(("tolerance", "verdict"), [(1.0, "close"), (0.0, "different")])
def test_where_bytes_differ_qualities_are_compared(system: System, tolerance: float, verdict: str) -> None:
    """A training that clips gradients much sooner stands for another machine: equal plans, other bytes."""
    last = system.path("two")
    alter(system, agents, last.agent, "method", lambda m: {**m, "training": {**m["training"], "clip_norm": 0.001}})
    found = system.replay("two", tolerance=tolerance)
    step = found.steps[-1]
    assert (step.verdict, found.agrees) == (verdict, verdict == "close")
    assert set(step.changed) <= set(last.trained)
    assert "head" in step.changed
    assert (step.quality, step.test_quality) == (last.metrics["quality"], last.metrics["test_quality"])
    assert step.quality_now is not None
    assert step.test_quality_now is not None
    assert found.steps[0].test_quality_now is None, "it was never measured"


def test_what_cannot_be_replayed_is_said(system: System, tmp_path: Path) -> None:
    (root,) = system.roots().values()
    dropped = next(c.path for c in system.history() if c.status == "worse")
    for name, error, words in (
        (root.id, InvalidValue, "root"),
        (dropped.id, InvalidValue, "not kept"),
        ("three", UnknownName, "three"),
    ):
        refused(system, name, error, words)
    with pytest.raises(InvalidValue, match="tolerance"):
        system.replay("two", tolerance=-1)
    system.store.export_task("two", tmp_path / "bundle")
    other = make_system(tmp_path / "other")
    other.store.import_task(tmp_path / "bundle")
    refused(other, "two", UnknownName, "where it was learned")
    other.store.pull(str(system.store.folder))
    (branch,) = {b.name for b in other.versions.branches()} - {"main"}
    refused(ramet.open(other.store.folder, branch), "one", UnknownName, "where it was learned")


def refused(system: System, name: str, error: type[RametError], words: str) -> None:
    with pytest.raises(error, match=words):
        system.replay(name)


def test_images_that_changed_are_named(system: System, tmp_path: Path) -> None:
    shutil.rmtree(system.store.folder / "cache")
    write_task(tmp_path, "two", classes=4, seed=9)
    alter(system, tasks, "two", "record", lambda record: {**record, "source": f"npz:{tmp_path}/two.npz"})
    with pytest.raises(DataError, match="not what it was when task 'two' was added"):
        system.replay("two")


def test_a_root_that_is_gone_is_named(system: System) -> None:
    (root,) = system.roots().values()
    system.store.objects.delete(next(iter(root.digests())))
    with pytest.raises(ObjectError):
        system.replay("one")


def test_stopped_it_leaves_nothing(system: System, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    place = tmp_path / "temporary"
    place.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(place))
    before, told = files(system.store.folder), []

    class Stops(Progress):
        def advanced(self, what: str, done: int, total: int) -> None:
            told.append((what, done, total))
            if what == "step 2 of 2":
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        system.replay("two", progress=Stops())
    assert told[0] == ("step 1 of 2", 1, 6)
    assert [*place.iterdir()] == []
    assert files(system.store.folder) == before
