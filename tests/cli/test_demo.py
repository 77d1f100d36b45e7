import glob
import shlex
from pathlib import Path

import pytest

from ramet.cli import demo
from tests.cli.helpers import ROOT, path_ids, refused, run, run_json


@pytest.fixture
def small(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Path:
    """The demo with two tasks and next to no training, in a folder that it may make."""
    monkeypatch.setattr(demo, "ROOT", ROOT)
    monkeypatch.setattr(demo, "TASKS", {"numerals": "demo:numerals", "greek": "demo:greek-small"})
    budget = {"samples_per_cycle": "2", "generation": "2", "validations": "1", "examples_per_validation": "64"}
    few = {f"budget.{field}": value for field, value in budget.items()}
    monkeypatch.setattr(demo, "SETTINGS", {**demo.SETTINGS, **few, "budget.cycles": "1"})
    monkeypatch.chdir(tmp_path)
    return tmp_path / "ramet-demo"


def test_the_demo_is_the_whole_job_and_can_be_run_again(small: Path) -> None:
    text = run("demo").stdout
    assert all(word in text for word in ("numerals", "greek", "predicted", "equal to the last digit", "Try next"))
    learned = path_ids(small)
    assert None not in learned
    assert "done by an earlier call" in run("demo").stdout
    assert [file.name for file in small.glob("catalog*")] == ["catalog.sqlite"]
    assert path_ids(small) == learned
    commands = [line.strip() for line in text.splitlines() if line.startswith("  ramet ")]
    assert len(commands) == 4
    for command in commands[:3]:
        assert run(*(file for word in shlex.split(command)[1:] for file in expanded(word))).stdout


def expanded(word: str) -> list[str]:
    """What a shell makes of a word."""
    return sorted(glob.glob(word)) if "*" in word else [word]


def test_a_demo_that_was_stopped_goes_on(small: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patched:
        patched.setattr(demo, "_evolve", interrupted)
        run("demo", code=130)
    assert len(run_json("task", "list", folder=small)) == 2
    assert "Try next" in run("demo").stdout


def test_a_folder_of_something_else_is_refused(small: Path, sown: Path, tmp_path: Path) -> None:
    (tmp_path / "letter.txt").write_text("dear")
    assert "letter.txt" in refused("demo", tmp_path)
    before = path_ids(sown)
    assert "not the demo's" in refused("demo", sown)
    assert path_ids(sown) == before


def test_the_demo_has_six_tasks_of_sources_that_exist() -> None:
    from ramet.tasks.sources.demo import DEMOS

    assert len(demo.TASKS) >= 6
    assert {source.removeprefix("demo:") for source in demo.TASKS.values()} <= set(DEMOS)
    assert demo.PREDICTED_TASK in demo.TASKS
