"""Writes the page of a system in words and tables: its parts, one a question."""

from collections.abc import Sequence

from ramet.base.text import NOTHING, count, listed, plural, share
from ramet.report.document import Part, Picture, Table
from ramet.results import TaskStatus
from ramet.story.drawing import Sharing
from ramet.story.tell import State, Story

_NAMES = 24
"""Names that a cell of the segments has room for."""


def parts(story: Story, statuses: Sequence[TaskStatus], sharing: Sharing) -> tuple[Part, ...]:
    """Return the page; what needs a published path is there if there is one, pictures of tasks if there is room."""
    learned = [status for status in statuses if status.path is not None]
    if not story.states:
        return (Part("overview", "Overview", (_unlearned(statuses),)),)
    made = [
        Part("overview", "Overview", _overview(story, learned)),
        Part("segments", "Segments", (_SEGMENTS, *_segments(story), Picture("curves", _CURVES))),
    ]
    if sharing:
        made.append(Part("graph", "Growth", (Picture("graph", _GRAPH),)))
    if learned:
        made.append(Part("tasks", "Tasks", (_TASKS, _tasks(statuses))))
    if len(sharing) > 1:
        made.append(Part("sharing", "Who shares with whom", (Picture("sharing", _SHARING),)))
    return tuple(made)


_SEGMENTS = (
    "A segment is a run of commits under one method version. Its label ends in a fingerprint, which changes with every "
    "setting of the method, its budget too. On the right is the system after it: accuracies, accounted parameters and "
    "FLOPs are means over its tasks."
)
_CURVES = (
    "What each commit left, over the methods in force; the numbers are those of the segments. A task's line begins "
    "where the task came; where lines coincide, the earlier task's is seen on both sides of the later one's."
)
_GRAPH = "The tasks' paths through the components that they share."
_SHARING = "Parameters that two tasks share; on the diagonal all of a task's."
_TASKS = (
    "own: parameters that were trained for the task; accounted: those of its path, each divided by the tasks and roots "
    "that hold it; shape: image size x layers."
)


def _unlearned(statuses: Sequence[TaskStatus]) -> str:
    return f"{plural(len(statuses), 'task')}, and nothing learned yet: there is no story to tell."


def _overview(story: Story, learned: Sequence[TaskStatus]) -> tuple[str | Table, ...]:
    first, last = story.states[0], story.states[-1]
    versions = {segment.method for segment in story.segments}
    sentence = (
        f"{plural(len(story.states), 'commit')} from {first.time[:10]} to {last.time[:10]}, in "
        f"{plural(len(story.segments), 'segment')} under {plural(len(versions), 'method version')}."
    )
    if last.params:
        alone = sum(status.params or 0 for status in learned)
        sentence += (
            f" All tasks together hold {count(last.params)} parameters; separate models would hold {count(alone)}, "
            f"{alone / last.params:.1f} times as many."
        )
    return sentence, Table(("", ""), tuple(zip(_FIGURES.values(), _figures(last), strict=True)))


_FIGURES = {
    "tasks": "tasks",
    "validation": "mean validation accuracy",
    "test": "mean test accuracy",
    "accounted": "accounted parameters a task",
    "all params": "parameters of all tasks, each once",
    "FLOPs": "mean FLOPs of a forward pass",
}
"""What is told of a state, in short and in full."""


def _figures(state: State) -> tuple[str, ...]:
    return (
        f"{state.tasks:,}",
        _share(state.quality),
        _share(state.test_quality),
        count(state.accounted_params),
        count(state.params),
        count(state.flops),
    )


def _segments(story: Story) -> tuple[Table, Table]:
    """Return how the segments compare, and which tasks they were about."""
    numbered = [*enumerate(story.segments, start=1)]
    counts = ("from", "commits", "added", "revisited", "removed")
    figures = tuple(
        (
            f"{number}. {segment.method or NOTHING}",
            segment.began[:10],
            *(f"{n:,}" for n in (segment.commits, len(segment.added), len(segment.revisited), len(segment.removed))),
            *_figures(segment.after),
        )
        for number, segment in numbered
    )
    tasks = tuple(
        (f"{number}.", _named(segment.added), _named(segment.revisited), _named(segment.removed))
        for number, segment in numbered
    )
    return (
        Table(("segment", *counts, *_FIGURES), figures),
        Table(("segment", "tasks added", "tasks revisited", "tasks removed"), tasks, left=4),
    )


def _named(names: Sequence[str]) -> str:
    left = len(names) - _NAMES
    return listed([*names[:_NAMES], f"{left} more"] if left > 0 else names) or NOTHING


def _tasks(statuses: Sequence[TaskStatus]) -> Table:
    numbers = ("valid.", "test", "params", "own", "accounted", "FLOPs", "shape", "classes")
    rows = tuple(_task(status) for status in statuses)
    return Table(("task", "parent", "method", *numbers), rows, left=3)


def _task(status: TaskStatus) -> tuple[str, ...]:
    if status.path is None:
        return (status.task, *9 * (NOTHING,), f"{status.classes:,}")
    return (
        status.task,
        status.parent_task or "root",
        status.method or NOTHING,
        _share(status.quality),
        _share(status.test_quality),
        count(status.params),
        count(status.trained_params),
        count(status.accounted_params),
        count(status.flops),
        f"@{status.image_size}x{status.layers}",
        f"{status.classes:,}",
    )


def _share(value: float | None) -> str:
    return NOTHING if value is None or value != value else share(value)
