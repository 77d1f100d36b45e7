"""The best of every task is published by one commit, once."""

import pytest

from ramet import experiment
from ramet.base.errors import Busy, InvalidValue, UnknownName
from ramet.experiment import Design
from ramet.experiment.run import begin
from ramet.store.care import gc
from ramet.system import System
from tests.experiment.conftest import commits
from tests.store.examples import in_a_thread


def best(system: System, task: str) -> set[str]:
    """The paths of the highest validation quality: no size counts in these methods' score."""
    found = [system.catalog.versions.published(commit)[task] for commit in commits(system).values()]
    top = max(path.metrics["quality"] for path in found)
    return {path.id for path in found if path.metrics["quality"] == top}


def test_the_best_of_every_task_is_published_by_one_commit(system: System) -> None:
    base = system.commit("main").id
    merged = experiment.merge(system, "mu")
    commit = system.commit("main")
    sources = {taken.source for taken in merged.tasks}
    assert merged.commit == commit.id
    assert commit.parents[0] == base
    assert set(commit.parents[1:]) == {system.catalog.versions.head(str(source)).id for source in sources}
    assert commit.message.startswith("experiment mu: ")
    assert set(commit.changes) == {"one", "two"}
    paths = system.catalog.versions.published("main")
    assert set(commit.method.split("; ")) == {path.method for path in paths.values()}
    for taken in merged.tasks:
        assert paths[taken.task].id == taken.path
        assert taken.path in best(system, taken.task)
        assert (taken.before, taken.score_before) == (None, None)
    assert system.verify() == []
    assert [check.equal for check in system.verify_quality()] == [True, True]


def test_a_second_merge_has_nothing_to_do(system: System) -> None:
    first = experiment.merge(system, "mu")
    again = experiment.merge(system, "mu")
    assert not again.changed
    assert again.commit == first.commit
    assert [(t.source, t.path, t.before) for t in again.tasks] == [(None, t.path, t.path) for t in first.tasks]


def test_some_tasks_first(system: System) -> None:
    one = experiment.merge(system, "mu", ["one"])
    assert [taken.task for taken in one.tasks] == ["one"]
    assert set(system.catalog.versions.published("main")) == {"one"}
    both = experiment.merge(system, "mu")
    assert [taken.source is None for taken in both.tasks] == [True, False]
    with pytest.raises(UnknownName, match="has no task 'tow'; did you mean two"):
        experiment.merge(system, "mu", ["tow"])


def test_what_is_better_on_the_base_stays(system: System) -> None:
    top = max(
        system.catalog.versions.published(commit)["one"].metrics["quality"] for commit in commits(system).values()
    )
    system.catalog.versions.publish(
        [system.catalog.versions.published("mu/learned/0")["one"]], message="by hand", method="m"
    )
    path = system.catalog.versions.published("main")["one"]
    system.catalog.paths.set_metric(path.id, "quality", top + 0.01)
    merged = experiment.merge(system, "mu")
    assert merged.tasks[0].source is None
    assert merged.tasks[1].source is not None
    assert merged.tasks[0].score == pytest.approx(top + 0.01)


def test_what_was_merged_outlives_its_branches(system: System) -> None:
    experiment.merge(system, "mu")
    assert len(experiment.drop(system, "mu")) == 4
    assert experiment.drop(system, "mu") == []
    gc(system.catalog, system.objects, delete=True, grace=0)
    assert system.verify() == []
    assert [branch.name for branch in system.branches()] == ["main"]
    assert experiment.overview(system, "mu").dropped
    with pytest.raises(InvalidValue, match="'mu' was dropped"):
        experiment.merge(system, "mu")


def test_nothing_is_merged_before_a_trial_has_ended(before: System, design: Design) -> None:
    begin(before, design)
    with pytest.raises(InvalidValue, match="no trial of experiment 'mu' has ended"):
        experiment.merge(before, "mu")


def test_a_branch_that_somebody_is_on_or_works_on_is_not_dropped(system: System) -> None:
    with system.catalog.leases.hold("one", branch="mu/fixed/1"), pytest.raises(Busy, match="'one' is being worked on"):
        in_a_thread(lambda: experiment.drop(system, "mu"))
    system.switch("mu/fixed/0")
    with pytest.raises(InvalidValue, match="the system is on branch 'mu/fixed/0'"):
        experiment.drop(system, "mu")
    assert len(system.branches()) == 5


def test_what_was_stopped_can_be_dropped(before: System, design: Design) -> None:
    begin(before, design)
    method = design.variants[0].method
    before.catalog.agents.start("one", method=method, label="m", seed=0, cycles=1, samples=1, branch="mu/fixed/0")
    assert len(experiment.drop(before, "mu")) == 4
    assert [agent.state for agent in before.catalog.agents.all()] == ["done"]
