"""How the time of what every run does grows with a system: looking at it, publishing, branching, choosing a parent.

Catalogs of several sizes are made up (colony.py). Nothing that is timed there reads a task's own objects, so those are
not made. Verifying is measured on a system that has all its objects, against SHA-256 alone over the same bytes.
"""

import hashlib
import os
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path as FilePath
from statistics import median

from benchmarks.speed.colony import child, grow, named
from benchmarks.speed.report import Row, Say

import ramet
from ramet.base.randomness import generator
from ramet.method.document.presets import DEFAULT_METHOD, load
from ramet.method.protocols import Candidates, Member
from ramet.method.selection import ranked, sample_parent
from ramet.method.world import World
from ramet.system import System

MEASURES = "Time of what every run does, in systems of more and more tasks, and the speed of `verify`."
SIZES = (100, 1_000, 10_000)
RUNS_A_REPEAT = 5
SHARE_OF_SHA256 = 0.6
"""How fast verify must be at least, by the machine's SHA-256."""


def run(repeats: int, folder: FilePath, root: str, tasks: int, say: Say) -> tuple[list[Row], str]:
    """The rows, and what is to be known of them; verify is measured on the system that memory is measured on.

    Args:
        repeats: how often everything is measured, times RUNS_A_REPEAT.
        folder: where the systems are, or are made.
        root: what they grow from.
        tasks: how many the one that is verified has.
        say: told what is going on.
    """
    count, rows = RUNS_A_REPEAT * repeats, []
    for size in SIZES:
        system = grow(folder / f"catalog-{size}", root, size, say, named)
        for name, times, limit in _of_catalog(system, count):
            say(f"scale: {size:,} tasks, {name}")
            rows.append(_row(name, size, [1000 * seconds for seconds in times], limit))
    rows.sort(key=lambda row: list(_NAMES).index(str(row[""])))
    say("scale: verify")
    ratios, speed = _verify(grow(folder / "colony", root, tasks, say), count)
    rows.append(_row("`verify` by SHA-256 alone, ratio", tasks, ratios, 1 / SHARE_OF_SHA256))
    return rows, _note(count, speed)


_NAMES: dict[str, float | None] = {
    "open and `System.status`, ms": 1000.0,
    "`ramet status`, the whole process, ms": None,
    "publish a path, ms": 50.0,
    "make a branch, ms": 20.0,
    "first publication on a branch, ms": None,
    "sample a parent, ms": 10.0,
    "a cycle's view of the system, ms": None,
}
"""What is measured in the catalogs, in the table's order, and how long it may take."""


def _of_catalog(system: System, count: int) -> Iterator[tuple[str, list[float], float | None]]:
    works: tuple[Callable[[int], float], ...] = (
        lambda _: _timed(lambda: ramet.open(system.store.folder).status()),
        lambda _: _timed(lambda: _process(system.store.folder)),
        lambda number: _publish(system, f"a {number}", number, "main"),
        lambda number: _timed(lambda: system.versions.add_branch(f"branch-{number}")),
        lambda number: _publish(system, f"b {number}", number, f"branch-{number}"),
        _sampling(system),
        lambda _: _timed(lambda: _world(system)),
    )
    for (name, limit), work in zip(_NAMES.items(), works, strict=True):
        yield name, [work(number) for number in range(count + 1)][1:], limit  # the first one warms up


def _publish(system: System, key: str, number: int, branch: str) -> float:
    """Seconds to end an agent's cycle by publishing a new path."""
    tasks = list(system.tasks)
    task = tasks[number % len(tasks)].name
    (root,) = system.roots().values()
    method = load(DEFAULT_METHOD)
    agent = system.store.catalog.agents.start(
        task, method=method.model_dump(mode="json"), label=method.label, seed=0, cycles=1, samples=1, branch=branch
    )
    own = {name: replace(c, digest=_digest(c.digest, key)) for name, c in named(system, root, task).items()}
    path = child(root, task, own, method, agent.id)
    return _timed(
        lambda: system.store.catalog.versions.publish(
            [path], message=key, method=method.label, branch=branch, close_cycle=agent
        )
    )


def _sampling(system: System) -> Callable[[int], float]:
    """Gives the seconds to draw a parent for a task among all others, as an agent does it in a generation."""
    world, method, task = _world(system), load(DEFAULT_METHOD).resolved(), next(iter(system.tasks)).name
    own = world.published[task]
    members = [Member(own, world.score(method.score, own))]

    def draw(number: int) -> str:
        rng = generator("scale", number)
        taken = Counter({own.id: 60})  # its own path is as good as never taken again: all others are drawn from
        among = Candidates(
            task, ranked(members), world.others(task), world.roots, taken, [], rng, lambda: generator("scale")
        )
        return sample_parent(method.parents, among).id

    return lambda number: _timed(lambda: draw(number))


def _world(system: System) -> World:
    return World.of(system.versions.published(), system.roots().values())


def _digest(*parts: str) -> str:
    return hashlib.sha256("/".join(parts).encode()).hexdigest()


def _verify(system: System, count: int) -> tuple[list[float], str]:
    """The ratios of verify's time and SHA-256's alone, turn by turn, and the speeds of both."""
    files = [file for file in (system.store.folder / "objects").rglob("*") if file.is_file()]
    contents = [file.read_bytes() for file in files]
    size = sum(len(content) for content in contents)

    def hash_all() -> None:
        with ThreadPoolExecutor(os.cpu_count()) as pool:
            for _ in pool.map(lambda content: hashlib.sha256(content).digest(), contents):
                pass

    turns = [(_timed(system.store.verify), _timed(hash_all)) for _ in range(count + 1)][1:]
    ours, alone = (size / median(seconds) / 1e6 for seconds in zip(*turns, strict=True))
    speed = f"{len(files)} objects of {size / 1e6:.0f} MB in all: {ours:.0f} MB/s, SHA-256 alone {alone:.0f} MB/s"
    return [verify / sha for verify, sha in turns], speed


def _process(folder: FilePath) -> None:
    command = [sys.executable, "-m", "ramet", "-C", str(folder), "status"]
    subprocess.run(command, check=True, stdout=subprocess.DEVNULL)


def _timed(work: Callable[[], object]) -> float:
    began = time.perf_counter()
    work()
    return time.perf_counter() - began


def _row(name: str, tasks: int, values: list[float], limit: float | None) -> Row:
    return {
        "": name,
        "tasks": tasks,
        "median": round(median(values), 2),
        "lowest": round(min(values), 2),
        "highest": round(max(values), 2),
        "at most": None if limit is None else round(limit, 2),
    }


def _note(count: int, speed: str) -> str:
    return (
        f"Each of {count} runs, after one that is not counted. The tasks are made up: each has a path, an agent and a "
        f"commit, and what is not its path's own all share. Own objects are named but not there, as nothing but "
        f"`verify` reads them. A publication ends an agent's cycle and waits for the disk. The first one on a branch "
        f"copies what the branch publishes. An agent reads its view of the system once a cycle, and samples from it "
        f"for every child. `verify` is measured on a system with all its objects, {speed}, over the same bytes in "
        f"memory by as many threads; a ratio of {1 / SHARE_OF_SHA256:.2f} is {SHARE_OF_SHA256:.0%} of its speed."
    )
