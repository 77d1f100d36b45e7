import errno
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import typer

import ramet
from ramet.cli import store
from ramet.cli.main import app
from tests.cli.helpers import RUNNER, run, run_json, start, wait_for

SYSTEM, JSON = "-C", "--json"
SURFACE = {
    "demo": ("DIR",),
    "init": ("DIR", "--catalog", "--name", "--root", "--seed", "--store"),
    "task add": ("NAME", "SOURCE", "--max-side", "--option", "--skip-bad-images", "--test", "--validation", SYSTEM),
    "task list": (JSON, SYSTEM),
    "task show": ("NAME", JSON, SYSTEM),
    "task remove": ("NAME", "--yes", "-y", SYSTEM),
    "task papers": ("--data", JSON, "--suite"),
    "evolve": (
        "TASK", "--cycles", "--device", "--engine", "--method", "--more", "--restart", "--samples", "--seed", "--set",
        "--time-limit", "--workers", "--yes", "-y", SYSTEM,
    ),
    "status": (JSON, SYSTEM),
    "show": ("TASK|PATH|COMMIT", JSON, SYSTEM),
    "history": ("TASK", JSON, "--limit", "--plot", SYSTEM),
    "lineage": ("TASK", JSON, SYSTEM),
    "report": ("FILE", JSON, SYSTEM),
    "graph": ("FILE", JSON, SYSTEM),
    "log": ("COMMIT", JSON, "--limit", SYSTEM),
    "diff": ("COMMIT", "COMMIT", JSON, SYSTEM),
    "branch": ("NAME", "COMMIT", "--delete", "-d", JSON, SYSTEM),
    "switch": ("NAME", "--create", "-c", SYSTEM),
    "merge": ("BRANCH", JSON, "--policy", SYSTEM),
    "tag": ("NAME", "COMMIT", "--delete", "-d", JSON, "--message", "-m", SYSTEM),
    "restore": ("TASK", "--from", SYSTEM),
    "revert": ("COMMIT", SYSTEM),
    "evaluate": ("TASK", "--all", "--confusion", "--details", "--device", "--errors", JSON, "--split", SYSTEM),
    "predict": ("TASK", "IMAGE", "--csv", "--device", JSON, "--top", SYSTEM),
    "push": ("BRANCH", JSON, "REMOTE", SYSTEM),
    "pull": ("BRANCH", JSON, "REMOTE", SYSTEM),
    "export": ("DIR", SYSTEM, "TASK"),
    "import": ("--name", "DIR", SYSTEM),
    "verify": ("--device", "--from", JSON, "--quality", SYSTEM),
    "replay": ("TASK|PATH", "--device", JSON, "--tolerance", SYSTEM),
    "migrate": (SYSTEM,),
    "gc": ("--delete", JSON, SYSTEM),
    "experiment run": ("FILE", "--device", "--jobs", SYSTEM),
    "experiment report": ("NAME", "--html", JSON, SYSTEM),
    "experiment list": (JSON, SYSTEM),
    "experiment show": ("NAME", JSON, SYSTEM),
    "experiment merge": ("NAME", JSON, "--tasks", SYSTEM),
    "experiment drop": ("NAME", SYSTEM),
    "benchmark report": ("FOLDER", "--fill", JSON, "--output"),
    "benchmark list": (JSON,),
    "benchmark run": (
        "SUITE", "--alone", "--data", "--device", "--jobs", "--methods", "--no-alone", "--output", "--root",
        "--scale", "--seeds", "--set", "--tasks",
    ),
    "method list": (JSON,),
    "method parts": ("[FILE]", JSON),
    "method show": ("FILE|NAME", "--set"),
    "method validate": ("FILE|NAME", "--set"),
}  # fmt: skip
"""Every command with its arguments and options: what users and scripts rely on."""


def commands(group: Any, prefix: str = "") -> dict[str, Any]:
    found = {}
    for name, command in group.commands.items():
        found |= commands(command, f"{name} ") if hasattr(command, "commands") else {prefix + name: command}
    return found


def test_commands_and_options_are_frozen() -> None:
    def names(parameter: Any) -> list[str]:
        if parameter.param_type_name == "argument":
            return [str(parameter.metavar)]
        return [*parameter.opts, *parameter.secondary_opts]

    surface = {
        command: sorted(name for parameter in found.params for name in names(parameter))
        for command, found in commands(typer.main.get_command(app)).items()
    }
    assert surface == {command: sorted(names) for command, names in SURFACE.items()}


