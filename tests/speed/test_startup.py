import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.speed import startup

from tests.speed.conftest import ROOT, TASKS

HEAVY = {"torch", "numpy", "PIL", "sqlalchemy.dialects.postgresql", "filelock"}


def test_status_loads_nothing_that_it_does_not_need(scratch: Path) -> None:
    code = f"""
import sys
from ramet.cli.main import app
try:
    app(["-C", {str(scratch / "colony")!r}, "status"], prog_name="ramet")
finally:
    print(*sorted({HEAVY!r} & sys.modules.keys()), file=sys.stderr)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    assert "task-002" in done.stdout
    assert done.stderr.split() == []


def test_every_command_has_its_row(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(startup, "RUNS_A_REPEAT", 1)
    rows, note = startup.run(2, scratch, ROOT, TASKS, lambda _: None)
    assert [(row[""], row["at most"]) for row in rows] == [
        ("`python -c pass`", None),
        ("`ramet --help`", 0.5),
        ("`ramet status`, 3 tasks", 1.0),
        ("`System.status`, ramet loaded, 3 tasks", None),
    ]
    assert all(0 < row["lowest"] <= row["median, s"] <= row["highest"] for row in rows)
    assert note == "Each of 2 runs, after one that is not counted."
