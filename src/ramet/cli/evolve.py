"""`ramet evolve`: tasks are trained."""

from typing import TYPE_CHECKING, Annotated

import typer

from ramet.cli.look import STATUS_LEGEND, status_table
from ramet.cli.options import Device, Folder, Settings, method_source, open_system, pairs, seconds, share_cores
from ramet.cli.output import say, show
from ramet.cli.progress import watching

if TYPE_CHECKING:
    from ramet.results import TaskStatus


def evolve(
    tasks: Annotated[list[str], typer.Argument(metavar="TASK", help="The tasks, in this order.", show_default=False)],
    method: Annotated[
        str, typer.Option("--method", metavar="NAME|FILE", help="A preset (`ramet method list`) or a YAML file.")
    ] = "mu2net-plus",
    cycles: Annotated[int | None, typer.Option(min=1, help="How many cycles.", show_default="the method's")] = None,
    samples: Annotated[int | None, typer.Option(min=1, help="Children a cycle.", show_default="the method's")] = None,
    seed: Annotated[int, typer.Option(help="Keys every draw.")] = 0,
    settings: Settings = None,
    time_limit: Annotated[
        str | None,
        typer.Option(metavar="TIME", help="90s, 30m or 1h30m; then the best so far is published.", show_default="none"),
    ] = None,
    device: Device = "auto",
    restart: Annotated[bool, typer.Option("--restart", help="Give up runs that are not done, and begin anew.")] = False,
    folder: Folder = None,
) -> None:
    """Train tasks, one after the other. Stopped at any moment, the same command goes on."""
    from ramet.method.document.presets import load

    system = open_system(folder)
    limit = None if time_limit is None else seconds(time_limit)
    chosen = load(method_source(method), pairs(settings, "--set"))
    share_cores(chosen.budget.generation)
    with watching(len(set(tasks)), limit) as watcher:
        statuses = system.evolve(
            *tasks,
            method=chosen,
            seed=seed,
            cycles=cycles,
            samples=samples,
            time_limit=limit,
            device=device,
            restart=restart,
            observer=watcher,
        )
    _conclude(statuses, watcher.found)


def _conclude(statuses: "list[TaskStatus]", found: set[str]) -> None:
    learned = [status for status in statuses if status.path is not None]
    if learned:
        show(status_table(learned))
        say(STATUS_LEGEND)
    same = [status.task for status in learned if status.task not in found]
    if same:
        say(f"no better path than before: {', '.join(same)}")
    failed = [status.task for status in statuses if status.path is None]
    if failed:
        say(f"nothing was learned of {', '.join(failed)}: `ramet history TASK` tells how its children fared")
        raise typer.Exit(1)
