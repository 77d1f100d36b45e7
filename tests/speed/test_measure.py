from pathlib import Path

import pytest
from benchmarks.speed import generation, measure, memory, scale, startup
from benchmarks.speed.measure import NAMES, Settings, run
from benchmarks.speed.report import Row, Say

ROWS = [{"what": "x", "s": 1.0}]


@pytest.fixture
def seen(monkeypatch: pytest.MonkeyPatch) -> list[tuple[object, ...]]:
    """What every benchmark was asked for; none is run."""
    calls: list[tuple[object, ...]] = []

    def quick(repeats: int, say: Say) -> list[Row]:
        calls.append((repeats,))
        return list(ROWS)

    def on_system(repeats: int, folder: Path, root: str, tasks: int, say: Say) -> tuple[list[Row], str]:
        calls.append((repeats, folder, root, tasks))
        return list(ROWS), "a note"

    monkeypatch.setattr(generation, "run", quick)
    monkeypatch.setattr(memory, "run", on_system)
    monkeypatch.setattr(startup, "run", on_system)
    monkeypatch.setattr(scale, "run", on_system)
    return calls


def test_each_gives_a_report_and_one_system_serves_all(seen: list[tuple[object, ...]]) -> None:
    reports = list(run(NAMES, Settings(2, 5, "vit_small_patch16"), lambda _: None))
    assert [report.benchmark for report in reports] == list(NAMES)
    assert all(report.rows == ROWS for report in reports)
    first, second, third = seen[1:]
    assert seen[0] == (2,)
    assert first == second == third
    assert (first[0], *first[2:]) == (2, "random:vit_small_patch16", 5)
    assert not Path(str(first[1])).exists()


@pytest.mark.parametrize(
    ("name", "command"),
    [
        ("generation", "python -m benchmarks.speed generation --repeats 2"),
        ("memory", "python -m benchmarks.speed memory --repeats 2 --tasks 5 --model vit_small_patch16"),
    ],
)
def test_a_report_says_which_command_measures_it_again(name: str, command: str) -> None:
    assert measure.Settings(2, 5, "vit_small_patch16").command(name) == command
