"""A suite is run by the same code as an experiment: missing data and faults are noted, more may join, tasks alone."""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest

import ramet.system as ramet
from ramet import study
from ramet.base.errors import InvalidValue
from ramet.evolution.observer import Observer
from ramet.store.catalog.experiments import Trial
from ramet.study.design import Design, GivenTask, Slot
from ramet.study.record import Record
from ramet.study.run import begin
from ramet.system import System
from tests.study.tiny import ROOT, TEXT, a_design, suite_of

JOBS = [
    ("mu2net-plus", "squares", ""),
    ("mu2net-plus", "more/squares", ""),
    ("mu2net-plus", "more/squares", "more/squares"),
    ("linear_probe", "squares", ""),
    ("linear_probe", "more/squares", ""),
]


class Seen(study.Watch):
    """Remembers what it is told, and may stop everything at a task."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.began: list[tuple[str, str, str]] = []
        self.trials: list[Trial] = []
        self.passed: list[str] = []
        self.counts: list[tuple[str, int, int]] = []
        self.stop_at = stop_at

    def started(self, slot: Slot, task: str) -> Observer:
        self.began.append((slot.variant, task, slot.alone))
        if len(self.began) - 1 == self.stop_at:
            raise KeyboardInterrupt
        return Observer()

    def ended(self, slot: Slot, trial: Trial) -> None:
        self.trials.append(trial)

    def passed_over(self, slot: Slot, why: str) -> None:
        self.passed.append(slot.branch)

    def advanced(self, what: str, done: int, total: int) -> None:
        self.counts.append((what, done, total))


def fresh(folder: Path) -> System:
    return ramet.init(folder / "system", ROOT, name="tiny")


def records(system: System) -> list[Record]:
    return [replace(one, seconds=0, machine={}, date="", tried=None) for one in study.study_of(system, "tiny").records]


@pytest.fixture(scope="module")
def seen() -> Seen:
    return Seen()


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory, seen: Seen) -> System:
    """A whole run of the tiny suite; not to be changed."""
    system = fresh(tmp_path_factory.mktemp("tiny"))
    study.run(system, a_design(), watch=seen)
    return system


def test_every_variant_learns_every_task_and_some_alone(results: System, seen: Seen) -> None:
    assert seen.began == JOBS
    assert [trial.state for trial in seen.trials] == ["done"] * 5
    assert seen.counts[-1] == ("children", 8, 8)  # of the probe one a task


def test_a_record_says_what_was_found(results: System) -> None:
    found = study.study_of(results, "tiny").records
    record = next(one for one in found if (one.variant, one.task, one.alone) == ("mu2net-plus", "more/squares", False))
    (status,) = [s for s in results.on("tiny/mu2net-plus/0").status() if s.task == "more/squares"]
    assert (record.quality, record.test_quality) == (status.quality, status.test_quality)
    assert (record.params, record.trained_params) == (status.params, status.trained_params)
    assert (record.accounted_params, record.flops) == (status.accounted_params, status.flops)
    assert record.tried is not None
    assert (record.children, len(record.tried)) == (2, 2)
    assert record.examples == sum(child.examples for child in record.tried) == 64
    assert record.training_flops == sum(child.flops for child in record.tried) > 0
    assert (record.data, record.classes, record.number) == ("npz", 4, 1)
    assert sum(size for _, size in record.components.values()) == record.params


def test_accuracies_are_measured_anew_and_nothing_is_forgotten(results: System) -> None:
    found = {(one.variant, one.task, one.alone): one for one in study.study_of(results, "tiny").records}
    first, second = found["mu2net-plus", "squares", False], found["mu2net-plus", "more/squares", False]
    assert list(first.measured) == ["squares"]
    assert second.measured == {"squares": first.test_quality, "more/squares": second.test_quality}
    alone = found["mu2net-plus", "more/squares", True]
    assert list(alone.measured) == ["more/squares"]
    summary = study.report(results, "tiny")
    assert summary.control.transfer.backward is not None
    assert summary.control.transfer.backward.mean == 0
    assert summary.control.transfer.forward is not None
    assert summary.control.transfer.forward.n == 1


def test_a_task_alone_is_learned_from_the_root_alone(results: System) -> None:
    branch = "tiny/mu2net-plus/0/alone/more/squares"
    line = results.versions.log(branch)
    assert line[-1].id == results.versions.log("main")[-1].id
    assert set(results.versions.published(branch)) == {"more/squares"}


def test_baselines_get_the_same_budget(results: System) -> None:
    assert {record.examples for record in study.study_of(results, "tiny").records} == {64}


def test_what_is_done_is_not_done_again(results: System) -> None:
    again = Seen()
    assert study.run(results, a_design(), watch=again) == []
    assert again.began == []


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scale": 0.5}, "with scale 1.0, not 0.5"),
        ({"root": "random:vit_tiny_patch8@16x2"}, "with root"),
        ({"settings": {"opt.lr": "0.05"}}, "with settings"),
    ],
)
def test_results_under_other_terms_are_refused(results: System, change: dict[str, object], words: str) -> None:
    before = results.experiments.get("tiny")
    with pytest.raises(InvalidValue, match=words):
        study.run(results, a_design(**change))
    assert results.experiments.get("tiny") == before


@pytest.mark.parametrize("stop_at", [1, 2, 4])
def test_stopped_and_resumed_it_finds_the_same(results: System, stop_at: int, tmp_path: Path) -> None:
    system = fresh(tmp_path)
    with pytest.raises(KeyboardInterrupt):
        study.run(system, a_design(), watch=Seen(stop_at))
    again = Seen()
    study.run(system, a_design(), watch=again)
    assert again.began == JOBS[stop_at:]
    assert records(system) == records(results)


def test_side_by_side_it_finds_the_same(results: System, tmp_path: Path) -> None:
    system, watch = fresh(tmp_path), Seen()
    study.run(system, a_design(), jobs=3, watch=watch)
    assert sorted(watch.began) == sorted(JOBS)
    assert records(system) == records(results)


@pytest.mark.parametrize("stop_at", [0, 2])
def test_side_by_side_and_stopped_none_goes_on(stop_at: int, tmp_path: Path) -> None:
    system, watch = fresh(tmp_path), Seen(stop_at)
    with pytest.raises(KeyboardInterrupt):
        study.run(system, a_design(), jobs=2, watch=watch)
    assert system.store.catalog.leases.oldest() is None
    study.run(system, a_design(), jobs=2)
    assert {record.state for record in records(system)} == {"done"}


def test_a_fault_is_noted_and_the_rest_goes_on(tmp_path: Path) -> None:
    settings = "{opt.lr: [100.0], training.clip_norm: none, budget.validations: 8}"
    wild = f"  wild: {{method: finetune, set: {settings}, budget: own}}\n"
    text = TEXT.replace("tasks:\n", "tasks:\n  - {name: missing, source: 'npz:nowhere.npz'}\n").replace(
        "  linear_probe", f"{wild}  linear_probe"
    )
    suite = suite_of(text)
    design = suite.design({name: suite.recipe.variants[name] for name in ("wild", "linear_probe")})
    system, tasks = fresh(tmp_path), ["missing", "squares"]
    written = study.run(system, design, tasks=tasks)
    assert [(trial.branch, trial.task, trial.state) for trial in written] == [
        ("tiny/wild/0", "missing", "no-data"),
        ("tiny/wild/0", "squares", "failed"),
        ("tiny/linear_probe/0", "missing", "no-data"),
        ("tiny/linear_probe/0", "squares", "done"),
    ]
    assert "nowhere.npz does not exist" in written[0].problem
    assert "no child learned squares" in written[1].problem
    tried = Seen()
    study.run(system, design, tasks=tasks, watch=tried)
    assert [task for _, task, _ in tried.began] == ["missing", "squares", "missing"]


def test_a_branch_that_another_process_works_on_is_passed_over(tmp_path: Path) -> None:
    system, watch = fresh(tmp_path), Seen()
    begin(system, a_design())
    with system.experiments.hold("tiny/mu2net-plus/0"):
        study.run(ramet.open(system.store.folder), a_design(), watch=watch)
    assert watch.passed == ["tiny/mu2net-plus/0"]
    assert watch.began == JOBS[2:]


def test_more_variants_and_seeds_join_what_is_there(tmp_path: Path) -> None:
    system = fresh(tmp_path)
    study.run(system, a_design("linear_probe", command="first"), tasks=["squares"])
    both = a_design("linear_probe", "adapters:8", seeds=2, command="second")
    written = study.run(system, both, tasks=["squares"])
    assert [trial.branch for trial in written] == ["tiny/adapters-8/0", "tiny/linear_probe/1", "tiny/adapters-8/1"]
    design = Design.model_validate(system.experiments.get("tiny").design)
    assert [variant.name for variant in design.variants] == ["linear_probe", "adapters:8"]
    assert (design.commands, design.seeds) == (("first", "second"), (0, 1))
    assert {fault.task for fault in study.report(system, "tiny").faults} == {"more/squares"}
    study.run(system, a_design("linear_probe", command="first"), tasks=["squares"])
    assert Design.model_validate(system.experiments.get("tiny").design) == design


def test_seeds_come_one_after_the_other() -> None:
    def slots(design: Design) -> Sequence[Slot]:
        return list(design.slots())

    two = slots(a_design(seeds=2))
    assert [slot.seed for slot in two] == [0] * 3 + [1] * 3
    assert len({slot.branch for slot in two}) == len(two)
    assert not any(slot.alone for slot in slots(a_design(alone=False)))


def test_a_record_has_the_folder_of_data_as_the_user_named_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    design = a_design("linear_probe").model_copy(update={"tasks": (GivenTask(name="mnist", source="papers:mnist"),)})
    (trial,) = study.run(fresh(tmp_path), design, data=Path("images"))
    assert trial.state == "no-data"
    assert "--data_dir=images" in trial.problem
    assert str(tmp_path) not in trial.problem
