"""Every variant on its own branch from one commit; stopped, resumed and side by side it comes to the same."""

import signal
from collections.abc import Sequence
from pathlib import Path

import pytest

import ramet.system as ramet
from ramet import study
from ramet.base.errors import InvalidValue, RametError, UnknownName
from ramet.base.records import Child
from ramet.evolution.observer import Observer
from ramet.store.catalog.experiments import Trial
from ramet.study import Design
from ramet.study.design import GivenTask, Slot
from ramet.study.run import begin, choose_jobs
from ramet.system import System
from tests.cli.helpers import start, wait_for
from tests.evolution.conftest import write_task
from tests.store.examples import in_a_thread
from tests.study.conftest import FILE, commits, written


class Seen(study.Watch):
    def __init__(self) -> None:
        self.told: list[tuple[str, int]] = []
        self.problems: list[str] = []

    def started(self, slot: Slot, task: str) -> Observer:
        if (slot.variant, slot.seed) not in self.told:
            self.told.append((slot.variant, slot.seed))
        return Observer()

    def ended(self, slot: Slot, trial: Trial) -> None:
        self.problems.append(trial.problem)


def test_every_trial_starts_from_one_commit_and_leaves_the_base_alone(system: System, design: Design) -> None:
    base = system.experiments.get("mu").base
    assert system.versions.commit("main").id == base
    for slot in design.slots():
        line = system.versions.log(slot.branch)
        assert line[-1].id == base
        assert {agent.seed for agent in system.runs() if agent.branch == slot.branch} == {slot.seed}
        assert set(system.versions.published(slot.branch)) == {"one", "two"}
    assert len(set(commits(system).values())) == 4
    assert system.store.verify() == []


def test_the_same_call_again_does_nothing(system: System, design: Design) -> None:
    before = commits(system)
    seen = Seen()
    assert study.run(system, design, watch=seen) == []
    assert seen.told == []
    assert commits(system) == before


def test_an_experiment_is_never_edited(system: System, design: Design) -> None:
    other = design.model_copy(update={"seeds": (0, 1, 2)})
    with pytest.raises(InvalidValue, match="another content, and one is never edited; give a change another name"):
        study.run(system, other)
    assert system.experiments.get("mu").design == design.model_dump(mode="json")


def test_killed_and_interrupted_it_comes_to_the_same(before: System, grown: Path, tmp_path: Path) -> None:
    command = ("-C", before.store.folder, "experiment", "run", written(tmp_path))
    killed = start(*command)
    wait_for(killed, "one (1 of 8): cycle 1/2, 1/4 samples")
    killed.kill()
    killed.communicate()
    interrupted = start(*command)
    wait_for(interrupted, "[5/8] learned, seed 1")
    interrupted.send_signal(signal.SIGINT)
    _, messages = interrupted.communicate()
    assert interrupted.returncode == -signal.SIGINT, messages
    assert messages.splitlines()[-1] == "stopped; the same command goes on"
    seen = Seen()
    study.run(before, study.read(written(tmp_path)), watch=seen)
    assert ("learned", 0) not in seen.told
    assert commits(before) == commits(ramet.open(grown))


def test_side_by_side_it_comes_to_the_same(before: System, design: Design, grown: Path) -> None:
    seen = Seen()
    trials = study.run(before, design.model_copy(update={"seeds": (0,)}), jobs=2, watch=seen)
    assert [(trial.branch, trial.task) for trial in trials] == [
        (f"mu/{name}/0", task) for name in ("learned", "fixed") for task in ("one", "two")
    ]
    assert sorted(seen.told) == [("fixed", 0), ("learned", 0)]
    whole = commits(ramet.open(grown))
    assert commits(before) == {key: whole[key] for key in seen.told}
    assert before.store.verify() == []


class Fails(Observer):
    def generation_finished(self, children: Sequence[Child], best: float) -> None:
        raise RuntimeError("a part is wrong")


class FailsOnce(Seen):
    def started(self, slot: Slot, task: str) -> Observer:
        super().started(slot, task)
        return Fails() if slot.variant == "fixed" else Observer()


