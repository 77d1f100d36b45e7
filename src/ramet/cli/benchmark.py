"""`ramet benchmark`: methods compared on suites of tasks, and speed against what one would otherwise run."""

import typer

from ramet.cli.speed import speed

app = typer.Typer(help="Comparisons: of methods on suites of tasks, and of speed.", no_args_is_help=True)

app.command()(speed)
