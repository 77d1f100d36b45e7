"""docs/results.md says what the records in the repository say."""

import re
import shutil
from pathlib import Path

import pytest

from ramet.study.record import read
from ramet.study.write import write_report

REPOSITORY = Path(__file__).parents[2]
RESULTS = REPOSITORY / "benchmarks" / "results"
FOLDERS = sorted(folder.name for folder in RESULTS.iterdir() if (folder / "study.json").exists())


def test_the_page_has_places_for_these_folders() -> None:
    text = (REPOSITORY / "docs" / "results.md").read_text(encoding="utf-8")
    assert sorted(set(re.findall(r"<!-- ([\w-]+):\w+ -->", text))) == FOLDERS


@pytest.mark.parametrize("folder", FOLDERS)
def test_the_command_makes_the_page_as_it_is(folder: str, tmp_path: Path) -> None:
    (tmp_path / "docs").mkdir()
    document = Path(shutil.copy(REPOSITORY / "docs" / "results.md", tmp_path / "docs"))
    copied = Path(shutil.copytree(RESULTS / folder, tmp_path / "benchmarks" / "results" / folder))
    write_report(copied, copied / "report", document)
    assert document.read_text(encoding="utf-8") == (REPOSITORY / "docs" / "results.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("folder", FOLDERS)
def test_figures_are_there(folder: str) -> None:
    text = (REPOSITORY / "docs" / "results.md").read_text(encoding="utf-8")
    figures = re.findall(rf"\]\(\.\./(benchmarks/results/{folder}/\S+?)\)", text)
    assert all((REPOSITORY / figure).is_file() for figure in figures)


@pytest.mark.parametrize("folder", FOLDERS)
def test_records_hold_nothing_of_the_machine_but_its_kind(folder: str) -> None:
    texts = [file.read_text(encoding="utf-8") for file in (RESULTS / folder).rglob("*.json")]
    assert texts
    assert not any(re.search(r"[\"'= ](/tmp|/home|/work|/root)/", text) for text in texts)


@pytest.mark.parametrize("folder", FOLDERS)
def test_nothing_was_forgotten(folder: str) -> None:
    """Backward transfer, measured: a task's accuracy after every later task is what it was."""
    study = read(RESULTS / folder)
    found = {(r.variant, r.seed, r.alone, r.task): r for r in study.records}
    for (variant, seed, alone, _), record in found.items():
        for task, test in record.measured.items():
            assert test == found[variant, seed, alone, task].test_quality
    assert study.design.tasks
