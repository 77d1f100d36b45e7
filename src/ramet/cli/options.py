"""The options that several commands have in common, and the texts that become values."""

import re
import shlex
from collections.abc import Callable
from contextvars import ContextVar
from functools import wraps
from inspect import Parameter, Signature, signature
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

import ramet
from ramet.base.errors import InvalidValue
from ramet.cli.output import hint_with

if TYPE_CHECKING:
    from ramet.system import System

SYSTEM_VARIABLE = "RAMET_SYSTEM"
BRANCH_VARIABLE = "RAMET_BRANCH"

_context: ContextVar[typer.Context | None] = ContextVar("context", default=None)
"""The context of what was given before the command, until it ends."""


def keep_given(context: typer.Context) -> None:
    """Keep what was given before the command."""
    hint_with("")
    _context.set(context)


def _chosen(context: typer.Context, folder: Path | None) -> Path:
    """Return the folder named behind the command, else before it (or by RAMET_SYSTEM), else the current one."""
    root = context.find_root()
    named = root.params["folder"] if folder is None and _was_typed(root, "folder") else folder
    words = [] if named is None else ["-C", str(named)]
    if _was_typed(root, "branch"):
        words += ["-b", root.params["branch"]]
    hint_with("".join(f"{shlex.quote(word)} " for word in words))
    return folder or root.params.get("folder") or Path()


def _was_typed(root: Any, name: str) -> bool:
    source = root.get_parameter_source(name)
    return bool(source and source.name == "COMMANDLINE")


def argument(metavar: str, help: str, default: str | bool = False) -> Any:
    """Return what Typer is to know of an argument; default is how the help tells it."""
    return typer.Argument(metavar=metavar, help=help, show_default=default)


def option(metavar: str, help: str, default: str | bool = False, *names: str, **limits: Any) -> Any:
    """Return what Typer is to know of an option (see argument); its name is the parameter's where none is given."""
    return typer.Option(*names, metavar=metavar, help=help, show_default=default, **limits)


Folder = Annotated[
    Path | None,
    typer.Option(
        "-C",
        metavar="DIR",
        callback=_chosen,
        show_default=False,
        help=f"The system's folder, else {SYSTEM_VARIABLE} or the current folder.",
    ),
]
AsJson = Annotated[bool, typer.Option("--json", help="Print only JSON on stdout.")]
Device = Annotated[str, typer.Option("--device", help="auto, cpu, cuda or cuda:N.")]
Settings = Annotated[
    list[str] | None,
    option(
        "KEY=VALUE",
        "Change a field of the method, such as budget.cycles=2 or opt.lr=[0.01,0.02]. May be repeated.",
        False,
        "--set",
    ),
]
Jobs = Annotated[
    int | None, typer.Option(min=1, help="Branches at a time.", show_default="1; one a GPU where there are several")
]
Limit = Annotated[int | None, typer.Option(min=1, max=2**31, help="Only the last ones.", show_default="all")]
LearnedTask = Annotated[str, argument("TASK", "A task that has a path.")]


def on_system(command: Callable[..., None]) -> Callable[..., None]:
    """Return a command for Typer with -C as its last option; its first argument is the system that -C names."""
    others = [*signature(command).parameters.values()][1:]
    named = Parameter("folder", Parameter.KEYWORD_ONLY, default=None, annotation=Folder)

    @wraps(command)
    def run(folder: Path | None, **given: Any) -> None:
        command(open_system(folder), **given)

    run.__signature__ = Signature([*others, named])  # type: ignore[attr-defined]
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in (*others, named)}
    return run


def open_system(folder: Path | None) -> "System":
    """Return the system that -C names, on the branch that -b names before the command, else on the folder's."""
    context = _context.get()
    return closed_at_the_end(ramet.open(folder or Path(), context.params["branch"] if context else None))


def closed_at_the_end(system: "System") -> "System":
    """Close a system when the command ends, so that nothing is left beside the database's file; return it."""
    if context := _context.get():
        context.call_on_close(system.close)
    return system


_cores = 0


def share_cores(children: int) -> None:
    """Give each of the children that a method trains side by side an even share of the cores, once for the process.

    A child's bits then do not depend on how many siblings it really has: the last bits of a sum depend on threads.
    """
    import torch

    global _cores
    _cores = _cores or torch.get_num_threads()
    torch.set_num_threads(max(1, _cores // children))


def listed(text: str) -> list[str]:
    """Return the names in a text such as `A,B`."""
    return [name.strip() for name in text.split(",") if name.strip()]


def pairs(texts: list[str] | None, option: str) -> dict[str, str]:
    """Return what `KEY=VALUE` texts say.

    Raises:
        InvalidValue: one has no `=` or no key.
    """
    split = [(text, *text.partition("=")) for text in texts or ()]
    for text, key, equals, _ in split:
        if not key or not equals:
            raise InvalidValue(f"{option} {text!r} is not KEY=VALUE", f"write it as {option} key=value")
    return {key.strip(): value.strip() for _, key, _, value in split}


def method_source(name: str) -> str | Path:
    """Return a method as the library takes it: a YAML file's path, or a preset's name as it is."""
    file = Path(name).expanduser()
    return file if file.suffix.lower() in (".yaml", ".yml") else name


_DURATION = re.compile(r"(?:(\d+(?:\.\d+)?)h)?(?:(\d+(?:\.\d+)?)m)?(?:(\d+(?:\.\d+)?)s?)?")


def seconds(duration: str) -> float:
    """Return the seconds of `90`, `90s`, `30m`, `1.5h` or `1h30m`.

    Raises:
        InvalidValue: it is none of these, or no time at all.
    """
    match = _DURATION.fullmatch(duration.strip().lower())
    hours, minutes, rest = (float(group or 0) for group in match.groups()) if match else (0.0, 0.0, 0.0)
    total = 3600 * hours + 60 * minutes + rest
    if total <= 0:
        raise InvalidValue(f"--time-limit {duration!r} is no time", "write it as 90s, 30m or 1h30m")
    return total
