import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import pytest
from filelock import FileLock
from ramet.study.record import Record, file_of, read, read_all, read_terms
from ramet.study.run import Job, all_jobs, run
from ramet.study.suite import SuiteMethod, SuiteTask, choose_methods

import ramet
from ramet.base.errors import InvalidValue, UnknownName
from ramet.evolution.observer import Observer
from tests.study.tiny import SUITE, request

TOGETHER = [("mu2net-plus", "squares"), ("mu2net-plus", "more/squares")]
JOBS = [
    *((name, task, "together") for name, task in TOGETHER),
    ("mu2net-plus", "more/squares", "alone"),
    ("linear_probe", "squares", "together"),
    ("linear_probe", "more/squares", "together"),
]


class Watcher:
    """Remembers what it is told, and may stop everything at a job."""

    def __init__(self, stop_at: int | None = None) -> None:
        self.began: list[Job] = []
        self.found: list[Record] = []
        self.passed: list[str] = []
        self.stop_at = stop_at

    @contextmanager
    def started(self, job: Job, number: int, total: int) -> Iterator[Observer]:
        self.began.append(job)
        if len(self.began) - 1 == self.stop_at:
            raise KeyboardInterrupt
        yield Observer()

    def finished(self, job: Job, found: Record) -> None:
        self.found.append(found)

    def passed_over(self, folder: str) -> None:
        self.passed.append(folder)


def named(jobs: list[Job]) -> list[tuple[str, str, str]]:
    return [(job.method.id, job.task.name, job.setting) for job in jobs]


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, list[Record]]:
    """A whole run of the tiny suite."""
    folder = tmp_path_factory.mktemp("tiny")
    return folder, run(request(folder), Watcher())


def test_every_method_learns_every_task(results: tuple[Path, list[Record]]) -> None:
    folder, written = results
    assert [(r.variant.name, r.task, r.setting) for r in written] == JOBS
    assert all(record.state == "done" for record in written)
    assert {r.task + r.variant.name + r.setting for r in read_all(folder)} == {a + b + c for b, a, c in JOBS}


def test_a_record_says_what_was_found(results: tuple[Path, list[Record]]) -> None:
    folder, written = results
    record = written[1]
    system = ramet.open(folder / "systems" / "mu2net-plus" / "seed-0")
    (status,) = [s for s in system.status() if s.task == "more/squares"]
    children = system.history("more/squares")
    assert read(file_of(folder, "mu2net-plus", 0, "more/squares", "together")) == record
    assert (record.validation, record.test) == (status.quality, status.test_quality)
    assert (record.params, record.trained_params) == (status.params, status.trained_params)
    assert (record.accounted_params, record.flops) == (status.accounted_params, status.flops)
    assert record.children == len(children) == 2
    assert record.examples == sum(child.cost["examples"] for child in children) == 64
    assert record.training_flops == sum(child.cost["flops"] for child in children) > 0
    assert record.data == "npz"
    assert record.classes == 4
    assert record.variant.method == status.method


def test_standings_are_of_all_tasks_so_far_and_nothing_is_forgotten(results: tuple[Path, list[Record]]) -> None:
    first, second, alone, *_ = results[1]
    assert list(first.standings) == ["squares"]
    assert set(second.standings) == {"squares", "more/squares"}
    assert list(alone.standings) == ["more/squares"]
    assert second.standings["squares"].test == first.test
    assert second.standings["more/squares"].test == second.test
    sizes = [size for _, size in second.standings["more/squares"].components.values()]
    assert sum(sizes) == second.params


def test_baselines_get_the_same_budget(results: tuple[Path, list[Record]]) -> None:
    assert {record.examples for record in results[1]} == {64}


def test_images_are_decoded_once_for_all_systems(results: tuple[Path, list[Record]]) -> None:
    folder = results[0]
    caches = {(place / "cache").resolve() for place in folder.glob("systems/*/*") if place.is_dir()}
    assert caches == {folder / "cache"}
    assert len(list((folder / "cache").iterdir())) >= 2


def test_what_is_done_is_not_done_again(results: tuple[Path, list[Record]]) -> None:
    folder, written = results
    watcher = Watcher()
    assert run(request(folder), watcher, resume=True) == []
    assert watcher.began == []
    assert len(written) == len(JOBS)


def test_results_are_not_mixed_unasked(results: tuple[Path, list[Record]]) -> None:
    with pytest.raises(InvalidValue, match="has results already"):
        run(request(results[0]), Watcher())


@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"scale": 0.5}, "with scale 1.0, not 0.5"),
        ({"root": "random:vit_tiny_patch8@16x2"}, "with root"),
        ({"settings": {"opt.lr": "0.05"}}, "with settings"),
    ],
)
def test_results_under_other_terms_are_refused(
    results: tuple[Path, list[Record]], change: dict[str, object], words: str
) -> None:
    before = (results[0] / "suite.json").read_bytes()
    with pytest.raises(InvalidValue, match=words):
        run(request(results[0], **change), Watcher(), resume=True)
    assert (results[0] / "suite.json").read_bytes() == before


