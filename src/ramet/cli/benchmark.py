"""`ramet benchmark`: methods compared on suites of tasks, and speed against what one would otherwise run."""

import shlex
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ramet.base.text import duration, percent, plural
from ramet.cli.benchmark_report import report
from ramet.cli.options import AsJson, Device, Settings, pairs
from ramet.cli.output import say, show, show_json, table
from ramet.cli.progress import watching
from ramet.cli.speed import speed

if TYPE_CHECKING:
    from ramet.benchmarks.record import Record
    from ramet.benchmarks.run import Job
    from ramet.evolution.observer import Observer

app = typer.Typer(help="Comparisons: of methods on suites of tasks, and of speed.", no_args_is_help=True)
app.command()(speed)
app.command()(report)

_NOT_OF_RESULTS = ("output", "resume", "device")
"""Options that change nothing of what comes out."""


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """The suites: their tasks, methods and budget, and what the papers found."""
    from ramet.benchmarks.suite import names, resolved, suite

    suites = [suite(name) for name in names()]
    if as_json:
        show_json([found.model_dump(mode="json", by_alias=True) for found in suites])
        return
    rows = [
        (
            found.name,
            str(len(found.tasks)),
            str(len(found.methods)),
            f"{resolved(found, found.methods[0], 1.0, {}).budget.examples / 1e6:,.2f} M",
            found.title,
        )
        for found in suites
    ]
    show(
        table(
            ("suite", "tasks", "methods", "examples a task", "what"),
            rows,
            right=("tasks", "methods", "examples a task"),
        )
    )


@app.command()
def run(
    context: typer.Context,
    suite: Annotated[
        str,
        typer.Argument(
            metavar="SUITE", help="A suite (`ramet benchmark list`), or the YAML file of one.", show_default=False
        ),
    ],
    data: Annotated[
        Path | None,
        typer.Option(
            metavar="DIR",
            help="Where the data is: NAME.npz files, folders, or what TFDS prepared.",
            show_default="where TFDS has it",
        ),
    ] = None,
    methods: Annotated[
        str, typer.Option(metavar="A,B", help="Methods by name; core: all but those for the frontier alone; all.")
    ] = "core",
    tasks: Annotated[str, typer.Option(metavar="A,B", help="Some of the tasks.", show_default="all")] = "",
    seeds: Annotated[int, typer.Option(min=1, help="How many, from 0.")] = 1,
    scale: Annotated[
        float, typer.Option(help="The part of the suite's budget: children and their examples shrink alike.")
    ] = 1.0,
    root: Annotated[
        str | None, typer.Option(metavar="ROOT", help="What systems grow from.", show_default="the suite's")
    ] = None,
    settings: Settings = None,
    alone: Annotated[
        bool, typer.Option("--alone/--no-alone", help="Also learn each task alone, to see what transfer gave.")
    ] = True,
    output: Annotated[
        Path | None, typer.Option(metavar="DIR", help="Where results go.", show_default="results/SUITE")
    ] = None,
    resume: Annotated[bool, typer.Option("--resume", help="Go on with the results that are there.")] = False,
    device: Device = "auto",
) -> None:
    """Run every method of a suite on every task, from the same root at the same budget.

    Several processes, of several machines too, may work on one folder of results.
    """
    from ramet.benchmarks import run as runner
    from ramet.benchmarks.suite import choose_methods, choose_tasks
    from ramet.benchmarks.suite import suite as load_suite

    chosen = load_suite(suite)
    folder = output or Path("results") / chosen.name
    request = runner.Request(
        suite=chosen,
        methods=choose_methods(chosen, _listed(methods)),
        tasks=choose_tasks(chosen, _listed(tasks)),
        seeds=seeds,
        scale=scale,
        root=root or chosen.root,
        output=folder,
        command=_command(context),
        data=data,
        settings=pairs(settings, "--set"),
        alone=alone,
        device=device,
    )
    written = runner.run(request, _Watch(), resume=resume)
    bad = [found for found in written if found.state != "done"]
    say(f"{plural(len(written) - len(bad), 'record')} written to {folder}; next: ramet benchmark report {folder}")
    if bad:
        say(f"{plural(len(bad), 'run')} could not be done: the report says which and why; --resume tries them again")
        raise typer.Exit(1)


def _listed(text: str) -> list[str]:
    return [name.strip() for name in text.split(",") if name.strip()]


def _command(context: typer.Context) -> str:
    """The command as one would type it again: what is not as by default, but where results go and what they resume."""
    words = []
    for parameter in context.command.params:
        value = context.params.get(str(parameter.name))
        if parameter.param_type_name == "argument":
            words.append(str(value))
        elif parameter.name not in _NOT_OF_RESULTS and value not in (None, (), [], parameter.default):
            if value is False:
                words.append(parameter.secondary_opts[0])
            else:
                values = value if isinstance(value, list | tuple) else [value]
                words += [word for one in values for word in (parameter.opts[0], _plain(one))]
    return shlex.join(["ramet", "benchmark", "run", *words])


def _plain(value: object) -> str:
    return f"{value:g}" if isinstance(value, float) else str(value)


class _Watch:
    """A line when a task is begun and one when it is done; in between, what `ramet evolve` shows."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._where = ""

    @contextmanager
    def started(self, job: "Job", number: int, total: int) -> Iterator["Observer"]:
        """See benchmarks.run.Watch."""
        spent = time.monotonic() - self._began
        left = duration(spent / number * (total - number)) if number else "unknown"
        self._where = f"[{number + 1}/{total}] {job.method.id}, seed {job.seed}, {job.task.name}"
        self._where += ", alone" if job.setting == "alone" else ""
        say(f"{self._where}: {duration(spent)} elapsed, {left} left")
        with watching(1, again="the same command with --resume goes on") as observer:
            yield observer

    def finished(self, job: "Job", found: "Record") -> None:
        """See benchmarks.run.Watch."""
        if found.state == "done":
            say(f"{self._where}: validation {percent(found.validation)}, test {percent(found.test)}")
        else:
            what = "no data" if found.state == "no-data" else "failed"
            say(f"{self._where}: {what}: {found.error.strip().splitlines()[-1]}")

    def passed_over(self, folder: str) -> None:
        """See benchmarks.run.Watch."""
        say(f"{folder}: another process works on it")
