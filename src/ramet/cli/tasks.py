"""`ramet task`: add, list, show and remove tasks."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table

from ramet.cli.options import AsJson, Folder, open_system, pairs
from ramet.cli.output import facts, plural, say, show_json, table
from ramet.cli.output import show as print_result
from ramet.cli.progress import progress_bar

if TYPE_CHECKING:
    from ramet.records import Task

NAMED_CLASSES = 40

app = typer.Typer(help="The tasks of a system.", no_args_is_help=True)

Name = Annotated[str, typer.Argument(metavar="NAME", help="The task.", show_default=False)]


@app.command()
def add(
    name: Annotated[str, typer.Argument(metavar="NAME", help="What to call it.", show_default=False)],
    source: Annotated[
        str,
        typer.Argument(
            metavar="SOURCE",
            help="A folder of class folders, csv:FILE, npz:FILE, hf:NAME, tfds:NAME or demo:NAME.",
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
        typer.Option(help="Keep larger images at this many pixels a side.", show_default="the root's image size"),
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
    with progress_bar("decoding") as bar:
        task = open_system(folder).add_task(
            name,
            source,
            validation=validation,
            test=test,
            max_side=max_side,
            skip_bad_images=skip_bad_images,
            progress=bar,
            **pairs(option, "--option"),
        )
    print_result(_described(task))
    say(f"next: ramet evolve {task.name}")


@app.command("list")
def list_(as_json: AsJson = False, folder: Folder = None) -> None:
    """All tasks with their sources and splits."""
    tasks = open_system(folder).tasks()
    if as_json:
        show_json(tasks)
    elif not tasks:
        say("no tasks yet; add one with `ramet task add NAME SOURCE`")
    else:
        numbers = ("classes", "train", "validation", "test")
        rows = ([task.name, *_counts(task), task.source] for task in tasks)
        print_result(table(("task", *numbers, "source"), rows, right=numbers))


@app.command()
def show(name: Name, as_json: AsJson = False, folder: Folder = None) -> None:
    """A task: its classes, its splits and how it was read."""
    task = open_system(folder).task(name)
    if as_json:
        show_json(task)
    else:
        print_result(_described(task))


@app.command()
def remove(
    name: Name,
    yes: Annotated[bool, typer.Option("--yes", "-y", help="Do not ask.")] = False,
    folder: Folder = None,
) -> None:
    """Take a task out of the system; what other tasks share with it stays."""
    system = open_system(folder)
    system.task(name)
    if not yes:
        typer.confirm(f"Remove task {name} and its published path?", abort=True, err=True)
    system.remove_task(name)
    print_result(f"removed {name}; `ramet gc` frees what nothing else holds")


def _counts(task: "Task") -> list[str]:
    return [f"{count:,}" for count in (len(task.classes), *dict(_splits(task)).values())]


def _named(classes: Sequence[str]) -> str:
    left = len(classes) - NAMED_CLASSES
    return ", ".join(classes[:NAMED_CLASSES]) + (f" and {left:,} more (--json lists all)" if left > 0 else "")


def _splits(task: "Task") -> list[tuple[str, int]]:
    """The sizes of the splits, in the order of their use."""
    return [(split, task.splits[split]) for split in ("train", "validation", "test")]


def _described(task: "Task") -> Table:
    height, width = task.options["size"]
    splits = ", ".join(f"{count:,} {split}" for split, count in _splits(task))
    return facts(
        [
            ("task", task.name),
            ("source", task.source),
            ("classes", f"{len(task.classes):,}: {_named(task.classes)}"),
            ("images", f"{splits}; {width} x {height} pixels"),
            ("skipped", f"{plural(task.options['bad_images'], 'image')} that cannot be decoded"),
            (
                "duplicates",
                f"{plural(task.options['train_test_duplicates'], 'test image')} that equal a training image",
            ),
            ("fingerprint", task.fingerprint[:16]),
        ]
    )
