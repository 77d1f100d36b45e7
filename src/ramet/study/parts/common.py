"""What several parts of a report have in common: which means are compared, and tables of a measure by task."""

from collections.abc import Callable, Iterable, Mapping
from statistics import fmean

from ramet.base.text import NOTHING, listed, plural
from ramet.report.tables import Picture, Table
from ramet.study.design import Measure
from ramet.study.statistics import Estimate, Paired
from ramet.study.summary import SUMMED, Summary, TaskResult
from ramet.study.words import SHOWN, by_seeds, interval, with_interval

WIDE = 12
"""Tasks that a table has room for side by side; more are set one below the other."""

Blocks = tuple[str | Table | Picture, ...]

Reported = tuple[str, Mapping[str, float]]
"""A method of a paper, and its figures by task."""

TOLD = ("95 % interval", "by seeds", "pairs", "+/=/−", "p")
"""The columns behind a mean difference."""


def told(found: Paired, worded: Callable[[float], str]) -> tuple[str, ...]:
    """Return the columns TOLD of paired differences."""
    signs = f"{found.better}/{found.equal}/{found.worse}"
    between = (interval(found, worded) or NOTHING, by_seeds(found, worded) or NOTHING)
    return (*between, str(found.n), signs, f"{found.p:.2g}")


def compared(summary: Summary) -> str:
    """Return what means are taken of, in words."""
    block = summary.compared
    if not block.tasks:
        return "No task has been done by all variants yet: there are no means to compare."
    total = len(block.tasks) + len(block.left_out)
    named = f"{len(block.tasks)} of {plural(total, 'task')}" if block.left_out else f"all {plural(total, 'task')}"
    sentences = [f"Means over {named} that all variants have done, and over {_seeds(summary)}."]
    if block.left_out:
        sentences.append(f"Left out: {'; '.join(f'{task}: {why}' for task, why in block.left_out.items())}.")
    if block.unfinished:
        late = listed([_label(summary, name) for name in block.unfinished])
        sentences.append(f"Not finished yet, so not averaged: {late}.")
    return " ".join(sentences)


def legend(summary: Summary) -> str:
    """Return how to read a table by task."""
    several = "± is a 95 % interval over seeds; n is given where it is not all seeds. "
    mean = f"Means and sums are over {plural(len(summary.compared.tasks), 'task')}. "
    more = len(summary.origin.seeds) > 1
    return (several if more else "") + (mean if summary.compared.tasks else "") + f"{NOTHING}: not there yet."


def by_task(summary: Summary, measure: Measure, reported: Iterable[Reported] = ()) -> Table:
    """Return a measure by variant and task, and its mean; many tasks are set one below the other."""
    tasks, seeds = summary.design.task_names, len(summary.origin.seeds)
    rows = [
        (
            variant.label,
            *(_task_cell(variant.tasks[task], measure, seeds) for task in tasks),
            cell(variant.means.get(measure), measure, seeds),
        )
        for variant in summary.variants
    ]
    rows += [_reported_row(summary, label, values, measure) for label, values in reported]
    table = Table(("variant", *tasks, "sum" if measure in SUMMED else "mean"), tuple(rows))
    return table if len(tasks) <= WIDE else table.turned()


def cell(found: Estimate | None, measure: Measure, seeds: int) -> str:
    """Return a mean over seeds; how many, where that is not all."""
    return with_interval(SHOWN[measure][1], found) + (f" (n = {found.n})" if found and found.n < seeds else "")


def _task_cell(result: TaskResult, measure: Measure, seeds: int) -> str:
    if not result.means:
        return {"failed": "failed", "no-data": "no data"}.get(result.state, NOTHING)
    return cell(result.means[measure], measure, seeds)


def _reported_row(summary: Summary, label: str, values: Mapping[str, float], measure: Measure) -> tuple[str, ...]:
    """Return what a paper reports; its mean, if the tasks averaged are all among them."""
    averaged = [values[task] for task in summary.compared.tasks if task in values]
    mean = fmean(averaged) if averaged and len(averaged) == len(summary.compared.tasks) else None
    cells = [values.get(task) for task in summary.design.task_names]
    return (label, *(NOTHING if value is None else SHOWN[measure][1](value) for value in (*cells, mean)))


def _seeds(summary: Summary) -> str:
    """Return the seeds averaged over, and which variants have fewer."""
    seeds = summary.compared.seeds
    most = max(seeds.values(), key=len)
    fewer = [f"{_label(summary, name)}: {_named(found)}" for name, found in seeds.items() if found != most]
    text = _named(most) + (f" ({'; '.join(fewer)})" if fewer else "")
    return text if len(most) == 1 else f"{text}; ± is a 95 % interval over seeds"


def _named(seeds: tuple[int, ...]) -> str:
    return f"seed{'' if len(seeds) == 1 else 's'} {listed(seeds)}"


def _label(summary: Summary, name: str) -> str:
    return next(variant.label for variant in summary.variants if variant.name == name)