@pytest.mark.parametrize("stop_at", [1, 2, 4])
def test_stopped_and_resumed_it_finds_the_same(
    results: tuple[Path, list[Record]], stop_at: int, tmp_path: Path
) -> None:
    with pytest.raises(KeyboardInterrupt):
        run(request(tmp_path), Watcher(stop_at), resume=False)
    watcher = Watcher()
    run(request(tmp_path), watcher, resume=True)
    assert named(watcher.began) == JOBS[stop_at:]

    def found(folder: Path) -> list[Record]:
        return [replace(r, seconds=0, machine={}, date="") for r in read_all(folder)]

    assert found(tmp_path) == found(results[0])


def test_a_task_learned_whose_record_is_missing_is_not_learned_again(tmp_path: Path) -> None:
    (probe,) = choose_methods(SUITE, ["linear_probe"])
    (record, *_) = run(request(tmp_path, methods=[probe]), Watcher())
    file = file_of(tmp_path, "linear_probe", 0, record.task, "together")
    file.unlink()
    run(request(tmp_path, methods=[probe]), Watcher(), resume=True)
    assert read(file).seconds == record.seconds
    assert len(ramet.open(tmp_path / "systems" / "linear_probe" / "seed-0").store.catalog.agents.all(record.task)) == 1


def test_a_fault_is_recorded_and_the_rest_goes_on(tmp_path: Path) -> None:
    missing = SuiteTask(name="missing", source="npz:nowhere.npz")
    wild = SuiteMethod(
        method="finetune",
        name="wild",
        settings={"opt.lr": "[100.0]", "training.clip_norm": "none", "budget.validations": "8"},
    )
    probe = choose_methods(SUITE, ["linear_probe"])[0]
    tasks = [missing, SUITE.tasks[0]]
    written = run(request(tmp_path, methods=[wild, probe], tasks=tasks), Watcher())
    assert [(r.variant.name, r.task, r.state) for r in written] == [
        ("wild", "missing", "no-data"),
        ("wild", "squares", "failed"),
        ("linear_probe", "missing", "no-data"),
        ("linear_probe", "squares", "done"),
    ]
    assert "nowhere.npz does not exist" in written[0].error
    assert "none of 1 children learned squares" in written[1].error
    tried = Watcher()
    run(request(tmp_path, methods=[wild, probe], tasks=tasks), tried, resume=True)
    assert [job.task.name for job in tried.began] == ["missing", "squares", "missing"]


def test_a_root_that_is_not_there_fails_every_run_by_name(tmp_path: Path) -> None:
    written = run(request(tmp_path, root="nowhere.npz", tasks=SUITE.tasks[:1]), Watcher())
    assert {record.state for record in written} == {"failed"}
    assert all(UnknownName.__name__ in record.error and "nowhere.npz" in record.error for record in written)


def test_a_system_that_another_process_works_on_is_passed_over(tmp_path: Path) -> None:
    place = tmp_path / "systems" / "mu2net-plus" / "seed-0"
    place.parent.mkdir(parents=True)
    with FileLock(f"{place}.lock"):
        watcher = Watcher()
        run(request(tmp_path), watcher)
    assert watcher.passed == ["systems/mu2net-plus/seed-0"]
    assert named(watcher.began) == JOBS[2:]


def test_more_methods_and_seeds_join_what_is_there(tmp_path: Path) -> None:
    probe, squares = choose_methods(SUITE, ["linear_probe"]), SUITE.tasks[:1]
    run(request(tmp_path, methods=probe, tasks=squares, command="first"), Watcher())
    both = choose_methods(SUITE, ["linear_probe", "adapters:8"])
    written = run(request(tmp_path, methods=both, tasks=squares, seeds=2, command="second"), Watcher(), resume=True)
    assert [(r.variant.name, r.seed) for r in written] == [("adapters:8", 0), ("linear_probe", 1), ("adapters:8", 1)]
    terms = read_terms(tmp_path)
    assert [v.name for v in terms.variants] == ["linear_probe", "adapters:8"]
    assert terms.command == "first\nsecond"
    assert json.loads((tmp_path / "suite.json").read_text())["tasks"] == ["squares", "more/squares"]


def test_seeds_come_one_after_the_other(tmp_path: Path) -> None:
    jobs = list(all_jobs(request(tmp_path, seeds=2)))
    assert [job.seed for job in jobs] == [0] * 5 + [1] * 5
    assert len({(job.folder, job.task.name) for job in jobs}) == len(jobs)
    assert not any(job.setting == "alone" for job in all_jobs(request(tmp_path, alone=False)))


def test_a_record_has_the_folder_of_data_as_the_user_named_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "images").mkdir()
    missing = SuiteTask(name="mnist", source="papers:mnist")
    probe = choose_methods(SUITE, ["linear_probe"])
    (record,) = run(request(tmp_path / "out", methods=probe, tasks=[missing], data=Path("images")), Watcher())
    assert record.state == "no-data"
    assert "--data_dir=images" in record.error
    assert str(tmp_path) not in record.error
