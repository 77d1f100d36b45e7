import json
import os
import signal
from pathlib import Path

import pytest

from ramet.study.record import read
from tests.cli.helpers import refused, run, run_json, start

QUICK = ("benchmark", "run", "demo", "--scale", "0.001", "--tasks", "digits")


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, str, str]:
    """Where a small run left its results, and what it printed."""
    folder = tmp_path_factory.mktemp("benchmark") / "results"
    result = run(*QUICK, "--methods", "linear_probe,adapters:8", "--set", "opt.lr=0.1", "--output", folder)
    return folder, result.stdout, result.stderr


def test_list_shows_every_suite() -> None:
    lines = run("benchmark", "list").stdout.splitlines()
    assert lines[0].split() == ["suite", "tasks", "methods", "examples", "a", "task", "what"]
    assert any(line.startswith("mccb") and "32.77 M" in line for line in lines)


def test_list_as_json_is_the_whole_recipe() -> None:
    found = {suite["name"]: suite for suite in run_json("benchmark", "list")}
    assert found["mccb"]["configuration"] == "characters"
    assert found["mccb"]["reported"]["mnist"] == {"µNet": 0.968}


def test_a_run_writes_records_and_says_what_next(results: tuple[Path, str, str]) -> None:
    folder, stdout, stderr = results
    assert stdout == ""
    assert "[1/2] linear_probe, seed 0, digits" in stderr
    assert "adapters:8, seed 0, digits: validation " in stderr
    assert stderr.splitlines()[-1] == f"records are in {folder}; next: ramet benchmark report {folder}"
    assert sorted(record.variant for record in read(folder).records) == ["adapters:8", "linear_probe"]
    assert all(record.tried and record.measured for record in read(folder).records)


def test_the_command_is_kept_as_one_would_type_it(results: tuple[Path, str, str]) -> None:
    assert read(results[0]).design.commands[0] == (
        "ramet benchmark run demo --methods linear_probe,adapters:8 --tasks digits --scale 0.001 --set opt.lr=0.1"
    )


def test_nothing_left_to_do(results: tuple[Path, str, str]) -> None:
    again = run(*QUICK, "--methods", "linear_probe", "--set", "opt.lr=0.1", "--output", results[0])
    assert again.stderr.startswith("demo is done already")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("benchmark", "run", "dmeo"), "demo"),
        ((*QUICK, "--methods", "finetun"), "finetune"),
        (("benchmark", "run", "demo", "--tasks", "digit"), "digits"),
        (("benchmark", "run", "demo", "--scale", "2"), "no part of the budget"),
        ((*QUICK, "--set", "opt.lt=1"), "opt.lr"),
    ],
)
def test_typos_are_refused_before_anything_is_made(arguments: tuple[str, ...], words: str, tmp_path: Path) -> None:
    assert words in refused(*arguments, "--output", tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_results_are_not_mixed(results: tuple[Path, str, str]) -> None:
    line = refused(*QUICK, "--output", results[0])
    assert "the results that are there were made with settings {'opt.lr': '0.1'}, not {}; give the same" in line


def test_the_report_is_made_of_the_folder(results: tuple[Path, str, str], tmp_path: Path) -> None:
    result = run("benchmark", "report", results[0], "--output", tmp_path / "out")
    assert "| linear probe |" in result.stdout
    assert (tmp_path / "out" / "report.html").exists()


def test_missing_data_is_told_at_the_end(tmp_path: Path) -> None:
    result = run(
        "benchmark", "run", "mccb", "--scale", "1e-6", "--tasks", "mnist", "--methods", "linear_probe",
        "--root", "random:vit_tiny_patch16@32x1", "--data", tmp_path, "--output", tmp_path / "out", code=1,
    )  # fmt: skip
    assert "linear_probe, seed 0, mnist: no data: " in result.stderr
    assert "1 run could not be done" in result.stderr
    (record,) = read(tmp_path / "out").records
    assert "tfds build mnist --file_format=array_record" in record.error


def test_interrupted_and_resumed(tmp_path: Path) -> None:
    out = tmp_path / "out"
    arguments = (
        "benchmark", "run", "demo", "--scale", "0.05", "--tasks", "digits", "--methods", "finetune", "--output", out
    )  # fmt: skip
    process = start(*arguments)
    assert process.stderr is not None
    for line in process.stderr:
        if "cycle of 1 sample" in line:
            break
    os.kill(process.pid, signal.SIGINT)
    rest = process.stderr.read()
    assert process.wait() == -signal.SIGINT, rest
    assert "stopped; the same command goes on" in rest
    assert read(out).records == ()
    run(*arguments)
    (record,) = read(out).records
    assert record.state == "done"
    assert json.loads((out / "study.json").read_text())["design"]["name"] == "demo"
