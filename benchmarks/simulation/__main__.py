"""Measures how fast the search itself is, and how that grows with the number of tasks.

    python -m benchmarks.simulation                     # 1,000, 3,000 and 10,000 tasks; writes results.json
    python -m benchmarks.simulation --tasks 100         # less, printed alone

Two methods: the default, which needs nothing of other tasks but their paths, and one whose score accounts for every
parameter, which must know who holds what.
"""

import argparse
import json
import os
import platform
import time
from pathlib import Path
from typing import Any

from benchmarks.simulation.colony import Colony

from ramet.method.document.presets import load

SIZES = (1_000, 3_000, 10_000)
SAMPLES = 4
METHODS = {"quality alone": {}, "parameters accounted for": {"score.factor": "0.99", "score.params": "1000000"}}
RESULTS = Path(__file__).with_name("results.json")


def measure(tasks: int, samples: int, settings: dict[str, str]) -> dict[str, Any]:
    """Grow a colony, and return how long it took: in all, and a task among the last tenth.

    It is one thread, so the time of its CPU is what an idle machine takes.
    """
    colony = Colony(load("mu2net-plus", settings).resolved())
    began = late = time.process_time()
    last = max(1, tasks // 10)
    for i in range(tasks):
        if i == tasks - last:
            late = time.process_time()
        colony.learn(f"task{i:05}", samples)
    ended = time.process_time()
    return {
        "tasks": tasks,
        "samples a task": samples,
        "CPU seconds": round(ended - began, 2),
        "tasks a second": round(tasks / (ended - began), 1),
        "milliseconds a task, among the last tenth": round(1000 * (ended - late) / last, 2),
        "stored parameters a path": round(colony.stored / tasks),
    }


def main() -> None:
    """Measure every size, or one, and print and keep what was found."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.simulation", description=__doc__)
    parser.add_argument("--tasks", type=int, help="one size; nothing is written")
    parser.add_argument("--samples", type=int, default=SAMPLES, help="children a task")
    arguments = parser.parse_args()
    sizes = SIZES if arguments.tasks is None else (arguments.tasks,)
    found: dict[str, Any] = {
        "machine": f"{platform.machine()}, {os.cpu_count()} cores, Python {platform.python_version()}"
    }
    for name, settings in METHODS.items():
        found[name] = []
        for tasks in sizes:
            found[name].append(measure(tasks, arguments.samples, settings))
            print(name, json.dumps(found[name][-1]), flush=True)
    if arguments.tasks is None:
        RESULTS.write_text(json.dumps(found, indent=2) + "\n")


if __name__ == "__main__":
    main()
