"""`ramet experiment`: method variants compared fairly, and the best of them taken over."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.console import RenderableType

from ramet.base.text import NOTHING, listed, plural
from ramet.cli.options import AsJson, Device, Folder, open_system, share_cores
from ramet.cli.output import facts, say, show, show_json, table

if TYPE_CHECKING:
    from ramet.report.document import Part, Table
    from ramet.study.branches import ExperimentMerged, Overview
    from ramet.study.design import Design
    from ramet.system import System

app = typer.Typer(help="Comparisons of methods on this system, each on branches of its own.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The experiment.", show_default=False)]


@app.command()
def run(
    file: Annotated[Path, typer.Argument(metavar="FILE", help="What is compared, as YAML.", show_default=False)],
    jobs: Annotated[
        int | None,
        typer.Option(min=1, help="Branches at a time.", show_default="1; one a GPU where there are several"),
    ] = None,
    device: Device = "auto",
    folder: Folder = None,
) -> None:
    """Run an experiment. Stopped at any moment, the same command goes on; what failed is tried again."""
    from ramet import study

    system = open_system(folder)
    design = study.read(file)
    failed = run_design(system, design, jobs=jobs, device=device)
    say(f"next: ramet experiment report {design.name}")
    if failed:
        say(f"{plural(failed, 'run')} could not be done: the report says why; the same command tries again")
        raise typer.Exit(1)


def run_design(
    system: "System",
    design: "Design",
    *,
    tasks: Sequence[str] = (),
    data: Path | None = None,
    jobs: int | None = None,
    device: str = "auto",
) -> int:
    """Run what of a study is not done, showing how it goes on; return how many runs could not be done."""
    from ramet import study
    from ramet.cli.study_watch import watching_study
    from ramet.study.run import choose_jobs

    count = choose_jobs(jobs, device)
    share_cores(max(variant.limits.generation for variant in design.variants))  # alike for all that are compared
    done = {(trial.branch, trial.task) for trial in system.experiments.trials(design.name) if trial.state == "done"}
    every = [(slot.branch, task) for slot in design.slots() for task in design.tasks_of(slot)]
    left = sum(one not in done and (not tasks or one[1] in tasks) for one in every)
    with watching_study(system, left, count) as watch:
        trials = study.run(system, design, tasks=tasks, data=data, jobs=count, device=device, watch=watch)
    if not trials and not watch.passed:
        say(f"{design.name} is done already")
    return sum(trial.state != "done" for trial in trials)


@app.command()
def report(
    name: Name,
    html: Annotated[
        Path | None, typer.Option("--html", metavar="FILE", help="Also write a page with figures.", show_default=False)
    ] = None,
    as_json: AsJson = False,
    folder: Folder = None,
) -> None:
    """Report what an experiment found: differences to the control, what they cost, and a verdict in words."""
    from ramet import study
    from ramet.study.parts import parts
    from ramet.study.write import plain

    found = study.report(open_system(folder), name)
    if as_json:
        show_json(plain(found))
    else:
        for part in parts(found):
            _show_part(part)
    if html:
        study.write_page(found, html)
        say(f"written to {html}")


@app.command("list")
def list_(as_json: AsJson = False, folder: Folder = None) -> None:
    """All experiments."""
    from ramet import study

    found = study.overviews(open_system(folder))
    if as_json:
        show_json(found)
    elif not found:
        say("no experiments yet; begin one with `ramet experiment run FILE`")
    else:
        columns = ("experiment", "begun", "base", "variants", "tasks", "seeds", "ended", "branches")
        show(table(columns, map(_row, found), right=("tasks", "seeds", "ended")))


@app.command("show")
def show_(name: Name, as_json: AsJson = False, folder: Folder = None) -> None:
    """Show what an experiment compares, and how far it is."""
    from ramet import study

    found = study.overview(open_system(folder), name)
    if as_json:
        show_json(found)
        return
    show(
        facts(
            [
                ("experiment", found.name),
                ("description", found.description or NOTHING),
                ("base", f"{found.base} at {found.commit}"),
                ("begun", found.time),
                ("tasks", ", ".join(found.tasks)),
                ("control", found.control),
                *found.methods.items(),
            ]
        ),
        "",
        table(
            ("branch", "state", "children", ""),
            (
                [t.branch, f"{t.state}{', dropped' if t.dropped else ''}", f"{t.children:,}", _last(t.problem)]
                for t in found.trials
            ),
            right=("children",),
        ),
    )


@app.command()
def merge(
    name: Name,
    tasks: Annotated[str, typer.Option(metavar="A,B", help="Some of its tasks.", show_default="all")] = "",
    as_json: AsJson = False,
    folder: Folder = None,
) -> None:
    """Publish the best path of every task on the base branch, by one commit."""
    from ramet import study

    wanted = [task.strip() for task in tasks.split(",") if task.strip()]
    merged = study.merge(open_system(folder), name, wanted)
    if as_json:
        show_json({"commit": merged.commit, "branch": merged.branch, "tasks": merged.tasks})
    else:
        _show_merged(merged, name)


@app.command()
def drop(name: Name, folder: Folder = None) -> None:
    """Forget an experiment's branches; its record and report stay, and what was merged."""
    from ramet import study

    gone = study.drop(open_system(folder), name)
    show(f"{plural(len(gone), 'branch', 'branches')} of {name} dropped; the report stays")
    if gone:
        say("`ramet gc --delete` frees what only they held")


def _show_part(part: "Part") -> None:
    from ramet.report.document import Picture, Table

    blocks = [block for block in part.blocks if not isinstance(block, Picture)]
    if part.blocks != tuple(blocks) and not any(isinstance(block, Table) for block in blocks):
        return  # it is about its figures
    show(part.title, "=" * len(part.title))
    for block in blocks:
        show(_table(block) if isinstance(block, Table) else block)
    show("")


def _table(found: "Table") -> RenderableType:
    if not any(found.columns):
        return facts((name, value) for name, value in found.rows)
    return table(found.columns, found.rows, right=found.columns[found.left :])


def _show_merged(merged: "ExperimentMerged", name: str) -> None:
    rows = [
        [t.task, str(t.source or "stayed").removeprefix(f"{name}/"), _score(t.score_before), _score(t.score)]
        for t in merged.tasks
    ]
    show(table(("task", "taken from", "score before", "score"), rows, right=("score before", "score")))
    if merged.changed:
        show(f"{merged.branch} is at {merged.commit}")
    else:
        say(f"nothing to do: {merged.branch} has the best paths already")


def _row(found: "Overview") -> list[str]:
    ended = f"{found.ended}/{len(found.trials)}"
    branches = "dropped" if found.dropped else f"{found.name}/…"
    variants = listed(list(found.methods))
    return [
        found.name,
        found.time[:10],
        found.base,
        variants,
        str(len(found.tasks)),
        str(len(found.seeds)),
        ended,
        branches,
    ]


def _score(value: float | None) -> str:
    return NOTHING if value is None else f"{value:.4f}"


def _last(problem: str) -> str:
    return problem.strip().rpartition("\n")[2]
