"""Runs commands in this process, or in one of their own, and says what a system's state is."""

import json
import os
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch
from typer.testing import CliRunner, Result

from ramet.cli.main import app

RUNNER = CliRunner(env={"RAMET_SYSTEM": None, "RAMET_BRANCH": None, "COLUMNS": "80"})
ROOT = "random:vit_tiny_patch8@16x1"
TASKS = ("digits", "numerals")
BUDGET = (
    "--method", "mu2net-plus", "--cycles", "2", "--samples", "4", "--set", "budget.generation=2",
    "--set", "budget.validations=1", "--set", "budget.examples_per_validation=128",
    "--set", "budget.validation_examples=64",
)  # fmt: skip
"""Seconds for a task: two cycles of two generations of two children."""


def run(*arguments: object, code: int = 0, folder: Path | None = None, stdin: str | None = None) -> Result:
    """A command's result; its exit code must be the one given."""
    before = ("-C", folder) if folder else ()
    result = RUNNER.invoke(app, [str(a) for a in (*before, *arguments)], prog_name="ramet", input=stdin)
    if result.exception is not None and not isinstance(result.exception, SystemExit):
        raise result.exception
    assert result.exit_code == code, result.output
    return result


def run_json(*arguments: object, folder: Path | None = None) -> Any:
    """What a command prints as JSON; NaN, which is none, is refused."""
    return json.loads(run(*arguments, "--json", folder=folder).stdout, parse_constant=lambda text: 1 / 0)


def refused(*arguments: object, folder: Path | None = None) -> str:
    """The line by which a command refuses its input: the only output there is."""
    result = run(*arguments, code=2, folder=folder)
    assert result.stdout == ""
    (line,) = result.stderr.splitlines()
    assert line.startswith("error: ")
    assert "; " in line, "no remedy"
    return str(line)


def start(*arguments: object, **options: Any) -> "subprocess.Popen[str]":
    """A command in a process of its own."""
    threads = str(torch.get_num_threads())
    return subprocess.Popen(
        [sys.executable, "-m", "ramet", *map(str, arguments)],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "OMP_NUM_THREADS": threads, "COLUMNS": "80"},
        **options,
    )


def wait_for(process: "subprocess.Popen[str]", text: str) -> None:
    """Read a process's messages up to one that holds the text."""
    assert process.stderr is not None
    for line in process.stderr:
        if text in line:
            return
    raise AssertionError(f"the process ended without {text!r}")


def state(folder: Path) -> tuple[Any, ...]:
    """All that a refused command may not change: what is listed, and every file."""
    files = sorted(
        (str(file.relative_to(folder)), file.stat().st_size)
        for file in folder.rglob("*")
        if file.is_file() and not file.name.startswith("catalog.sqlite") and file.suffix != ".lock"
    )
    return run_json("status", folder=folder), run_json("task", "list", folder=folder), files


def path_ids(folder: Path) -> Sequence[str]:
    """The ids of the published paths, by task."""
    return [status["path"] for status in run_json("status", folder=folder)]
