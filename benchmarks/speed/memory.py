"""A system of many tasks held open, all its paths ready to predict, against as many separate models.

Each side is measured in a fresh process (probe.py). Both map their files into memory; what differs is the sharing.
"""

import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from statistics import median
from typing import Any

from benchmarks.speed.colony import OWN_BLOCKS, grow
from benchmarks.speed.plain import state_of
from benchmarks.speed.report import Row, Say

from ramet.base.errors import RametError
from ramet.system import System

MEASURES = "Memory, disk and time to hold the models of all tasks ready and to predict one image with each."

STATUS = Path("/proc/self/status")
"""Where Linux says how much memory a process takes."""

Measured = dict[str, Any]


class NotMeasured(RametError):
    """The machine or the system does not say what was asked for."""


def run(repeats: int, folder: Path, root: str, tasks: int, say: Say) -> tuple[list[Row], str]:
    """The rows, and what is to be known of the system that was measured.

    Args:
        repeats: how many processes of each side.
        folder: where the system is, or is made, and where the separate models are written.
        root: what the system grows from.
        tasks: how many it has.
        say: told what is going on.

    Raises:
        NotMeasured: this is not Linux, whose /proc says how much memory a process takes.
    """
    if not STATUS.exists():
        raise NotMeasured(f"there is no {STATUS} to read a process's memory from", "measure it on Linux")
    system = grow(folder / "colony", root, tasks, say)
    say(f"memory: writing {tasks} separate models")
    separate = _separate(system, folder / "separate")
    measured: dict[str, list[Measured]] = {"system": [], "files": []}
    for number in range(repeats):
        for side, place in (("system", system.store.folder), ("files", separate)):
            say(f"memory: {side}, turn {number + 1} of {repeats}")
            measured[side].append(_probe(side, place))
    names = {"system": f"one system of {tasks} tasks", "files": f"{tasks} separate models"}
    disk = {"system": _bytes(system.store.folder), "files": _bytes(separate)}
    ours, theirs = ({"": names[side], **_numbers(measured[side], disk[side])} for side in measured)
    return [ours, theirs, _ratio(ours, theirs)], _note(system, measured)


def _separate(system: System, folder: Path) -> Path:
    """A file with all its weights for every task."""
    from safetensors.torch import save_file

    folder.mkdir()
    for task, path in system.versions.published().items():
        parts = {c.name: system.store.objects.get(c.digest) for c in path.components}
        save_file(state_of(parts), folder / f"{task}.safetensors")
    (folder / "architecture.json").write_text(json.dumps(asdict(path.architecture)))
    return folder


def _probe(side: str, folder: Path) -> Measured:
    command = [sys.executable, "-m", "benchmarks.speed.probe", side, str(folder)]
    measured: Measured = json.loads(subprocess.run(command, check=True, stdout=subprocess.PIPE).stdout)
    return measured


def _numbers(measured: Sequence[Measured], disk: int) -> Row:
    return {
        "peak memory, MB": round(median(m["peak"] for m in measured) / 1e6, 1),
        "disk, MB": round(disk / 1e6, 1),
        "load all, s": float(f"{median(m['load'] for m in measured):.3g}"),
        "predict with each, s": float(f"{median(m['predict'] for m in measured):.3g}"),
    }


def _ratio(ours: Row, theirs: Row) -> Row:
    return {
        column: "ratio" if isinstance(value, str) else round(float(value or 0) / float(theirs[column] or 1), 3)
        for column, value in ours.items()
    }


def _note(system: System, measured: dict[str, list[Measured]]) -> str:
    path = next(iter(system.versions.published().values()))
    (root,) = system.roots()
    momentum = 4 * path.trained_params * len(system.tasks) / 1e6
    return (
        f"The sharing is made up: each task has a norm, a head and {OWN_BLOCKS} of {path.architecture.layers} blocks "
        f"of its own, {path.trained_params:,} of its {path.params:,} parameters, and shares all else of {root} with "
        f"all others. Both sides map their files into memory, and these lay in the system's cache. "
        f"Peak memory is the process's highest less what it had after loading torch. "
        f"On disk the system also keeps {momentum:.1f} MB of momentum, from which later tasks train on. "
        f"Both sides predict the same: the largest difference of a probability is {_difference(measured):.0e}."
    )


def _difference(measured: dict[str, list[Measured]]) -> float:
    ours, theirs = (measured[side][0]["probabilities"] for side in ("system", "files"))
    rows = zip(ours, theirs, strict=True)
    return max((abs(a - b) for one, other in rows for a, b in zip(one, other, strict=True)), default=0.0)


def _bytes(folder: Path) -> int:
    return sum(file.stat().st_size for file in folder.rglob("*") if file.is_file())
