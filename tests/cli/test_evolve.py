import errno
import os
import signal
import sqlite3
from pathlib import Path

import pytest
import typer
from rich.console import Console

import ramet
from ramet.cli import evolve
from ramet.cli.evolve import _tell_cost
from ramet.evolution.pace import Estimate
from ramet.method.document.presets import DEFAULT_METHOD
from tests.cli.helpers import BUDGET, TASKS, path_ids, refused, run, run_json, start, state, wait_for

DIVERGING = ("--set", "opt.lr=[100]", "--set", "training.clip_norm=none", "--set", "batch=4")


def test_a_generation_is_a_line_and_the_end_a_table(seedbed: Path) -> None:
    result = run("evolve", "digits", *BUDGET, folder=seedbed)
    lines = result.stderr.splitlines()
    assert "mu2net-plus@minutes" in lines[0]
    assert sum("samples, best score" in line for line in lines) == 4
    assert sum(": validation " in line and ", test " in line for line in lines) == 2
    assert result.stdout.splitlines()[0].startswith("task")
    assert "\x1b" not in result.output


def test_it_is_trained_where_it_is_asked_for(seedbed: Path) -> None:
    run("evolve", "digits", *BUDGET, "--workers", "1", "--engine", "local", folder=seedbed)
    assert "did you mean local?" in refused("evolve", "digits", *BUDGET, "--engine", "locl", folder=seedbed)
    assert run("evolve", "digits", *BUDGET, "--workers", "-1", folder=seedbed, code=2).exit_code == 2


def test_killed_and_interrupted_runs_go_on_to_what_they_would_have_been(
    seedbed: Path, grown: Path, tmp_path: Path
) -> None:
    command = ("-C", seedbed, "evolve", *TASKS, *BUDGET)
    interrupted = start(*command)
    wait_for(interrupted, "2/8 samples")
    interrupted.send_signal(signal.SIGSTOP)  # it shall not end before the others have been refused
    assert "being worked on" in refused("evolve", "digits", *BUDGET, folder=seedbed)
    assert "being worked on" in refused("task", "remove", "digits", "--yes", folder=seedbed)
    interrupted.send_signal(signal.SIGINT)
    interrupted.send_signal(signal.SIGCONT)
    _, messages = interrupted.communicate()
    assert interrupted.returncode == -signal.SIGINT
    assert messages.splitlines()[-1] == "stopped; the same command goes on"
    assert "Traceback" not in messages

    killed = start(*command)
    wait_for(killed, "numerals (2 of 2): cycle 1")
    killed.kill()
    killed.communicate()

    resumed = run(*command)
    assert "digits: was finished by this command before" in resumed.stderr
    assert "from cycle" in resumed.stderr
    learned = [status for status in run_json("status", folder=grown) if status["task"] in TASKS]
    assert path_ids(seedbed) == [status["path"] for status in learned]
    assert run("verify", "--quality", folder=seedbed)


def test_a_run_that_is_not_done_is_neither_mixed_with_another_nor_lost(colony: Path) -> None:
    agent = ramet.open(colony).store.catalog.agents.all("digits")[0]
    with sqlite3.connect(colony / "catalog.sqlite") as catalog:
        catalog.execute("update agents set state = 'running', cycle = 1 where id = ?", [agent.id])
    before = state(colony)
    assert "--restart" in refused("evolve", "digits", *BUDGET, "--seed", "5", folder=colony)
    assert state(colony) == before
    assert "digits" in run("status", folder=colony).stderr
    run("evolve", "digits", *BUDGET, "--seed", "5", "--restart", folder=colony)
    assert not any(status["unfinished"] for status in run_json("status", folder=colony))


def test_the_default_method_is_the_librarys(seedbed: Path) -> None:
    few = ("--set", "budget.epochs=1", "--set", "budget.validations=1", "--set", "budget.examples_per_validation=8")
    lines = run("evolve", "digits", *few, folder=seedbed).stderr.splitlines()
    assert f"digits: {DEFAULT_METHOD}@minutes v1 #" in lines[0]
    assert run_json("status", folder=seedbed)[0]["method"].startswith(f"{DEFAULT_METHOD}@minutes v1 #")
    (child,) = run_json("history", "digits", folder=seedbed)
    assert child["status"] == "joined"