@pytest.mark.parametrize("command", SURFACE)
def test_help_explains_the_command_and_everything_it_takes(command: str) -> None:
    text = run(*command.split(), "--help").stdout
    found = commands(typer.main.get_command(app))[command]
    assert found.help.splitlines()[0].split()[0] in text
    assert all(parameter.help for parameter in found.params)
    assert max(map(len, text.splitlines())) <= 80


def test_no_command_shows_the_help() -> None:
    result = run(code=2)
    assert "Usage: ramet" in result.output
    assert all(name.split()[0] in result.output for name in SURFACE)


def test_version() -> None:
    assert run("--version").stdout == f"ramet {ramet.__version__}\n"


@pytest.mark.parametrize(
    ("typo", "meant"), [(["statsu"], "status"), (["evlove", "x"], "evolve"), (["task", "lst"], "list")]
)
def test_a_mistyped_command_is_told_the_near_one(typo: list[str], meant: str) -> None:
    result = run(*typo, code=2)
    assert f"'{meant}'" in result.stderr
    assert result.stdout == ""


@pytest.mark.parametrize("arguments", [["status", "--jsn"], ["init"], ["history", "--limit", "0"], ["evolve"]])
def test_a_usage_error_has_exit_code_2(arguments: list[str], tmp_path: Path) -> None:
    assert "Error" in run(*arguments, code=2).stderr


def test_the_system_is_named_before_or_behind_the_command_or_by_the_environment(
    sown: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    expected = run_json("status", folder=sown)
    assert run_json("status", "-C", sown) == expected
    assert run_json("status", "-C", sown, folder=tmp_path) == expected
    monkeypatch.setitem(RUNNER.env, "RAMET_SYSTEM", str(sown))
    assert run_json("status") == expected
    monkeypatch.setitem(RUNNER.env, "RAMET_SYSTEM", None)
    monkeypatch.chdir(sown)
    assert run_json("status") == expected


def test_an_error_is_one_line_and_no_system_is_made(tmp_path: Path) -> None:
    result = run("status", "-C", tmp_path, code=2)
    assert (
        result.stderr == f"error: {tmp_path} is no ramet system; make one with `ramet init`, or name another folder\n"
    )
    assert list(tmp_path.iterdir()) == []


def test_a_bug_shows_its_traceback(sown: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object) -> None:
        raise ZeroDivisionError("a bug")

    monkeypatch.setattr(store, "show", broken)
    with pytest.raises(ZeroDivisionError, match="a bug"):
        run("gc", folder=sown)


def test_an_interrupted_command_says_so(sown: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def interrupted(*_: object) -> None:
        raise KeyboardInterrupt

    monkeypatch.setattr(store, "show", interrupted)
    assert run("gc", folder=sown, code=130).stderr == "stopped\n"


def test_a_loop_of_a_shell_ends_with_the_command_that_was_stopped(seedbed: Path) -> None:
    loop = 'for i in 1 2; do "$@"; done; echo the loop went on'
    command = (sys.executable, "-m", "ramet", "-C", seedbed, "evolve", "digits")
    options: dict[str, Any] = {"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True}
    shell = subprocess.Popen(["bash", "-c", loop, "bash", *map(str, command)], start_new_session=True, **options)
    wait_for(shell, "digits: cycle 1")
    os.killpg(shell.pid, signal.SIGINT)
    printed, messages = shell.communicate()
    assert (shell.returncode, printed) == (-signal.SIGINT, "")
    assert messages.splitlines()[-1] == "stopped; the same command goes on"


def test_a_closed_pipe_is_no_error(sown: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def closed(*_: object) -> None:
        raise BrokenPipeError(errno.EPIPE, "Broken pipe")

    monkeypatch.setattr(store, "show", closed)
    assert run("gc", folder=sown, code=1).output == ""


def test_a_reader_that_leaves_early_sees_no_error() -> None:
    process = start("method", "show", "mu2net-plus")
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()
    assert process.stderr.read() == ""
    process.wait()


@pytest.mark.parametrize("arguments", [["--help"], ["--version"]])
def test_help_loads_nothing_heavy(arguments: list[str]) -> None:
    code = f"""
import sys
from ramet.cli.main import app
try:
    app({arguments}, prog_name="ramet")
finally:
    print(*sorted({{"torch", "numpy", "sqlalchemy", "pydantic", "PIL", "yaml"}} & sys.modules.keys()), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stderr.split() == []
