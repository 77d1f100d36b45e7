"""Parts on what tasks of one branch owe to each other: transfer and shared components."""

from collections.abc import Callable

from ramet.base.text import NOTHING, count, difference, share
from ramet.report.tables import Picture, Table
from ramet.study.parts.common import TOLD, WIDE, Blocks, told
from ramet.study.summary import Summary, VariantResult
from ramet.study.transfer import Matrix
from ramet.study.words import with_interval

MATRIX = 24
"""Tasks whose matrix is printed; of more, the JSON file has it."""


def transfer(summary: Summary) -> Blocks:
    """Return what a task lost to those after it, and gained from those before."""
    found = [v for v in summary.variants if v.transfer.accuracy.tasks or v.transfer.forward]
    if not found:
        return ()
    columns = ("variant", "backward transfer", "largest change", "forward transfer", "verdict", *TOLD)
    accuracy = next((v for v in found if v.transfer.accuracy.tasks), None)
    return (
        "Backward transfer: a task's test accuracy, measured anew when the last task had been learned, less that when "
        "it had been learned itself. Published components are never written again, so it is 0 by construction; here it "
        "is as measured, and with it the largest change of any task after any other. Forward transfer: test accuracy "
        "less that of the same variant and seed on the task alone.",
        Table(columns, tuple(map(_transfer_row, found))),
        *(_forgot(variant) for variant in found if variant.transfer.largest_change),
        *_forward_by_task(found),
        *(
            _matrix(
                f"Test accuracy of {accuracy.label}, seed {accuracy.transfer.seed}: a row when its task had been "
                "learned, a column for each task of the system.",
                accuracy.transfer.accuracy,
                share,
            )
            if accuracy
            else ()
        ),
    )


def matrix(summary: Summary) -> Blocks:
    """Return what tasks share."""
    found = next((v for v in summary.variants if len(v.transfer.sharing.tasks) > 1), None)
    if found is None:
        return ()
    return (
        f"Parameters of the components that two tasks both hold, all of a task's on the diagonal: "
        f"{found.label}, seed {found.transfer.seed}.",
        *_matrix("", found.transfer.sharing, count),
        Picture("sharing", f"Parameters shared between tasks by {found.label}"),
    )


def _transfer_row(variant: VariantResult) -> tuple[str, ...]:
    found = variant.transfer
    forward = (
        (difference(found.forward.mean), found.forward.verdict, *told(found.forward, difference))
        if found.forward
        else (NOTHING,) * (2 + len(TOLD))
    )
    backward = found.backward.mean if found.backward else None
    return (variant.label, _measured(backward), _measured(found.largest_change), *forward)


def _measured(value: float | None) -> str:
    """Return a number in full: what should be exactly 0 is not rounded to it."""
    return NOTHING if value is None else f"{value}"


def _forgot(variant: VariantResult) -> str:
    change = variant.transfer.largest_change
    return f"**{variant.label} changed what it had learned, by up to {change}: this must not happen.**"


def _forward_by_task(found: list[VariantResult]) -> Blocks:
    """Return forward transfer of every task."""
    known = [variant for variant in found if variant.transfer.forward_tasks]
    if not known:
        return ()
    tasks = tuple(dict.fromkeys(task for variant in known for task in variant.transfer.forward_tasks))
    rows = tuple(
        (variant.label, *(with_interval(difference, variant.transfer.forward_tasks.get(task)) for task in tasks))
        for variant in known
    )
    table = Table(("forward transfer", *tasks), rows)
    return (table if len(tasks) <= WIDE else table.turned(),)


def _matrix(text: str, found: Matrix, show: Callable[[float], str]) -> Blocks:
    if len(found.tasks) > MATRIX:
        return (f"{text} Of {len(found.tasks)} tasks: see report.json.".strip(),)
    rows = tuple(
        (task, *("" if value is None else show(value) for value in row))
        for task, row in zip(found.tasks, found.rows, strict=True)
    )
    return (*((text,) if text else ()), Table(("", *found.tasks), rows))
