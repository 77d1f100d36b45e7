"""The `ramet` command: all its commands in the order of its help, and how a command ends."""

import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated, Any

import typer
from typer.core import TyperGroup

import ramet
from ramet.cli import begin, benchmark, evolve, experiment, look, store, tasks, use, versions
from ramet.cli.options import BRANCH_VARIABLE, SYSTEM_VARIABLE, keep_given
from ramet.cli.output import STOPPED, note_interrupts, say, was_pressed

COMMANDS: dict[str, tuple[Callable[..., None], ...]] = {
    "Begin": (begin.demo, begin.init),
    "Grow": (evolve.evolve,),
    "Look": (look.status, look.show, look.history, look.lineage, look.report, look.graph),
    "Versions": (
        versions.log, versions.diff, versions.branch, versions.switch, versions.merge, versions.tag, versions.restore,
        versions.revert,
    ),
    "Use": (use.evaluate, use.predict),
    "Share": (store.push, store.pull, store.export, store.import_),
    "Care": (store.verify, store.replay, store.gc, store.migrate),
}  # fmt: skip
"""Commands by the panel of the help they are in; `task`, `method`, `experiment` and `benchmark` are groups."""


class RametGroup(TyperGroup):
    """All commands. What a user can mend is told in one line with exit code 2; what else is raised is a bug."""

    def invoke(self, ctx: Any) -> Any:
        """Run a command."""
        try:
            return super().invoke(ctx)
        except ramet.RametError as error:
            say(f"error: {error}")
            raise typer.Exit(2) from error
        except KeyboardInterrupt as interrupt:
            say("stopped")
            raise typer.Exit(STOPPED) from interrupt


app = typer.Typer(
    cls=RametGroup,
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _version(wanted: bool) -> None:
    if wanted:
        typer.echo(f"ramet {ramet.__version__}")
        raise typer.Exit


@app.callback()
def _ramet(
    context: typer.Context,
    folder: Annotated[
        Path | None,
        typer.Option(
            "-C", metavar="DIR", envvar=SYSTEM_VARIABLE, show_default="the current folder", help="The system's folder."
        ),
    ] = None,
    branch: Annotated[
        str | None,
        typer.Option(
            "--branch",
            "-b",
            metavar="NAME",
            envvar=BRANCH_VARIABLE,
            show_default="the one switched to",
            help="The branch.",
        ),
    ] = None,
    version: Annotated[
        bool, typer.Option("--version", callback=_version, is_eager=True, help="Print the version and exit.")
    ] = False,
) -> None:
    """Grow one multitask image classification system for ever, a task at a time."""
    keep_given(context)


app.add_typer(tasks.app, name="task", rich_help_panel="Grow")
app.add_typer(evolve.app, name="method", rich_help_panel="Grow")
app.add_typer(experiment.app, name="experiment", rich_help_panel="Compare")
app.add_typer(benchmark.app, name="benchmark", rich_help_panel="Compare")
for panel, commands in COMMANDS.items():
    for command in commands:
        app.command(command.__name__.rstrip("_"), rich_help_panel=panel)(command)


def main() -> None:
    """Run the command line and exit; stopped by Ctrl-C, end by that signal, so that a loop of a shell ends with it."""
    note_interrupts()
    for stream in (sys.stdout, sys.stderr):
        stream.reconfigure(errors="backslashreplace")  # type: ignore[union-attr]  # a file's name may be no text
    try:
        code = _run()
    except KeyboardInterrupt:
        code = STOPPED
    if code == STOPPED or was_pressed():
        sys.excepthook = lambda *_: None  # what there is to tell has been told
        raise KeyboardInterrupt from None
    sys.exit(code)


def _run() -> int:
    """Run the command, and return its exit code; what the machine refuses is no bug."""
    try:
        app(prog_name="ramet")
    except SystemExit as ended:
        code = ended.code if isinstance(ended.code, int) else int(ended.code is not None)
    except OSError as error:
        code = _refused(error)
    except UnicodeEncodeError as error:
        say(f"error: {error.object!r} is no text; name it in UTF-8")
        code = 2
    try:
        sys.stdout.flush()
    except OSError as error:
        code = code or _refused(error)
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # Python flushes once more at its end
    return code


def _refused(error: OSError) -> int:
    what = f"cannot use {error.filename!r}" if error.filename else "cannot read or write"
    say(f"error: {what}: {error.strerror or error}; check the place, its rights and its free space")
    return 2
