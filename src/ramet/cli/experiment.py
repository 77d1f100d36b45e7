"""`ramet experiment`: method variants compared fairly, and the best of them taken over."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ramet.base.text import NOTHING, plural
from ramet.base.text import listed as in_a_row
from ramet.cli.options import AsJson, Device, Jobs, argument, listed, on_system, option
from ramet.cli.output import TextTable, facts, last_line, say, score, show, show_all, show_json

if TYPE_CHECKING:
    from ramet.report.document import Part
    from ramet.study.branches import Overview
    from ramet.system import System

app = typer.Typer(help="Comparisons of methods on this system, each on branches of its own.", no_args_is_help=True)

Name = Annotated[str, argument("NAME", "The experiment.")]


@app.command()
@on_system
def run(
    system: "System",
    file: Annotated[Path, argument("FILE", "What is compared, as YAML.")],
    jobs: Jobs = None,
    device: Device = "auto",
) -> None:
    """Run an experiment. Stopped at any moment, the same command goes on; what failed is tried again."""
    from ramet.cli.study import end, run_design
    from ramet.study import read

    design = read(file)
    failed = run_design(system, design, jobs=jobs, device=device)
    say(f"next: ramet experiment report {design.name}")
    end(failed)


@app.command()
@on_system
def report(
    system: "System",
    name: Name,
    html: Annotated[Path | None, option("FILE", "Also write a page with figures.")] = None,
    as_json: AsJson = False,
) -> None:
    """Report what an experiment found: differences to the control, what they cost, and a verdict in words."""
    from ramet import study
    from ramet.study.parts import parts
    from ramet.study.write import plain

    found = study.report(system, name)
    if as_json:
        show_json(plain(found))
    else:
        for part in parts(found):
            _show_part(part)
    if html:
        study.write_page(found, html)
        say(f"written to {html}")


@app.command("list")
@on_system
def list_(system: "System", as_json: AsJson = False) -> None:
    """All experiments."""
    from ramet import study

    columns = ("experiment", "begun", "base", "variants", "tasks", "seeds", "ended", "branches")
    none = "no experiments yet; begin one with `ramet experiment run FILE`"
    show_all(study.overviews(system), as_json, columns, _row, right=("tasks", "seeds", "ended"), none=none)


@app.command("show")
@on_system
def show_(system: "System", name: Name, as_json: AsJson = False) -> None:
    """Show what an experiment compares, and how far it is."""
    from ramet import study

    found = study.overview(system, name)
    if as_json:
        show_json(found)
        return
    told = {
        "experiment": found.name,
        "description": found.description or NOTHING,
        "base": f"{found.base} at {found.commit}",
        "begun": found.time,
        "tasks": ", ".join(found.tasks),
        "control": found.control,
    }
    rows = (
        [t.branch, f"{t.state}{', dropped' if t.dropped else ''}", f"{t.children:,}", last_line(t.problem)]
        for t in found.trials
    )
    trials = TextTable(("branch", "state", "children", ""), rows, right=("children",))
    show(facts([*told.items(), *found.methods.items()]), "", trials)


@app.command()
@on_system
def merge(
    system: "System",
    name: Name,
    tasks: Annotated[str, option("A,B", "Some of its tasks.", "all")] = "",
    as_json: AsJson = False,
) -> None:
    """Publish the best path of every task on the base branch, by one commit."""
    from ramet import study

    merged = study.merge(system, name, listed(tasks))
    if as_json:
        show_json({"commit": merged.commit, "branch": merged.branch, "tasks": merged.tasks})
        return
    rows = (
        [t.task, str(t.source or "stayed").removeprefix(f"{name}/"), score(t.score_before), score(t.score)]
        for t in merged.tasks
    )
    show(TextTable(("task", "taken from", "score before", "score"), rows, right=("score before", "score")))
    if merged.changed:
        show(f"{merged.branch} is at {merged.commit}")
    else:
        say(f"nothing to do: {merged.branch} has the best paths already")


@app.command()
@on_system
def drop(system: "System", name: Name) -> None:
    """Forget an experiment's branches; its record and report stay, and what was merged."""
    from ramet import study

    gone = study.drop(system, name)
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
        if not isinstance(block, Table):
            show(block)
        elif any(block.columns):
            show(TextTable(block.columns, block.rows, right=block.columns[block.left :]))
        else:
            show(facts((name, value) for name, value in block.rows))
    show("")


def _row(found: "Overview") -> list[str]:
    sizes = [str(len(found.tasks)), str(len(found.seeds)), f"{found.ended}/{len(found.trials)}"]
    branches = "dropped" if found.dropped else f"{found.name}/…"
    return [found.name, found.time[:10], found.base, in_a_row(list(found.methods)), *sizes, branches]
