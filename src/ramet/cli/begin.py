"""`ramet init`, a new system, and `ramet demo`: the whole main job on images that come with installed packages.

Read `demo` from top to bottom to see how the library is used: what it calls is what you would call.
"""

import shlex
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

import ramet
from ramet.base.errors import StoreError
from ramet.base.text import count, percent, plural
from ramet.cli.look import STATUS_LEGEND, status_table
from ramet.cli.options import argument, closed_at_the_end, option, share_cores
from ramet.cli.output import TextTable, say, show
from ramet.cli.progress import showing, watching

if TYPE_CHECKING:
    from ramet.results import TaskStatus
    from ramet.system import System

# What the demo is made of: all of its budget is here.
ROOT = "packaged"
TASKS: Mapping[str, str] = {
    "numerals": "demo:numerals",
    "digits": "demo:digits",
    "latin": "demo:latin-capitals",
    "greek": "demo:greek-small",
    "cyrillic": "demo:cyrillic-capitals",
    "georgian": "demo:georgian",
}
METHOD = "lean"
SETTINGS: Mapping[str, object] = {
    "budget.epochs": 10,
}
SEED = 0
PREDICTED_TASK, PREDICTED_IMAGES = "greek", 6

NAME = "ramet demo"
"""The name of the demo's system, by which it knows its own folder."""


def init(
    folder: Annotated[Path, argument("DIR", "Its folder; made if it is missing.")],
    root: Annotated[
        str,
        typer.Option(
            help="The transformer it grows from: packaged, random:vit_tiny_patch16@32x3, a timm .safetensors, a "
            "Hugging Face ViT folder, an AugReg .npz, hf:REPO, or system:DIR:TASK.",
        ),
    ] = "packaged",
    name: Annotated[str | None, typer.Option(help="Its name.", show_default="the folder's")] = None,
    seed: Annotated[int, typer.Option(help="Of a random root's draws.")] = 0,
    store: Annotated[
        str | None,
        option("URL", "Where its objects are kept: s3://bucket/prefix, or what else fsspec reads.", "its folder"),
    ] = None,
    catalog: Annotated[
        str | None,
        option(
            "URL",
            "Its catalog in PostgreSQL: postgresql://USER@HOST/NAME, the password in PGPASSWORD or ~/.pgpass.",
            "SQLite in its folder",
        ),
    ] = None,
) -> None:
    """Make a new system."""
    system = closed_at_the_end(ramet.init(folder, root, name=name, seed=seed, store=store, catalog=catalog))
    ((root_name, path),) = system.roots().items()
    shape = path.architecture
    show(
        f"{system.store.folder}: grows from {root_name} "
        f"({count(path.params)} parameters, {plural(shape.layers, 'layer')}, {shape.image_size} pixels)"
    )
    say(f"next: ramet -C {shlex.quote(str(folder))} task add NAME SOURCE")


