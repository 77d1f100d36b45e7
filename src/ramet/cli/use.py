"""`ramet evaluate` and `ramet predict`: published paths at work."""

from pathlib import Path
from typing import Annotated

import typer

from ramet.base.errors import InvalidValue
from ramet.base.text import percent
from ramet.cli.options import AsJson, Device, Folder, open_system
from ramet.cli.output import say, show, show_json, table
from ramet.cli.progress import showing


def evaluate(
    tasks: Annotated[list[str] | None, typer.Argument(metavar="TASK", help="The tasks.", show_default=False)] = None,
    all_tasks: Annotated[bool, typer.Option("--all", help="Every task that has a path.")] = False,
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
    device: Device = "auto",
    as_json: AsJson = False,
    folder: Folder = None,
) -> None:
    """Measure the accuracy of tasks' paths on a split."""
    if bool(tasks) == all_tasks:
        raise InvalidValue("evaluate takes tasks or --all", "name some tasks, or say --all without any")
    system = open_system(folder)
    with showing() as steps:
        found = system.evaluate(*tasks or (), split=split, device=device, progress=steps)
    if as_json:
        show_json(found)
    elif not found:
        say("no task has a path yet; learn one with `ramet evolve TASK`")
    else:
        rows = ([e.task, e.path, e.split, f"{e.examples:,}", percent(e.accuracy)] for e in found)
        show(table(("task", "path", "split", "examples", "accuracy"), rows, right=("examples", "accuracy")))


def predict(
    task: Annotated[str, typer.Argument(metavar="TASK", help="A task that has a path.", show_default=False)],
    images: Annotated[list[Path], typer.Argument(metavar="IMAGE", help="Image files.", show_default=False)],
    top: Annotated[int, typer.Option(min=1, metavar="K", help="How many classes to tell of each image.")] = 3,
    device: Device = "auto",
    as_json: AsJson = False,
    folder: Folder = None,
) -> None:
    """Classify images: the likeliest classes with their probabilities."""
    system = open_system(folder)
    predictions = system.predict(task, images, device=device)
    if as_json:
        show_json(
            [
                {"image": p.image, "classes": [{"class": c, "probability": x} for c, x in p.probabilities[:top]]}
                for p in predictions
            ]
        )
        return
    rows = (
        [p.image, p.label, percent(p.probability), ", ".join(f"{c} {percent(x)}" for c, x in p.probabilities[1:top])]
        for p in predictions
    )
    show(table(("image", "class", "probability", "then"), rows, right=("probability",)))
