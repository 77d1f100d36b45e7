"""`ramet benchmark speed`: the measurements that docs/benchmarks.md quotes."""

from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ramet.cli.options import AsJson, Fill
from ramet.cli.output import say, show, show_json

if TYPE_CHECKING:
    from ramet.benchmarks.speed.report import Report


class Name(StrEnum):
    """What can be measured."""

    GENERATION = "generation"
    MEMORY = "memory"
    STARTUP = "startup"
    SCALE = "scale"
    ALL = "all"


def speed(
    name: Annotated[
        Name, typer.Argument(metavar="NAME", help="generation, memory, startup, scale, or all.", show_default=False)
    ],
    repeats: Annotated[int, typer.Option(min=1, help="How often everything is measured.")] = 3,
    output: Annotated[
        Path, typer.Option("--output", metavar="DIR", help="Each benchmark's figures go there as JSON.")
    ] = Path("benchmarks/speed"),
    document: Fill = None,
    tasks: Annotated[int, typer.Option(min=1, help="Tasks of the system for memory, startup and verify.")] = 124,
    model: Annotated[str, typer.Option(help="The random root that this system grows from.")] = "vit_tiny_patch16",
    as_json: AsJson = False,
) -> None:
    """Compare ramet with what one would otherwise run, in one run."""
    from ramet.benchmarks.marks import place
    from ramet.benchmarks.speed.measure import NAMES, Settings, run

    names = NAMES if name is Name.ALL else (name.value,)
    if document:
        for wanted in names:
            place(document.read_text(encoding="utf-8"), wanted)
    output.mkdir(parents=True, exist_ok=True)
    reports = []
    for report in run(names, Settings(repeats, tasks, model), say):
        reports.append(report)
        _keep(report, output, document)
        if not as_json:
            show(f"{report.measures}\n\n{report.to_markdown()}")
    if as_json:
        show_json(reports)


def _keep(report: "Report", output: Path, document: Path | None) -> None:
    from ramet.benchmarks.speed.report import filled

    (output / f"{report.benchmark}.json").write_text(report.to_json(), encoding="utf-8")
    if document:
        document.write_text(filled(document.read_text(encoding="utf-8"), report), encoding="utf-8")
