"""What several parts of a report have in common: which means are compared, and tables of a measure by task."""

from collections.abc import Callable, Iterable, Mapping
from statistics import fmean

from ramet.base.text import NOTHING, listed, plural
from ramet.benchmarks.report.summary import Measures, Summary, TaskResult
from ramet.report.statistics import Estimate
from ramet.report.tables import Picture, Table, with_interval

WIDE = 12
"""Tasks that a table has room for side by side; more are set one below the other."""

Blocks = tuple[str | Table | Picture, ...]

Show = Callable[[float], str]

Reported = tuple[str, Mapping[str, float]]
"""A method of a paper, and its figures by task."""


def compared(summary: Summary) -> str:
    """What means are taken of, in words."""
    block = summary.compared
    if not block.tasks:
        return "No task has been done by all methods yet: there are no means to compare."
    total = len(block.tasks) + len(block.left_out)
    named = f"{len(block.tasks)} of {plural(total, 'task')}" if block.left_out else f"all {plural(total, 'task')}"
    sentences = [f"Means over {named} that all methods have done, and over {_seeds(summary)}."]
    if block.left_out:
        sentences.append(f"Left out: {'; '.join(f'{task}: {why}' for task, why in block.left_out.items())}.")
    if block.unfinished:
        late = listed([_label(summary, name) for name in block.unfinished])
        sentences.append(f"Not finished yet, so not averaged: {late}.")
    return " ".join(sentences)


def _seeds(summary: Summary) -> str:
    """The seeds averaged over, and which methods have fewer."""
    seeds = summary.compared.seeds
    most = max(seeds.values(), key=len)
    fewer = [f"{_label(summary, name)}: {_named(found)}" for name, found in seeds.items() if found != most]
    text = _named(most) + (f" ({'; '.join(fewer)})" if fewer else "")
    return text if len(most) == 1 else f"{text}; ± is a 95 % interval over seeds"


def _named(seeds: tuple[int, ...]) -> str:
    return f"seed{'' if len(seeds) == 1 else 's'} {listed(seeds)}"


def _label(summary: Summary, name: str) -> str:
    return next(result.variant.label for result in summary.results if result.variant.name == name)


def legend(summary: Summary) -> str:
    """How to read a table by task."""
    several = "± is a 95 % interval over seeds; n is given where it is not all seeds. "
    mean = f"The mean is over {plural(len(summary.compared.tasks), 'task')}. "
    more = len(summary.origin.seeds) > 1
    return (several if more else "") + (mean if summary.compared.tasks else "") + f"{NOTHING}: not there yet."


def by_task(summary: Summary, name: str, show: Show, reported: Iterable[Reported] = ()) -> Table:
    """A measure by method and task, and its mean; many tasks are set one below the other."""
    tasks = tuple(summary.reference.tasks)
    seeds = len(summary.origin.seeds)
    rows = [
        (
            result.variant.label,
            *(_task_cell(result.tasks[task], name, show, seeds) for task in tasks),
            cell(_of(result.means, name), show, seeds),
        )
        for result in summary.results
    ]
    rows += [_reported_row(summary, tasks, label, values, show) for label, values in reported]
    table = Table(("method", *tasks, "mean"), tuple(rows))
    return table if len(tasks) <= WIDE else table.turned()


def cell(found: Estimate | None, show: Show, seeds: int) -> str:
    """A mean over seeds; how many, where that is not all."""
    return with_interval(show, found) + (f" (n = {found.n})" if found and found.n < seeds else "")


def _task_cell(result: TaskResult, name: str, show: Show, seeds: int) -> str:
    if result.measures is None:
        return {"failed": "failed", "no-data": "no data"}.get(result.state, NOTHING)
    return cell(_of(result.measures, name), show, seeds)


def _of(measures: Measures | None, name: str) -> Estimate | None:
    return getattr(measures, name) if measures else None


def _reported_row(
    summary: Summary, tasks: tuple[str, ...], label: str, values: Mapping[str, float], show: Show
) -> tuple[str, ...]:
    """What a paper reports; its mean, if the tasks averaged are all among them."""
    averaged = [values[task] for task in summary.compared.tasks if task in values]
    mean = fmean(averaged) if averaged and len(averaged) == len(summary.compared.tasks) else None
    cells = [values.get(task) for task in tasks]
    return (label, *(NOTHING if value is None else show(value) for value in (*cells, mean)))


def any_done(summary: Summary) -> bool:
    """Whether there is a run to show."""
    return any(task.measures for result in summary.results for task in result.tasks.values())
