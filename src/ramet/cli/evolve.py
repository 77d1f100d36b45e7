"""`ramet evolve`: tasks are trained; and `ramet method`: by what, packaged or written by hand."""

import math
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TypedDict

import typer

from ramet.base.errors import InvalidValue
from ramet.base.text import plural
from ramet.cli.look import STATUS_LEGEND, status_table
from ramet.cli.options import (
    AsJson,
    Device,
    Settings,
    argument,
    method_source,
    on_system,
    option,
    pairs,
    seconds,
    share_cores,
)
from ramet.cli.output import TextTable, at_once, err, say, show, show_all, show_json
from ramet.cli.progress import showing, watching

if TYPE_CHECKING:
    from ramet.evolution.pace import Estimate
    from ramet.method.document.schema import Method
    from ramet.results import TaskStatus
    from ramet.system import System

HOUR = 3600.0

app = typer.Typer(help="The methods by which tasks are learned.", no_args_is_help=True)

MethodName = Annotated[str, argument("FILE|NAME", "A YAML file or a preset.")]


@on_system
def evolve(
    system: "System",
    tasks: Annotated[list[str], argument("TASK", "The tasks, in this order.")],
    method: Annotated[
        str, typer.Option("--method", metavar="NAME|FILE", help="A preset (`ramet method list`) or a YAML file.")
    ] = "lean",
    cycles: Annotated[str | None, option("N|+N", "How many cycles; +N: so many more.", "the method's")] = None,
    samples: Annotated[int | None, typer.Option(min=1, help="Children a cycle.", show_default="the method's")] = None,
    seed: Annotated[int, typer.Option(help="Keys every draw.")] = 0,
    settings: Settings = None,
    time_limit: Annotated[
        str | None, option("TIME", "90s, 30m or 1h30m; then the best so far is published.", "none")
    ] = None,
    device: Device = "auto",
    engine: Annotated[str, typer.Option(metavar="NAME", help="Where children are trained.")] = "local",
    workers: Annotated[
        int, typer.Option(min=0, help="Processes that train beside this one.", show_default="0: this one trains")
    ] = 0,
    restart: Annotated[bool, typer.Option("--restart", help="Give up runs that are not done, and begin anew.")] = False,
    more: Annotated[bool, typer.Option("--more", help="Begin another run where the last one is finished.")] = False,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask before a run of hours.")] = False,
) -> None:
    """Train tasks, one after the other. Stopped at any moment, the same command goes on."""
    from ramet.method.document.presets import load

    limit = None if time_limit is None else seconds(time_limit)
    count, more = _cycles(cycles, more)
    chosen, changes = method_source(method), pairs(settings, "--set")
    share_cores(load(chosen, changes).budget.generation)
    terms: Terms = {
        "method": chosen, "settings": changes, "seed": seed, "cycles": count, "samples": samples, "device": device
    }  # fmt: skip
    with system.engine(engine, device=device, **({"workers": workers} if workers else {})) as place:
        with showing() as steps:
            cost = system.estimate(*tasks, **terms, more=more, progress=steps, engine=place)
        if cost is not None:
            _tell_cost(cost, limit, yes)
        with watching(len(set(tasks)), limit) as watcher:
            statuses = system.evolve(
                *tasks, **terms, time_limit=limit, restart=restart, more=more, observer=watcher, engine=place
            )
    if watcher.let_be:
        say(f"finished before: {', '.join(watcher.let_be)}; --more or --cycles +N goes on")
    _conclude([status for status in statuses if status.task not in watcher.let_be], watcher.found)


class Terms(TypedDict):
    """The arguments that a run and its estimate have in common."""

    method: str | Path
    settings: dict[str, str]
    seed: int
    cycles: int | None
    samples: int | None
    device: str


def _cycles(text: str | None, more: bool) -> tuple[int | None, bool]:
    """Return the number of cycles that `N` or `+N` says, and whether there are to be more than before."""
    if text is None:
        return None, more
    digits = text.removeprefix("+")
    if not (digits.isascii() and digits.isdigit() and int(digits)):
        raise InvalidValue(f"--cycles is {text!r}", "give a number such as 3, or +3 for so many more")
    return int(digits), more or text.startswith("+")


def _tell_cost(cost: "Estimate", limit: float | None, yes: bool) -> None:
    within = "" if limit is None else f", in {_time(limit)} about {cost.children_within(limit)} of them"
    advice = "" if limit is not None else f"; --time-limit {_short(cost.seconds / 4)} would take a quarter of it"
    say(f"about {_time(cost.seconds)} here for {plural(cost.children, 'child', 'children')}{within}{advice}")
    long = min(cost.seconds, math.inf if limit is None else limit) > HOUR
    if long and not yes and sys.stdin.isatty() and err.is_terminal:
        with at_once():
            typer.confirm("Start?", default=True, abort=True, err=True)


def _time(seconds: float) -> str:
    if seconds <= 90:
        return plural(max(1, round(seconds)), "second")
    return plural(round(seconds / 60), "minute") if seconds < 1.5 * HOUR else f"{seconds / HOUR:.1f} hours"


def _short(seconds: float) -> str:
    return f"{max(1, round(seconds))}s" if seconds <= 90 else f"{round(seconds / 60)}m"


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


# Methods


@app.command("list")
def list_methods(as_json: AsJson = False) -> None:
    """List all packaged methods, and all sizes that they come in (write METHOD@SIZE)."""
    from ramet.method.document.presets import methods, sizes

    if as_json:
        show_json({"methods": methods(), "sizes": sizes()})
        return
    show(TextTable(("method", "description"), methods().items()), "")
    show(TextTable(("size", "description"), sizes().items()))
    say("next: ramet evolve TASK --method METHOD@SIZE")


@app.command("show")
def show_method(name: MethodName, settings: Settings = None) -> None:
    """Print a method in full, as YAML that --method takes."""
    typer.echo(_loaded(name, settings).to_yaml(), nl=False)


@app.command()
def validate(name: MethodName, settings: Settings = None) -> None:
    """Check a method; what is wrong is named."""
    show(f"{_loaded(name, settings).label} is a method")


@app.command()
def parts(
    name: Annotated[str | None, argument("[FILE]", "A method, for those that it brings.")] = None,
    as_json: AsJson = False,
) -> None:
    """List all parts that a method can name: ramet's, of installed packages, and of a method's own files."""
    from ramet.method.parts import Library, described

    def row(part: dict[str, Any]) -> list[str]:
        return [part["kind"], part["name"], ", ".join(part["settings"]), part["description"], part["origin"]]

    found = [described(part) for part in Library(_loaded(name, None).parts if name else ()).listed()]
    show_all(found, as_json, ("kind", "name", "settings", "description", "from"), row)


def _loaded(name: str, settings: list[str] | None) -> "Method":
    from ramet.method.document.presets import load

    return load(method_source(name), pairs(settings, "--set"))