def test_what_fails_is_on_record_and_does_not_stop_the_others(before: System, design: Design, grown: Path) -> None:
    small = design.model_copy(update={"seeds": (0,)})
    watch = FailsOnce()
    study.run(before, small, watch=watch)
    assert [problem.strip().splitlines()[-1:] for problem in watch.problems] == [
        [], [], ["RuntimeError: a part is wrong"],
    ]  # fmt: skip
    assert "a part is wrong" in study.report(before, "mu").faults[0].why
    seen = Seen()
    study.run(before, small, watch=seen)
    assert seen.told == [("fixed", 0)]
    whole = commits(ramet.open(grown))
    assert commits(before) == {key: commit for key, commit in whole.items() if key[1] == 0}


def test_a_method_that_learns_nothing_is_told(before: System, design: Design, tmp_path: Path) -> None:
    diverging = "set: {opt.lr: [100], training.clip_norm: null, batch: 4}"
    text = FILE.replace("set: {mu: [0.3]}", diverging).replace("seeds: 2", "seeds: 1")
    study.run(before, study.read(written(tmp_path, text)))
    found = study.report(before, "mu")
    assert [(fault.variant, fault.task, fault.why) for fault in found.faults] == [
        ("fixed", "one", "no child learned one"),
        ("fixed", "two", ""),
    ]
    assert found.variants[1].verdict == "fixed: no task and seed is done that learned has done too."


def test_new_tasks_are_added_and_those_of_another_source_refused(
    before: System, design: Design, tmp_path: Path
) -> None:
    source = write_task(tmp_path, "three", seed=5)
    small = design.model_copy(
        update={"tasks": (GivenTask(name="three", source=source), GivenTask(name="one")), "seeds": (0,)}
    )
    study.run(before, small)
    assert {task.name for task in before.tasks} == {"one", "two", "three"}
    assert set(before.versions.published("mu/fixed/0")) == {"one", "three"}
    other = small.model_copy(update={"name": "other", "tasks": (GivenTask(name="one", source=source),)})
    with pytest.raises(InvalidValue, match="there is a task 'one' already, from npz:"):
        study.run(before, other)


def test_a_wrong_experiment_changes_nothing(before: System, design: Design, tmp_path: Path) -> None:
    source = write_task(tmp_path, "three", seed=5)
    for wrong in (
        (GivenTask(name="three", source=source), GivenTask(name="tow")),
        (GivenTask(name="three", source=source), GivenTask(name="four", source="npz:/nowhere.npz")),
    ):
        with pytest.raises(RametError, match="'mu', tasks: "):
            study.run(before, design.model_copy(update={"tasks": wrong}))
    with pytest.raises(UnknownName, match="no branch is called 'mian'"):
        study.run(before, design.model_copy(update={"base": "mian"}))
    assert [task.name for task in before.tasks] == ["one", "two"]
    assert before.experiments.all() == []
    assert [branch.name for branch in before.versions.branches()] == ["main"]


def test_what_was_dropped_is_not_run_again(system: System, design: Design) -> None:
    study.drop(system, "mu")
    assert study.run(system, design) == []
    assert [status.state for status in study.overview(system, "mu").trials] == ["done"] * 4


def test_an_experiment_that_was_dropped_halfway_says_so(before: System, design: Design) -> None:
    begin(before, design)
    for task in ("one", "two"):
        before.experiments.end_trial("mu", "mu/learned/0", task)
    study.drop(before, "mu")
    with pytest.raises(InvalidValue, match="'mu' was dropped: there is no branch 'mu/fixed/0'"):
        study.run(before, design)


def test_trials_that_others_work_on_are_passed_over(before: System, design: Design) -> None:
    begin(before, design)
    with before.store.catalog.leases.hold("one", branch="mu/learned/0"):
        trials = in_a_thread(lambda: study.run(ramet.open(before.store.folder), design))
    assert "mu/learned/0" not in {trial.branch for trial in trials}
    assert len(trials) == 6


@pytest.mark.parametrize(("jobs", "expected"), [(None, 1), (1, 1), (5, 5)])
def test_jobs(jobs: int | None, expected: int) -> None:
    assert choose_jobs(jobs, "cpu") == expected
    with pytest.raises(InvalidValue, match="jobs is 0"):
        choose_jobs(0, "cpu")
