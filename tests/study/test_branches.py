"""The best of every task is published by one commit, once."""

from dataclasses import replace

import pytest

from ramet import study
from ramet.base.errors import Busy, InvalidValue, UnknownName
from ramet.store.care import gc
from ramet.study import Design
from ramet.study.run import begin
from ramet.system import System
from tests.store.examples import in_a_thread
from tests.study.conftest import commits


def best(system: System, task: str) -> set[str]:
    """The paths of the highest validation quality: no size counts in these methods' score."""
    found = [system.versions.published(commit)[task] for commit in commits(system).values()]
    top = max(path.metrics["quality"] for path in found)
    return {path.id for path in found if path.metrics["quality"] == top}


def test_the_best_of_every_task_is_published_by_one_commit(system: System) -> None:
    base = system.versions.commit("main").id
    merged = study.merge(system, "mu")
    commit = system.versions.commit("main")
    sources = {taken.source for taken in merged.tasks}
    assert merged.commit == commit.id
    assert commit.parents[0] == base
    assert set(commit.parents[1:]) == {system.versions.commit(str(source)).id for source in sources}
    assert commit.message.startswith("experiment mu: ")
    assert set(commit.changes) == {"one", "two"}
    paths = system.versions.published("main")
    assert set(commit.method.split("; ")) == {path.method for path in paths.values()}
    for taken in merged.tasks:
        assert paths[taken.task].id == taken.path
        assert taken.path in best(system, taken.task)
        assert (taken.before, taken.score_before) == (None, None)
    assert system.store.verify() == []
    assert [check.equal for check in system.verify_quality()] == [True, True]


def test_a_second_merge_has_nothing_to_do(system: System) -> None:
    first = study.merge(system, "mu")
    again = study.merge(system, "mu")
    assert not again.changed
    assert again.commit == first.commit
    assert [(t.source, t.path, t.before) for t in again.tasks] == [(None, t.path, t.path) for t in first.tasks]


def test_some_tasks_first(system: System) -> None:
    one = study.merge(system, "mu", ["one"])
    assert [taken.task for taken in one.tasks] == ["one"]
    assert set(system.versions.published("main")) == {"one"}
    both = study.merge(system, "mu")
    assert [taken.source is None for taken in both.tasks] == [True, False]
    with pytest.raises(UnknownName, match="has no task 'tow'; did you mean two"):
        study.merge(system, "mu", ["tow"])


def test_what_is_better_on_the_base_stays(system: System) -> None:
    top = max(system.versions.published(commit)["one"].metrics["quality"] for commit in commits(system).values())
    system.store.catalog.versions.publish(
        [system.versions.published("mu/learned/0")["one"]], message="by hand", method="m"
    )
    path = system.versions.published("main")["one"]
    system.store.catalog.versions.publish([replace(path, metrics={"quality": top + 0.01})], message="", method="m")
    merged = study.merge(system, "mu")
    assert merged.tasks[0].source is None
    assert merged.tasks[1].source is not None
    assert merged.tasks[0].score == pytest.approx(top + 0.01)


def test_what_was_merged_outlives_its_branches(system: System) -> None:
    study.merge(system, "mu")
    assert len(study.drop(system, "mu")) == 4
    assert study.drop(system, "mu") == []
    gc(system.store.catalog, system.store.objects, delete=True, grace=0)
    assert system.store.verify() == []
    assert [branch.name for branch in system.versions.branches()] == ["main"]
    assert study.overview(system, "mu").dropped
    with pytest.raises(InvalidValue, match="'mu' was dropped"):
        study.merge(system, "mu")


def test_nothing_is_merged_before_a_trial_has_ended(before: System, design: Design) -> None:
    begin(before, design)
    with pytest.raises(InvalidValue, match="no trial of experiment 'mu' has ended"):
        study.merge(before, "mu")


def test_a_branch_that_somebody_is_on_or_works_on_is_not_dropped(system: System) -> None:
    with (
        system.store.catalog.leases.hold("one", branch="mu/fixed/1"),
        pytest.raises(Busy, match="'one' is being worked on"),
    ):
        in_a_thread(lambda: study.drop(system, "mu"))
    system.versions.switch("mu/fixed/0")
    with pytest.raises(InvalidValue, match="the system is on branch 'mu/fixed/0'"):
        study.drop(system, "mu")
    assert len(system.versions.branches()) == 5


def test_what_was_stopped_can_be_dropped(before: System, design: Design) -> None:
    begin(before, design)
    method = design.variants[0].method
    before.store.catalog.agents.start("one", method=method, label="m", seed=0, cycles=1, samples=1, branch="mu/fixed/0")
    assert len(study.drop(before, "mu")) == 4
    assert [agent.state for agent in before.runs()] == ["done"]
