"""`ramet benchmark report`: the tables and figures that docs/results.md quotes."""

from pathlib import Path
from typing import Annotated

import typer

from ramet.cli.options import AsJson, Fill
from ramet.cli.output import say, show, show_json


def report(
    folder: Annotated[
        Path, typer.Argument(metavar="FOLDER", help="What `ramet benchmark run` wrote to.", show_default=False)
    ],
    output: Annotated[
        Path | None,
        typer.Option("--output", metavar="DIR", show_default="FOLDER/report", help="Where the report goes."),
    ] = None,
    document: Fill = None,
    as_json: AsJson = False,
) -> None:
    """Make the tables and figures of a benchmark from its records, finished or not."""
    from ramet.benchmarks.report.write import write_report

    place = output or folder / "report"
    summary, parts = write_report(folder, place, document)
    if as_json:
        show_json(summary)
    else:
        show(parts[0].markdown(place, place / "report.md").rstrip())
    say(f"written to {place}" + (f", and into {document}" if document else ""))
