"""`ramet status`, `show`, `history`, `lineage`, `report` and `graph`: what a system holds, and how it came about."""

from collections.abc import Iterable, Sequence
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Annotated

import typer

from ramet.base.errors import InvalidValue
from ramet.base.records import Commit
from ramet.base.text import NOTHING, count, percent, plural
from ramet.cli.options import AsJson, LearnedTask, Limit, argument, on_system, option
from ramet.cli.output import TextTable, facts, say, setting, show_all, show_json
from ramet.cli.output import show as print_result
from ramet.cli.versions import show_commit

if TYPE_CHECKING:
    from ramet.base.records import Child, Component, Path
    from ramet.results import TaskStatus
    from ramet.system import System


@on_system
def status(system: "System", as_json: AsJson = False) -> None:
    """List every task: quality, size, compute, and what it shares."""
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


@on_system
def show(
    system: "System",
    name: Annotated[str, argument("TASK|PATH|COMMIT", "A task, a path's id, or a name of a commit.")],
    as_json: AsJson = False,
) -> None:
    """Show a path: components, who shares them, hyperparameters, metrics; or a commit: its changes."""
    path = system.find(name)
    if isinstance(path, Commit):
        show_commit(system, path, as_json)
        return
    holders = system.holders(path)
    if as_json:
        show_json({"path": path, "holders": holders})
        return
    told = {
        "path": path.id,
        "task": path.task or "none, it is a root",
        "parent": path.parent or NOTHING,
        "method": path.method or NOTHING,
        "params": f"{count(path.params)}, of which {count(path.trained_params)} trained for the task",
    }
    metrics = {
        name: percent(value) if name.endswith("quality") else f"{value:.4g}" for name, value in path.metrics.items()
    }
    hyperparameters = {key: setting(value) for key, value in path.hyperparameters.items()}
    print_result(facts(told | metrics), "", _components(path, holders), "", facts(hyperparameters))
    own = path.hyperparameters.get("mu")
    learned = [(action, f"{value:g}") for action, value in path.mu.items() if value != own]
    if learned:
        print_result("", "learned µ that differ from the path's own:", facts(learned))


@on_system
def history(
    system: "System",
    task: Annotated[str | None, argument("TASK", "Only this task's.", "all")] = None,
    limit: Limit = None,
    plot: Annotated[
        FilePath | None, option("FILE", "Draw the branch's quality, size and compute, .svg or .png.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List all children that were ever made, with their parents, mutations, qualities and cost; or the branch drawn."""
    if plot is not None:
        from ramet.story.tell import tell
        from ramet.story.write import write_curves

        if task or limit or as_json:
            raise InvalidValue("--plot draws the whole branch", "leave out TASK, --limit and --json")
        write_curves(tell(system), plot)
        say(f"written to {plot}")
        return
    children = system.history(task)[-limit if limit else 0 :]
    columns = ("path", "parent", "task", "cycle", "status", "quality, %", "time", "mutations")
    none = "no children yet; make some with `ramet evolve TASK`"
    show_all(children, as_json, columns, _child_row, right=("time",), none=none)


@on_system
def lineage(system: "System", task: LearnedTask, as_json: AsJson = False) -> None:
    """Show the paths that a task's path descends from: what each step changed, and its quality."""
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


@on_system
def report(
    system: "System",
    file: Annotated[FilePath, typer.Argument(metavar="FILE", help="The page, an HTML file.")] = FilePath("report.html"),
    as_json: AsJson = False,
) -> None:
    """Write the system's story as one page: its segments, growth, tasks, and who shares with whom."""
    from ramet.story.tell import tell
    from ramet.story.write import sharing, write_page

    if as_json:
        about = {"name": system.store.name, "branch": system.versions.branch, "commit": system.versions.commit().id}
        show_json({**about, "story": tell(system), "tasks": system.status(), "sharing": sharing(system)})
        return
    write_page(system, file)
    say(f"written to {file}")


@on_system
def graph(
    system: "System",
    file: Annotated[
        FilePath, typer.Argument(metavar="FILE", help="A picture (.svg, .png) or data (.graphml, .json).")
    ] = FilePath("graph.svg"),
    as_json: AsJson = False,
) -> None:
    """Write the graph that the system has grown into: tasks, roots, and the components that they share."""
    from ramet.story.graph import graph_of, plain
    from ramet.story.write import write_graph

    found = graph_of(system)
    if as_json:
        show_json(plain(found))
        return
    write_graph(found, file)
    counts = [plural(len(found.of_kind(kind)), kind) for kind in ("task", "root", "component")]
    say(f"written to {file}: {', '.join(counts)}")


STATUS_LEGEND = (
    "accuracy on validation and test; own: parameters trained for the task; accounted: each divided by the tasks and "
    "roots that hold it; shape: @PIXELSxLAYERS; shared: tasks that hold one of its components"
)


def status_table(statuses: "Sequence[TaskStatus]") -> TextTable:
    """Return tasks at a glance as a table; STATUS_LEGEND says what its columns mean."""
    numbers = ("valid.", "test", "own", "accounted", "FLOPs")
    columns = ("task", *numbers, "shape", "parent", "shared")
    return TextTable(columns, map(_status_row, statuses), right=(*numbers, "shared"))


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


def _components(path: "Path", holders: dict[str, tuple[str, ...]]) -> TextTable:
    def state(component: "Component") -> str:
        if component.name in path.trained:
            return "trained"
        return "untrained" if component.untrained else "frozen"

    rows = ([c.name, count(c.size), state(c), ", ".join(holders[c.name]) or NOTHING] for c in path.components)
    return TextTable(("component", "params", "", "also held by"), rows, right=("params",))


def _child_row(child: "Child") -> list[str]:
    path = child.path
    where = f"{child.cycle + 1}.{child.generation + 1}.{child.number + 1}"
    curve = " ".join(f"{100 * quality:.1f}" for quality in child.curve) or NOTHING
    made = (where, child.status, curve, f"{child.cost['seconds']:.0f} s", changes(path, child.mutations))
    return [path.id[:8], (path.parent or "")[:8], path.task or "", *made]


def changes(path: "Path", mutations: Iterable[str]) -> str:
    """Return mutations as a user reads them; a hyperparameter's with its new value."""
    split = (mutation.partition(":") for mutation in mutations)
    told = (f"{n}={setting(path.hyperparameters[n])}" if kind == "hp" else f"{kind} {n}" for kind, _, n in split)
    return ", ".join(told) or NOTHING