def test_a_method_file_is_read(seedbed: Path, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("extends: mu2net\nname: mine\nversion: 3\n")
    run("evolve", "digits", "--method", file, *BUDGET[2:], "--cycles", "1", "--samples", "1", folder=seedbed)
    assert run_json("status", folder=seedbed)[0]["method"].startswith("mine v3 #")


def test_nothing_learned_is_exit_code_1(seedbed: Path) -> None:
    result = run("evolve", "digits", *BUDGET, *DIVERGING, folder=seedbed, code=1)
    assert "nothing was learned of digits" in result.stderr
    assert {child["status"] for child in run_json("history", folder=seedbed)} == {"diverged"}
    assert run_json("history", folder=seedbed)[0]["path"]["metrics"]["quality"] is None


def test_no_better_path_is_told(colony: Path) -> None:
    before = path_ids(colony)
    result = run("evolve", "digits", *BUDGET, *DIVERGING, folder=colony)
    assert path_ids(colony) == before
    assert result.stderr.splitlines()[-1] == "no better path than before: digits"


def test_a_task_named_twice_is_learned_once(seedbed: Path) -> None:
    once = ("--cycles", "1", "--samples", "1")
    result = run("evolve", "digits", "digits", *BUDGET, *once, folder=seedbed)
    assert "of 2)" not in result.stderr
    assert len(run_json("history", folder=seedbed)) == 1


def test_a_time_limit_that_is_over_at_once_learns_nothing(seedbed: Path) -> None:
    result = run("evolve", "digits", *BUDGET, "--time-limit", "0.001s", folder=seedbed, code=1)
    assert "nothing was learned" in result.stderr


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["digitz"], "digits"),
        (["digits", "nothing"], "nothing"),
        (["digits", "--method", "mu3net"], "mu3net"),
        (["digits", "--method", "mu2net@huge"], "huge"),
        (["digits", "--method", "missing.yaml"], "missing.yaml"),
        (["digits", "--set", "opt.speed=1"], "opt.speed"),
        (["digits", "--set", "opt.lr=-1"], "opt.lr"),
        (["digits", "--set", "opt.lr"], "opt.lr"),
        (["digits", "--set", "batch=many"], "batch"),
        (["digits", "--set", "score.factor=2"], "score.factor"),
        (["digits", "--time-limit", "soon"], "soon"),
        (["digits", "--time-limit", "0"], "0"),
        (["digits", "--device", "abacus"], "abacus"),
    ],
)
def test_what_cannot_be_done_changes_nothing(arguments: list[str], named: str, seedbed: Path) -> None:
    before = state(seedbed)
    assert named in refused("evolve", *arguments, folder=seedbed)
    assert state(seedbed) == before


