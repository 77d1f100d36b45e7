"""How long a command takes that only shows something: whole processes, as a user waits for them."""

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from statistics import median

from benchmarks.speed.colony import grow
from benchmarks.speed.report import Row, Say

import ramet

MEASURES = "Time of commands that only show something, from start to end of the process."
RUNS_A_REPEAT = 5
"""They are quick, and their times spread more than those of the other benchmarks."""


def run(repeats: int, folder: Path, root: str, tasks: int, say: Say) -> tuple[list[Row], str]:
    """The rows, and what is to be known of them; folder, root and tasks as in memory.run."""
    system = grow(folder / "colony", root, tasks, say)
    show = [sys.executable, "-m", "ramet"]
    works: list[tuple[str, Callable[[], object], float | None]] = [
        ("python -c pass", lambda: _process([sys.executable, "-c", "pass"]), None),
        ("ramet --help", lambda: _process([*show, "--help"]), 0.5),
        (f"ramet status, {tasks} tasks", lambda: _process([*show, "-C", str(system.store.folder), "status"]), 1.0),
        (f"System.status, ramet loaded, {tasks} tasks", lambda: ramet.open(system.store.folder).status(), None),
    ]
    count = RUNS_A_REPEAT * repeats
    return [_row(name, _times(work, count, name, say), limit) for name, work, limit in works], _note(count)


def _times(work: Callable[[], object], count: int, name: str, say: Say) -> list[float]:
    say(f"startup: {name}")
    work()  # warms up
    return [_timed(work) for _ in range(count)]


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _process(command: list[str]) -> None:
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _note(count: int) -> str:
    return f"Each of {count} runs, after one that is not counted."


def _row(name: str, times: list[float], limit: float | None) -> Row:
    command, comma, rest = name.partition(",")
    return {
        "": f"`{command}`{comma}{rest}",
        "median, s": round(median(times), 3),
        "lowest": round(min(times), 3),
        "highest": round(max(times), 3),
        "at most": limit,
    }
