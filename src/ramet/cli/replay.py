"""`ramet replay`: is a path what its record says it is."""

from typing import TYPE_CHECKING, Annotated

import typer

from ramet.base.text import NOTHING, percent, plural
from ramet.cli.look import changes
from ramet.cli.options import AsJson, Device, Folder, open_system, share_cores
from ramet.cli.output import plain, say, show, show_json, table
from ramet.cli.progress import showing

if TYPE_CHECKING:
    from ramet.results import Replay, ReplayStep
    from ramet.system import System


def replay(
    name: Annotated[
        str,
        typer.Argument(metavar="TASK|PATH", help="A task, or the id of a path that was published.", show_default=False),
    ],
    tolerance: Annotated[
        float, typer.Option(metavar="SHARE", help="How far accuracies may be apart where bytes differ.")
    ] = 0.02,
    device: Device = "auto",
    as_json: AsJson = False,
    folder: Folder = None,
) -> None:
    """Train a path again from its recorded seeds and compare; exit with 1 when it is another one."""
    system = open_system(folder)
    path = system.path(name)
    made_by = next((run for run in system.runs(path.task) if run.id == path.agent), None) if path.task else None
    if made_by is not None:
        share_cores(made_by.method["budget"]["generation"])
    with showing() as steps:
        found = system.replay(name, device=device, tolerance=tolerance, progress=steps)
    if as_json:
        show_json({**plain(found), "agrees": found.agrees})
    else:
        _report(system, found)
    if not found.agrees:
        raise typer.Exit(1)


def _report(system: "System", found: "Replay") -> None:
    qualities = ("valid., %", "test, %")
    rows = (_row(system, step) for step in found.steps)
    show(table(("path", "task", "verdict", *qualities, "mutations"), rows, right=qualities))
    for step in found.steps:
        for difference in step.otherwise:
            say(f"{step.path[:8]}: {difference}")
    count = plural(len(found.steps), "step")
    if all(step.verdict == "identical" for step in found.steps):
        show(f"identical: {count} from {found.start}, every byte as recorded")
    elif found.agrees:
        show(f"agrees: {count} from {found.start}; bytes differ, accuracies by at most {found.tolerance:g}")
    else:
        show(f"different: path {found.path} is not what its record gives on {found.device}")


def _row(system: "System", step: "ReplayStep") -> list[str]:
    return [
        step.path[:8],
        step.task,
        step.verdict,
        _quality(step.quality, step.quality_now),
        _quality(step.test_quality, step.test_quality_now),
        changes(system.path(step.path), step.mutations),
    ]


def _quality(recorded: float | None, now: float | None) -> str:
    shown = [percent(value).removesuffix("%") for value in (recorded, now) if value is not None]
    return "→".join(shown) or NOTHING
