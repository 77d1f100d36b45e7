"""What tasks of one system owe to each other: parameters they share, accuracy they gained, accuracy they lost."""

from collections.abc import Mapping
from dataclasses import dataclass
from statistics import fmean

from ramet.benchmarks.record import Record
from ramet.benchmarks.report.runs import Runs
from ramet.report.statistics import Estimate, estimate


@dataclass(frozen=True, slots=True)
class Matrix:
    """A value for every two tasks, in the order in which one system learnt them; None where there is none."""

    tasks: tuple[str, ...]
    rows: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Transfer:
    """How learning one task changed what a system does on others.

    accuracy has the test accuracy of the column's task when the row's had been learnt, sharing the parameters that both
    hold in the end; both are of seed, the first with which anything was learnt. backward is over seeds: a task's test
    accuracy in the end less that when it had been learnt, its mean over all tasks but the last; largest_change is the
    largest such change at any time. forward is over (task, seed): the test accuracy in the system less that of the same
    method and seed on the task alone; forward_tasks by task, over seeds.
    """

    seed: int | None
    accuracy: Matrix
    sharing: Matrix
    backward: Estimate | None
    largest_change: float | None
    forward: Estimate | None
    forward_tasks: Mapping[str, Estimate]


def transfer(runs: Runs, variant: str) -> Transfer:
    """What the records of a variant say about transfer."""
    learnt = [records for seed in runs.seeds if (records := runs.learnt(variant, seed))]
    first = learnt[0] if learnt else ()
    changes = [_changes(records) for records in learnt if len(records) > 1]
    gains = {task: _gains(runs, variant, task) for task in runs.tasks}
    every = [gain for found in gains.values() for gain in found]
    return Transfer(
        seed=first[0].seed if first else None,
        accuracy=accuracy_matrix(first),
        sharing=sharing_matrix(first),
        backward=estimate([fmean(found[-1]) for found in changes]) if changes else None,
        largest_change=max((abs(c) for found in changes for row in found for c in row), default=None),
        forward=estimate(every) if every else None,
        forward_tasks={task: estimate(found) for task, found in gains.items() if found},
    )


def accuracy_matrix(learnt: tuple[Record, ...]) -> Matrix:
    """Test accuracy of each task after each, nothing above the diagonal."""
    tasks = tuple(record.task for record in learnt)
    return Matrix(
        tasks,
        tuple(
            tuple(r.standings[task].test if j <= i else None for j, task in enumerate(tasks))
            for i, r in enumerate(learnt)
        ),
    )


def sharing_matrix(learnt: tuple[Record, ...]) -> Matrix:
    """Parameters that two tasks both hold in the end; on the diagonal all that a task holds."""
    tasks = tuple(record.task for record in learnt)
    held: list[dict[str, int]] = [dict(learnt[-1].standings[task].components.values()) for task in tasks]
    return Matrix(tasks, tuple(tuple(float(sum(a[d] for d in a.keys() & b)) for b in held) for a in held))


def system_params(learnt: tuple[Record, ...], tasks: tuple[str, ...]) -> int:
    """Parameters of the distinct components that these tasks hold in the end."""
    components = (learnt[-1].standings[task].components.values() for task in tasks)
    return sum({digest: size for held in components for digest, size in held}.values())


def _changes(learnt: tuple[Record, ...]) -> list[list[float]]:
    """Of each task learnt after the first: how each earlier task's accuracy then differs from when it was learnt."""
    return [
        [later.standings[r.task].test - r.standings[r.task].test for r in learnt[:i]]
        for i, later in enumerate(learnt)
        if i > 0
    ]


def _gains(runs: Runs, variant: str, task: str) -> list[float]:
    pairs = [(runs.done(variant, task, s), runs.done(variant, task, s, "alone")) for s in runs.seeds]
    return [round(together.test - alone.test, 12) for together, alone in pairs if together and alone]