def test_a_full_disk_stops_the_run_and_the_same_command_goes_on(seedbed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    command = ("evolve", "digits", *BUDGET, "--cycles", "1", "--samples", "2")
    with monkeypatch.context() as patched:
        patched.setattr(os, "fsync", full)
        result = run(*command, folder=seedbed, code=2)
    assert "No space left" in result.stderr.splitlines()[-1]
    assert "free some space" in result.stderr.splitlines()[-1]
    assert path_ids(seedbed) == [None, None]
    run(*command, folder=seedbed)
    assert path_ids(seedbed)[0] is not None


def test_a_finished_run_is_let_be_unless_there_is_to_be_more(colony: Path) -> None:
    def children() -> int:
        return len(run_json("history", "digits", folder=colony))

    before = children()
    result = run("evolve", "digits", *BUDGET, folder=colony)
    assert "finished before: digits; --more or --cycles +N goes on" in result.stderr
    assert children() == before
    run("evolve", "digits", *BUDGET, "--more", folder=colony)
    assert children() == before + 8
    run("evolve", "digits", *BUDGET, "--cycles", "+1", folder=colony)
    assert children() == before + 12


@pytest.mark.parametrize("cycles", ["0", "+0", "-1", "many", "1.5", "++1", "²"])
def test_cycles_are_a_number(cycles: str, seedbed: Path) -> None:
    assert "--cycles" in refused("evolve", "digits", "--cycles", cycles, folder=seedbed)


@pytest.mark.parametrize(
    ("seconds", "limit", "told"),
    [
        (360, None, "about 6 minutes here for 32 children; --time-limit 90s would take a quarter of it"),
        (360, 90, "about 6 minutes here for 32 children, in 90 seconds about 8 of them"),
        (47_000, None, "about 13.1 hours here for 32 children; --time-limit 196m would take a quarter of it"),
        (20, None, "about 20 seconds here for 32 children; --time-limit 5s would take a quarter of it"),
    ],
)
def test_the_cost_is_told_first(
    seconds: float, limit: float | None, told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    _tell_cost(Estimate(seconds, 32, 1000), limit, yes=False)
    assert capsys.readouterr().err.strip() == told


def test_before_a_run_of_hours_a_terminal_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    asked: list[str] = []
    monkeypatch.setattr("sys.stdin.isatty", lambda: True, raising=False)
    monkeypatch.setattr(evolve, "err", Console(force_terminal=True))
    monkeypatch.setattr(typer, "confirm", lambda text, **_: asked.append(text))
    for seconds, limit, yes in ((3599, None, False), (7200, None, True), (7200, 600, False)):
        _tell_cost(Estimate(seconds, 32, 1000), limit, yes)
    assert asked == []
    _tell_cost(Estimate(7200, 32, 1000), None, False)
    assert asked == ["Start?"]


def test_a_new_run_says_what_it_costs(seedbed: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ramet.evolution.evolve.TRIAL_SHARE", 1000)
    result = run("evolve", "digits", *BUDGET, folder=seedbed)
    assert " here for 8 children" in result.stderr.splitlines()[0]
    result = run("evolve", "digits", *BUDGET, folder=seedbed)
    assert "here for" not in result.stderr


def test_presets_are_listed() -> None:
    listed = run_json("method", "list")
    methods = {"finetune", "freeze_bottom:N", "adapters:D", "linear_probe", "munet", "mu2net", "mu2net-plus"}
    assert listed["methods"].keys() >= methods
    assert listed["sizes"].keys() >= {"seconds", "minutes", "hour", "large"}
    assert not listed["methods"].keys() & listed["sizes"].keys()
    text = run("method", "list").stdout
    first, second = text.split("\n\n")
    assert all(name in first for name in listed["methods"])
    assert all(name in second for name in listed["sizes"])


@pytest.mark.parametrize("name", ["mu2net-plus", "mu2net@characters", "freeze_bottom:2", "large"])
def test_what_show_prints_is_a_method(name: str, tmp_path: Path) -> None:
    file = tmp_path / "method.yaml"
    file.write_text(run("method", "show", name, "--set", "budget.cycles=7").stdout)
    assert "cycles: 7" in file.read_text()
    assert run("method", "show", file).stdout == file.read_text()
    assert run("method", "validate", file).stdout.endswith("is a method\n")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("extends: mu2net\nbatch: 0\n", "batch"),
        ("extends: mu2net\nspeed: 3\n", "speed"),
        ("extends: mu3net\n", "mu3net"),
        ("name: [", "YAML"),
        ("name: lonely\n", "budget"),
    ],
)
def test_a_file_that_is_no_method_is_refused(text: str, named: str, tmp_path: Path) -> None:
    file = tmp_path / "method.yml"
    file.write_text(text)
    assert named in refused("method", "validate", file)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["mu2nett"], "mu2net"),
        (["missing.yaml"], "missing.yaml"),
        (["freeze_bottom"], "freeze_bottom:N"),
        (["mu2net", "--set", "batch=none"], "batch"),
        (["mu2net", "--set", "batch"], "batch"),
    ],
)
def test_what_is_no_method_is_named(arguments: list[str], named: str) -> None:
    assert named in refused("method", "show", *arguments)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "method.yaml"
    file.write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in refused("method", "validate", file)
