"""`python -m benchmarks.speed NAME`: the measurements that docs/benchmarks.md quotes."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated

import typer
from benchmarks.speed.measure import MODEL, NAMES, TASKS, Settings, run
from benchmarks.speed.report import Report, filled

from ramet.report.document import place

Name = StrEnum("Name", [(name.upper(), name) for name in (*NAMES, "all")])


def main(
    name: Annotated[
        Name, typer.Argument(metavar="NAME", help="generation, memory, startup, scale, or all.", show_default=False)
    ],
    repeats: Annotated[int, typer.Option(min=1, help="How often everything is measured.")] = 3,
    output: Annotated[
        Path, typer.Option("--output", metavar="DIR", help="Each benchmark's figures go there as JSON.")
    ] = Path(__file__).parent,
    document: Annotated[
        Path | None,
        typer.Option("--fill", metavar="FILE", exists=True, dir_okay=False, help="A page to put the tables into."),
    ] = None,
    tasks: Annotated[int, typer.Option(min=1, help="Tasks of the system for memory, startup and verify.")] = TASKS,
    model: Annotated[str, typer.Option(help="The random root that this system grows from.")] = MODEL,
) -> None:
    """Compare ramet with what one would otherwise run, in one run."""
    names = NAMES if name.value == "all" else (name.value,)
    if document:
        for wanted in names:
            place(document.read_text(encoding="utf-8"), wanted)
    output.mkdir(parents=True, exist_ok=True)
    for report in run(names, Settings(repeats, tasks, model), lambda text: typer.echo(text, err=True)):
        _keep(report, output, document)
        typer.echo(f"{report.measures}\n\n{report.to_markdown()}")


def _keep(report: Report, output: Path, document: Path | None) -> None:
    (output / f"{report.benchmark}.json").write_text(report.to_json(), encoding="utf-8")
    if document:
        document.write_text(filled(document.read_text(encoding="utf-8"), report), encoding="utf-8")


if __name__ == "__main__":
    typer.run(main)
