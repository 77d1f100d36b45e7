"""What tasks of one branch owe to each other: parameters they share, accuracy they gained, accuracy they lost."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from ramet.study.record import Record
from ramet.study.runs import Runs
from ramet.study.statistics import Estimate, Paired, by_seed, estimate, paired


@dataclass(frozen=True, slots=True)
class Matrix:
    """A value for every two tasks, in the order in which one branch learned them; None where there is none."""

    tasks: tuple[str, ...]
    rows: tuple[tuple[float | None, ...], ...]


@dataclass(frozen=True, slots=True)
class Transfer:
    """The changes that learning one task made to what a system does on others.

    accuracy has the test accuracy of the column's task when the row's had been learned, sharing the parameters that
    both hold in the end; both are of seed, the first with which anything was learned. backward is over seeds: a task's
    test accuracy in the end less that when it had been learned, its mean over all tasks but the last; largest_change is
    the largest such change at any time. Both are None where nothing was measured anew. forward is over (task, seed)
    pairs: the test accuracy in the system less that of the same variant and seed on the task alone; forward_tasks by
    task, over seeds.
    """

    seed: int | None
    accuracy: Matrix
    sharing: Matrix
    backward: Estimate | None
    largest_change: float | None
    forward: Paired | None
    forward_tasks: Mapping[str, Estimate]


def transfer(runs: Runs, variant: str) -> Transfer:
    """Return what the records of a variant say about transfer."""
    learned = [records for seed in runs.seeds if (records := runs.learned(variant, seed))]
    first = learned[0] if learned else ()
    changes = [_changes(records) for records in learned if len(records) > 1 and all(r.measured for r in records)]
    gains = {task: _gains(runs, variant, task) for task in runs.tasks}
    every = [gain for found in gains.values() for gain in found]
    return Transfer(
        seed=first[0].seed if first else None,
        accuracy=accuracy_matrix(first),
        sharing=sharing_matrix(first),
        backward=estimate([fmean(found[-1]) for found in changes]) if changes else None,
        largest_change=max((abs(c) for found in changes for row in found for c in row), default=None),
        forward=paired(by_seed(every)) if every else None,
        forward_tasks={task: estimate([gain for _, gain in found]) for task, found in gains.items() if found},
    )


def accuracy_matrix(learned: Sequence[Record]) -> Matrix:
    """Return the test accuracy of each task after each, as it was measured then; empty where it was not."""
    measured = {record.task: record.measured for record in learned if record.measured}
    return Matrix((*measured,), tuple(tuple(row.get(task) for task in measured) for row in measured.values()))


def sharing_matrix(learned: Sequence[Record]) -> Matrix:
    """Return the parameters that two tasks both hold in the end; on the diagonal all that a task holds."""
    held: list[dict[str, int]] = [dict(record.components.values()) for record in learned]
    rows = tuple(tuple(float(sum(a[d] for d in a.keys() & b)) for b in held) for a in held)
    return Matrix(tuple(record.task for record in learned), rows)


def system_params(learned: Sequence[Record], tasks: Sequence[str]) -> int:
    """Return the parameters of the distinct components that these tasks hold in the end."""
    components = (record.components.values() for record in learned if record.task in tasks)
    return sum({digest: size for held in components for digest, size in held}.values())


def _changes(learned: Sequence[Record]) -> list[list[float]]:
    """Return, of each task learned after the first, by how much each earlier one's accuracy differs from its first."""
    return [
        [later.measured[r.task] - r.measured[r.task] for r in learned[:i]] for i, later in enumerate(learned) if i > 0
    ]


def _gains(runs: Runs, variant: str, task: str) -> list[tuple[int, float]]:
    """Return, by seed, what a task's test accuracy is above that of the task alone."""
    pairs = [(runs.done(variant, task, s), runs.done(variant, task, s, alone=True)) for s in runs.seeds]
    return [(a.seed, round(a.test_quality - b.test_quality, 12)) for a, b in pairs if a and b]
