"""`ramet task`: add, list, show and remove tasks, and see those of the papers."""

from collections.abc import Iterator, Sequence
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ramet.base.text import NOTHING, percent, plural
from ramet.cli.options import AsJson, Folder, argument, on_system, open_system, option, pairs
from ramet.cli.output import TextTable, at_once, facts, say, show_all, show_json
from ramet.cli.output import show as print_result
from ramet.cli.progress import showing

if TYPE_CHECKING:
    from ramet.base.records import Task
    from ramet.system import System

NAMED_IMAGES = 3
NAMED_CLASSES = 40

app = typer.Typer(help="The tasks of a system.", no_args_is_help=True)

Name = Annotated[str, argument("NAME", "The task.")]


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.", show_default=False)],
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A folder of class folders, csv:FILE, npz:FILE, hf:NAME, tfds:NAME, papers:NAME or demo:NAME.",
            show_default=False,
        ),
    ],
    validation: Annotated[
        float | None, typer.Option(help="Fraction of train for a missing validation split.", show_default="0.05")
    ] = None,
    test: Annotated[
        float | None, typer.Option(help="Fraction of train for a missing test split.", show_default="0.05")
    ] = None,
    max_side: Annotated[
        int | None,
        typer.Option(
            help="Keep larger images at this many pixels a side.", show_default="8/7 of the root's image size"
        ),
    ] = None,
    skip_bad_images: Annotated[
        bool, typer.Option("--skip-bad-images", help="Leave out images that cannot be decoded, and count them.")
    ] = False,
    option: Annotated[
        list[str] | None,
        typer.Option(
            metavar="KEY=VALUE", help="An option of the source, such as label=fine_label.", show_default=False
        ),
    ] = None,
    folder: Folder = None,
) -> None:
    """Add a task and decode its images into the system's cache."""
    with showing() as steps:
        task = open_system(folder).tasks.add(
            name,
            source,
            validation=validation,
            test=test,
            max_side=max_side,
            skip_bad_images=skip_bad_images,
            progress=steps,
            **pairs(option, "--option"),
        )
    print_result(_described(task))
    say(f"next: ramet evolve {task.name}")


@app.command("list")
@on_system
def list_(system: "System", as_json: AsJson = False) -> None:
    """List all tasks with their sources and splits."""
    numbers = ("classes", "train", "validation", "test")
    none = "no tasks yet; add one with `ramet task add NAME SOURCE`"
    show_all(list(system.tasks), as_json, ("task", *numbers, "source"), _row, right=numbers, none=none)


@app.command()
@on_system
def show(system: "System", name: Name, as_json: AsJson = False) -> None:
    """Show a task: its classes, its splits and how it was read."""
    task = system.tasks[name]
    if as_json:
        show_json(task)
    else:
        print_result(_described(task))


@app.command()
@on_system
def remove(
    system: "System", name: Name, yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False
) -> None:
    """Take a task out of the system; what other tasks share with it stays."""
    system.tasks[name]
    if not yes:
        with at_once():
            typer.confirm(f"Remove task {name} and its published path?", abort=True, err=True)
    system.tasks.remove(name)
    print_result(f"removed {name}; `ramet gc` frees what nothing else holds")


@app.command()
def papers(
    suite: Annotated[str | None, option("NAME", "Only mccb, vdd, vtab-1k, vtab-full, tfds or large-124.")] = None,
    data: Annotated[
        Path | None, option("DIR", "Where tfds prepares data sets.", "TFDS_DATA_DIR, or the default of tfds")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """List the tasks of the papers; `ramet task add NAME papers:TASK` adds one."""
    from ramet.tasks.papers import entries, is_prepared, members

    found = members(suite) if suite else list(entries().values())
    prepared = [is_prepared(entry, data) for entry in found]
    if as_json:
        show_json([asdict(entry) | {"prepared": here} for entry, here in zip(found, prepared, strict=True)])
        return
    rows = [
        [
            entry.name,
            entry.suite,
            str(entry.classes or NOTHING),
            percent(entry.reported_test_accuracy),
            "prepared" if here else NOTHING,
            "the same" if entry.dataset == entry.name else entry.dataset,
            " / ".join(dict.fromkeys((entry.train, entry.validation, entry.test))),
        ]
        for entry, here in zip(found, prepared, strict=True)
    ]
    columns = ("task", "suite", "classes", "published", "data", "data set", "splits")
    print_result(TextTable(columns, rows, right=("classes", "published")))
    say(f"{plural(len(found), 'task')}, the data of {sum(prepared)} prepared")
    say("next: ramet task add NAME papers:TASK")


def _row(task: "Task") -> list[str]:
    sizes = (len(task.classes), *(count for _, count in _splits(task)))
    return [task.name, *(f"{size:,}" for size in sizes), task.source]


def _named(classes: Sequence[str]) -> str:
    left = len(classes) - NAMED_CLASSES
    return ", ".join(classes[:NAMED_CLASSES]) + (f" and {left:,} more (--json lists all)" if left > 0 else "")


def _splits(task: "Task") -> list[tuple[str, int]]:
    """Return the sizes of the splits, in the order of their use."""
    return [(split, task.splits[split]) for split in ("train", "validation", "test")]


def _described(task: "Task") -> Table:
    height, width = task.options["size"]
    splits = ", ".join(f"{count:,} {split}" for split, count in _splits(task))
    return facts(
        {
            "task": task.name,
            "source": task.source,
            "classes": f"{len(task.classes):,}: {_named(task.classes)}",
            "images": f"{splits}; {width} x {height} pixels",
            **dict(_found(task)),
            "fingerprint": task.fingerprint[:16],
        }
    )


def _found(task: "Task") -> Iterator[tuple[str, str]]:
    """Yield what was noticed while a task's images were read: a line a kind, those that are always told first."""
    options = task.options
    named = "".join(f"; {identifier}: {why}" for identifier, why in [*options["skipped"].items()][:NAMED_IMAGES])
    yield "skipped", f"{plural(options['bad_images'], 'image')} that cannot be decoded{named}"
    both = [f"{n:,} between {pair.replace('-', ' and ')}" for pair, n in options["duplicates"].items() if n]
    yield "duplicates", f"equal images {', '.join(both)}" if both else "no image is in two splits"
    if options["passed_over"]:
        passed = ", ".join(f"{count:,} {what}" for what, count in options["passed_over"].items())
        yield "passed over", f"{passed}: no pictures by their names"
    for split in ("images", "validation", "test"):
        if classes := options[f"classes_without_{split}"]:
            yield f"no {split}", f"of {plural(len(classes), 'class', 'classes')}: {_named(classes)}"