def demo(folder: Annotated[Path, typer.Argument(metavar="DIR", help="Where to grow it.")] = Path("ramet-demo")) -> None:
    """See the whole of it in a few minutes: a system grows six tasks, with no network."""
    system = _system(folder)
    _say_step("Tasks: real images that come with installed packages")
    for name, source in TASKS.items():
        if name not in system.tasks:
            with showing() as steps:
                system.tasks.add(name, source, progress=steps)
        task = system.tasks[name]
        show(f"{name}: {plural(len(task.classes), 'class', 'classes')}, {plural(sum(task.splits.values()), 'image')}")
    _say_step(f"Evolution of {len(TASKS)} tasks by {METHOD}, one after the other")
    _evolve(system)
    _say_step("Test quality, and what each task costs")
    show(status_table(_statuses(system)))
    show(STATUS_LEGEND)
    _say_step("Predictions for test images")
    images = _write_images(system)
    predictions = system.predict(PREDICTED_TASK, list(images))
    rows = (
        [file.name, images[file], p.label, percent(p.probability)] for file, p in zip(images, predictions, strict=True)
    )
    show(TextTable(("image", "is", "predicted", "probability"), rows, right=("probability",)))
    _say_step("Parameters that tasks share (on the diagonal: all of a task's)")
    _show_sharing(system)
    _say_step("Nothing is forgotten: every object intact, every test quality measured again")
    with showing() as steps:
        faults = system.store.verify(progress=steps)
    for fault in faults:
        show(fault.problem)
    with showing() as steps:
        checks = system.verify_quality(progress=steps)
    if faults or not all(check.equal for check in checks):
        raise typer.Exit(1)
    show(f"all intact; {plural(len(checks), 'test quality', 'test qualities')} equal to the last digit")
    _say_step("Try next")
    place = shlex.quote(str(folder))
    for line in (
        f"ramet -C {place} predict {PREDICTED_TASK} {place}/images/*.png",
        f"ramet -C {place} show {PREDICTED_TASK}",
        f"ramet -C {place} lineage {list(TASKS)[-1]}",
        f"ramet -C {place} task add hebrew demo:hebrew && ramet -C {place} evolve hebrew",
    ):
        show(f"  {line}")


def _system(folder: Path) -> "System":
    """Return the demo's system, begun or as an earlier call left it; a folder of something else is refused."""
    if not (folder / "ramet.json").exists():
        return closed_at_the_end(ramet.init(folder, ROOT, name=NAME, seed=SEED))
    system = closed_at_the_end(ramet.open(folder))
    if system.store.name != NAME:
        raise StoreError(f"{folder} is a system of its own, not the demo's", "name another folder: `ramet demo DIR`")
    say(f"going on with {folder}")
    return system


def _statuses(system: "System") -> "list[TaskStatus]":
    return [status for status in system.status() if status.task in TASKS]


def _evolve(system: "System") -> None:
    from ramet.method.document.presets import load

    if all(status.path and not status.unfinished for status in _statuses(system)):
        show("done by an earlier call")
        return
    method = load(METHOD, SETTINGS)
    share_cores(method.budget.generation)
    with watching(len(TASKS)) as watcher:
        system.evolve(*TASKS, method=method, seed=SEED, observer=watcher)


def _write_images(system: "System") -> dict[Path, str]:
    """Write test images of some classes of a task as PNG files; return the names of their classes by the files."""
    from PIL import Image

    split, classes = system.examples(PREDICTED_TASK, "test"), system.tasks[PREDICTED_TASK].classes
    target = system.store.folder / "images"
    target.mkdir(exist_ok=True)
    written = {}
    for label in range(0, len(classes), len(classes) // PREDICTED_IMAGES)[:PREDICTED_IMAGES]:
        file = target / f"{PREDICTED_TASK}-{classes[label].replace(' ', '-')}.png"
        Image.fromarray(split.images[split.labels == label][0]).save(file)
        written[file] = classes[label]
    return written


def _show_sharing(system: "System") -> None:
    """Show a matrix: the parameters that the tasks of row and column both hold, and on the diagonal all of a task's."""
    shared, statuses = system.sharing(), _statuses(system)
    held = {status.task: status.params or 0 for status in statuses}

    def cell(row: str, column: str) -> str:
        if row == column:
            return count(held[row])
        return count(sum(c.size for c in shared.get((row, column), ())) or None)

    letters = {name: chr(ord("A") + i) for i, name in enumerate(TASKS)}
    rows = ([f"{letter} {row}", *(cell(row, column) for column in TASKS)] for row, letter in letters.items())
    show(TextTable(("task", *letters.values()), rows, right=list(letters.values())))
    together = sum(status.accounted_params or 0 for status in statuses)
    show(f"{count(together)} parameters together; separate models would hold {count(sum(held.values()))}")


def _say_step(title: str) -> None:
    show("", title, "=" * len(title))
