"""`ramet status`, `show`, `history` and `lineage`: what a system holds, and how it came about."""

from collections.abc import Iterable, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Annotated

import typer

from ramet.base.errors import InvalidValue
from ramet.base.records import Commit
from ramet.base.text import NOTHING, count, percent, plural
from ramet.cli.options import AsJson, Folder, open_system
from ramet.cli.output import Listing, facts, say, setting, show_json, table
from ramet.cli.output import show as print_result
from ramet.cli.versions import show_commit

if TYPE_CHECKING:
    from ramet.base.records import Child, Component, Path
    from ramet.results import TaskStatus

TaskName = Annotated[str, typer.Argument(metavar="TASK", help="A task that has a path.", show_default=False)]


def status(as_json: AsJson = False, folder: Folder = None) -> None:
    """List every task: quality, size, compute, and what it shares."""
    system = open_system(folder)
    statuses = system.status()
    if as_json:
        show_json(statuses)
        return
    if len(system.versions.branches()) > 1:
        say(f"on branch {system.versions.branch}")
    if not statuses:
        say("no tasks yet; add one with `ramet task add NAME SOURCE`")
    else:
        print_result(status_table(statuses))
        say(STATUS_LEGEND)
        unfinished = [status.task for status in statuses if status.unfinished]
        if unfinished:
            say(f"evolving, or stopped before the end: {', '.join(unfinished)}")


def show(
    name: Annotated[
        str,
        typer.Argument(
            metavar="TASK|PATH|COMMIT", help="A task, a path's id, or a name of a commit.", show_default=False
        ),
    ],
    as_json: AsJson = False,
    folder: Folder = None,
) -> None:
    """Show a path: components, who shares them, hyperparameters, metrics; or a commit: its changes."""
    system = open_system(folder)
    path = system.find(name)
    if isinstance(path, Commit):
        show_commit(system, path, as_json)
        return
    holders = system.holders(path)
    if as_json:
        show_json({"path": path, "holders": holders})
        return
    print_result(
        facts(
            [
                ("path", path.id),
                ("task", path.task or "none, it is a root"),
                ("parent", path.parent or NOTHING),
                ("method", path.method or NOTHING),
                ("params", f"{count(path.params)}, of which {count(path.trained_params)} trained for the task"),
                *((name, _metric(name, value)) for name, value in path.metrics.items()),
            ]
        ),
        "",
        _components(path, holders),
        "",
        facts((key, setting(value)) for key, value in path.hyperparameters.items()),
    )
    learned = _learned(path)
    if learned:
        print_result("", "learned µ that differ from the path's own:", facts(learned))


def history(
    task: Annotated[str | None, typer.Argument(metavar="TASK", help="Only this task's.", show_default="all")] = None,
    limit: Annotated[int | None, typer.Option(min=1, max=2**31, help="Only the last ones.", show_default="all")] = None,
    plot: Annotated[
        FilePath | None,
        typer.Option(
            metavar="FILE", help="Draw the branch's quality, size and compute, .svg or .png.", show_default=False
        ),
    ] = None,
    as_json: AsJson = False,
    folder: Folder = None,
) -> None:
    """List all children that were ever made, with their parents, mutations, qualities and cost; or the branch drawn."""
    system = open_system(folder)
    if plot is not None:
        from ramet.story.tell import tell
        from ramet.story.write import write_curves

        if task or limit or as_json:
            raise InvalidValue("--plot draws the whole branch", "leave out TASK, --limit and --json")
        write_curves(tell(system), plot)
        say(f"written to {plot}")
        return
    children = system.history(task)[-limit if limit else 0 :]
    if as_json:
        show_json(children)
    elif not children:
        say("no children yet; make some with `ramet evolve TASK`")
    else:
        columns = ("path", "parent", "task", "cycle", "status", "quality, %", "time", "mutations")
        print_result(table(columns, map(_child_row, children), right=("time",)))


def lineage(task: TaskName, as_json: AsJson = False, folder: Folder = None) -> None:
    """Show the paths that a task's path descends from: what each step changed, and its quality."""
    system = open_system(folder)
    paths = system.lineage(task)
    made = {child.path.id: child.mutations for child in system.history()}
    if as_json:
        show_json([{"path": path, "mutations": made.get(path.id, ())} for path in paths])
        return
    root, *steps = paths
    names = {path.id: name for name, path in system.roots().items()}
    print_result(f"{root.id}  root {names[root.id]}")
    for path in steps:
        told = changes(path, made.get(path.id, ()))
        quality = f"validation {percent(path.metrics.get('quality'))}"
        print_result(f"│  {told or 'nothing but its training'}", f"{path.id}  {path.task}  {quality}")


STATUS_LEGEND = (
    "accuracy on validation and test; own: parameters trained for the task; accounted: each divided by the tasks and "
    "roots that hold it; shape: @PIXELSxLAYERS; shared: tasks that hold one of its components"
)


def status_table(statuses: "Sequence[TaskStatus]") -> Listing:
    """Return tasks at a glance as a table; STATUS_LEGEND says what its columns mean."""
    numbers = ("valid.", "test", "own", "accounted", "FLOPs")
    columns = ("task", *numbers, "shape", "parent", "shared")
    return table(columns, map(_status_row, statuses), right=(*numbers, "shared"))


def _status_row(status: "TaskStatus") -> list[str]:
    learned = status.path is not None
    return [
        status.task,
        percent(status.quality),
        percent(status.test_quality),
        count(status.trained_params),
        count(status.accounted_params),
        count(status.flops),
        f"@{status.image_size}x{status.layers}" if learned else NOTHING,
        status.parent_task or ("root" if learned else NOTHING),
        plural(len(status.shares_with), "task") if status.shares_with else NOTHING,
    ]


def _components(path: "Path", holders: dict[str, tuple[str, ...]]) -> Listing:
    def state(component: "Component") -> str:
        if component.name in path.trained:
            return "trained"
        return "untrained" if component.untrained else "frozen"

    rows = ([c.name, count(c.size), state(c), ", ".join(holders[c.name]) or NOTHING] for c in path.components)
    return table(("component", "params", "", "also held by"), rows, right=("params",))


def _metric(name: str, value: float) -> str:
    return percent(value) if name.endswith("quality") else f"{value:.4g}"


def _learned(path: "Path") -> list[tuple[str, str]]:
    own = path.hyperparameters.get("mu")
    return [(action, f"{value:g}") for action, value in path.mu.items() if value != own]


def _child_row(child: "Child") -> list[str]:
    path = child.path
    curve = " ".join(f"{100 * quality:.1f}" for quality in child.curve) or NOTHING
    where = f"{child.cycle + 1}.{child.generation + 1}.{child.number + 1}"
    seconds = f"{child.cost['seconds']:.0f} s"
    return [
        path.id[:8],
        (path.parent or "")[:8],
        path.task or "",
        where,
        child.status,
        curve,
        seconds,
        changes(path, child.mutations),
    ]


def changes(path: "Path", mutations: Iterable[str]) -> str:
    """Return mutations as a user reads them; a hyperparameter's with its new value."""
    return ", ".join(_change(path, mutation) for mutation in mutations) or NOTHING


def _change(path: "Path", mutation: str) -> str:
    kind, _, name = mutation.partition(":")
    return f"{name}={setting(path.hyperparameters[name])}" if kind == "hp" else f"{kind} {name}"
