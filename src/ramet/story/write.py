"""Writes what a system tells of itself: its page, in words, tables and figures; its curves; its graph."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import partial
from math import isnan
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ramet.base.errors import InvalidValue
from ramet.base.files import refusals
from ramet.base.text import NOTHING, count, listed, plural, share
from ramet.report.document import Part, Picture, Table, page, pictures
from ramet.report.style import FORMATS, draw, heat_map, save, styled
from ramet.results import TaskStatus
from ramet.story.figures import draw_curves, draw_graph
from ramet.story.graph import Graph, graph_of, graphml, plain
from ramet.story.tell import State, Story, tell
from ramet.system import System

PICTURED = 400
"""Tasks of which a picture, a column or a row each, can still be read."""

NAMES = 24
"""Names that a cell of the segments has room for."""

FIGURES = {
    "tasks": "tasks",
    "validation": "mean validation accuracy",
    "test": "mean test accuracy",
    "accounted": "accounted parameters a task",
    "all params": "parameters of all tasks, each once",
    "FLOPs": "mean FLOPs of a forward pass",
}
"""What is told of a state, in short and in full."""

Sharing = Mapping[str, Mapping[str, int]]
"""Parameters of the components that the paths of two tasks both hold, by the names of both; on the diagonal all."""


def write_page(system: System, file: Path) -> None:
    """Write the page of a system's branch: one HTML file with all that it shows.

    Raises:
        StoreError: the file cannot be written.
    """
    story, shared = tell(system), sharing(system)
    made = parts(story, system.status(), shared)
    figures: dict[str, Callable[[], Any]] = {
        "curves": lambda: draw_curves(story),
        "graph": lambda: draw_graph(graph_of(system)),
        "sharing": lambda: heat_map([*shared], [[row.get(other, 0) for other in shared] for row in shared.values()]),
    }
    name, branch = system.store.name, system.versions.branch
    heading = name if branch == "main" else f"{name}, branch {branch}"
    with TemporaryDirectory() as folder, refusals(f"cannot write {file}"):
        draw({name: figures[name] for name in pictures(made)}, Path(folder))
        file.write_text(page(heading, made, Path(folder)), encoding="utf-8")


def write_curves(story: Story, file: Path) -> None:
    """Write the curves of a story as SVG or PNG, by the end of the file's name.

    Raises:
        InvalidValue: it ends otherwise, or nothing was published yet.
        StoreError: the file cannot be written.
    """
    if not story.states:
        raise InvalidValue("there is nothing to plot: no path was ever published", "learn a task: `ramet evolve TASK`")
    _save(partial(draw_curves, story), file, FORMATS)


def write_graph(graph: Graph, file: Path) -> None:
    """Write a graph as a picture (SVG, PNG) or as data (GraphML, JSON), by the end of the file's name.

    Raises:
        InvalidValue: it ends otherwise, or there are too many tasks for a picture.
        StoreError: the file cannot be written.
    """
    texts: dict[str, Callable[[], str]] = {
        ".graphml": lambda: graphml(graph),
        ".json": lambda: json.dumps(plain(graph), indent=1, ensure_ascii=False) + "\n",
    }
    if file.suffix in texts:
        with refusals(f"cannot write {file}"):
            file.write_text(texts[file.suffix](), encoding="utf-8")
        return
    if len(graph.of_kind("task")) > PICTURED:
        raise InvalidValue(f"a picture has room for {PICTURED} tasks at most", "write it as .graphml or .json")
    _save(partial(draw_graph, graph), file, (*FORMATS, *texts))


def _save(make: Callable[[], Any], file: Path, endings: Iterable[str]) -> None:
    if file.suffix not in FORMATS:
        raise InvalidValue(f"{file.name} does not say what to write", f"end its name in one of {', '.join(endings)}")
    with styled(), refusals(f"cannot write {file}"):
        save(make(), file)


def sharing(system: System) -> Sharing:
    """Return, of every two tasks, the parameters of what both paths hold; nothing where there are too many pairs."""
    state = system.versions.published()
    if len(state) > PICTURED:
        return {}
    found = {task: {task: path.params} for task, path in sorted(state.items())}
    for (one, other), components in system.sharing().items():
        found[one][other] = sum(component.size for component in components)
    return found


def parts(story: Story, statuses: Sequence[TaskStatus], sharing: Sharing) -> tuple[Part, ...]:
    """Return the page; what needs a published path is there if there is one, pictures of tasks if there is room."""
    learned = [status for status in statuses if status.path is not None]
    if not story.states:
        told = f"{plural(len(statuses), 'task')}, and nothing learned yet: there is no story to tell."
        return (Part("overview", "Overview", (told,)),)
    made = [_overview(story, learned), _segments(story)]
    if sharing:
        picture = Picture("graph", "The tasks' paths through the components that they share.")
        made.append(Part("graph", "Growth", (picture,)))
    if learned:
        made.append(_tasks(statuses))
    if len(sharing) > 1:
        picture = Picture("sharing", "Parameters that two tasks share; on the diagonal all of a task's.")
        made.append(Part("sharing", "Who shares with whom", (picture,)))
    return tuple(made)


def _overview(story: Story, learned: Sequence[TaskStatus]) -> Part:
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
    table = Table(("", ""), tuple(zip(FIGURES.values(), _figures(last), strict=True)))
    return Part("overview", "Overview", (sentence, table))


def _figures(state: State) -> tuple[str, ...]:
    qualities = (_share(state.quality), _share(state.test_quality))
    return (f"{state.tasks:,}", *qualities, *map(count, (state.accounted_params, state.params, state.flops)))


def _segments(story: Story) -> Part:
    """Return how the segments compare, and which tasks they were about."""
    counts, tasks = [], []
    for number, segment in enumerate(story.segments, start=1):
        changed = (segment.added, segment.revisited, segment.removed)
        numbers = (f"{n:,}" for n in (segment.commits, *map(len, changed)))
        name = f"{number}. {segment.method or NOTHING}"
        counts.append((name, segment.began[:10], *numbers, *_figures(segment.after)))
        tasks.append((f"{number}.", *map(_named, changed)))
    columns = ("segment", "from", "commits", "added", "revisited", "removed", *FIGURES)
    text = (
        "A segment is a run of commits under one method version. Its label ends in a fingerprint, which changes with "
        "every setting of the method, its budget too. On the right is the system after it: accuracies, accounted "
        "parameters and FLOPs are means over its tasks."
    )
    caption = (
        "What each commit left, over the methods in force; the numbers are those of the segments. A task's line begins "
        "where the task came; where lines coincide, the earlier task's is seen on both sides of the later one's."
    )
    about = Table(("segment", "tasks added", "tasks revisited", "tasks removed"), tuple(tasks), left=4)
    return Part("segments", "Segments", (text, Table(columns, tuple(counts)), about, Picture("curves", caption)))


def _named(names: Sequence[str]) -> str:
    left = len(names) - NAMES
    return listed([*names[:NAMES], f"{left} more"] if left > 0 else names) or NOTHING


def _tasks(statuses: Sequence[TaskStatus]) -> Part:
    numbers = ("valid.", "test", "params", "own", "accounted", "FLOPs", "shape", "classes")
    text = (
        "own: parameters that were trained for the task; accounted: those of its path, each divided by the tasks and "
        "roots that hold it; shape: image size x layers."
    )
    return Part("tasks", "Tasks", (text, Table(("task", "parent", "method", *numbers), tuple(map(_task, statuses)), 3)))


def _task(status: TaskStatus) -> tuple[str, ...]:
    if status.path is None:
        return (status.task, *9 * (NOTHING,), f"{status.classes:,}")
    return (
        status.task,
        status.parent_task or "root",
        status.method or NOTHING,
        _share(status.quality),
        _share(status.test_quality),
        *map(count, (status.params, status.trained_params, status.accounted_params, status.flops)),
        f"@{status.image_size}x{status.layers}",
        f"{status.classes:,}",
    )


def _share(value: float | None) -> str:
    return NOTHING if value is None or isnan(value) else share(value)
