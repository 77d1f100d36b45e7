"""`ramet evaluate` and `ramet predict`: published paths at work."""

import csv
import io
import re
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ramet.base.errors import DataError, InvalidValue
from ramet.base.files import refusals, write_whole
from ramet.base.text import NOTHING, percent, plural
from ramet.cli.options import AsJson, Device, LearnedTask, argument, on_system, option
from ramet.cli.output import TextTable, points, say, show, show_json
from ramet.cli.progress import showing

if TYPE_CHECKING:
    from ramet.results import Details, Evaluation
    from ramet.system import System

NAMED = 10
"""Wrong images that are told of."""


@on_system
def evaluate(
    system: "System",
    tasks: Annotated[list[str] | None, argument("TASK", "The tasks.")] = None,
    all_tasks: Annotated[bool, typer.Option("--all", help="Every task that has a path.")] = False,
    split: Annotated[str, typer.Option(help="train, validation or test.")] = "test",
    details: Annotated[bool, typer.Option("--details", help="Tell of every class and of the worst images.")] = False,
    confusion: Annotated[Path | None, option("FILE", "Write a task's confusion matrix as CSV.")] = None,
    errors: Annotated[Path | None, option("DIR", "Write the images that are most wrong as PNG files.")] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Measure the accuracy of tasks' paths on a split."""
    if bool(tasks) == all_tasks:
        raise InvalidValue("evaluate takes tasks or --all", "name some tasks, or say --all without any")
    if confusion and len(tasks or ()) != 1:
        raise InvalidValue("--confusion is of one task", "name one task")
    with showing() as steps:
        found = system.evaluate(
            *tasks or (), split=split, details=bool(details or confusion or errors), device=device, progress=steps
        )
    if confusion and (known := found[0].details):
        names = [c.name for c in known.classes]
        counts = ([name, *row] for name, row in zip(names, known.confusion, strict=True))
        _write_csv(confusion, [["is / taken for", *names], *counts])
    if errors:
        for each in found:
            _write_errors(system, each, errors if len(found) == 1 else errors / each.task)
    if as_json:
        show_json(found)
    elif not found:
        say("no task has a path yet; train one with `ramet evolve TASK`")
    else:
        numbers = ("examples", "accuracy", "95 %")
        rows = (
            [e.task, e.path, e.split, f"{e.examples:,}", percent(e.accuracy), NOTHING.join(map(points, e.interval))]
            for e in found
        )
        show(TextTable(("task", "path", "split", *numbers), rows, right=numbers))
        for each in found:
            if details and each.details:
                _tell_details(each, each.details)
            if each.below_validation:
                say(
                    f"{each.task}: test {percent(each.accuracy)} is far below validation {percent(each.validation)}: "
                    "the test images may be of another kind, or the validation images too few or too like the trained"
                )
            for doubt in _doubts(system, each):
                say(f"{each.task}: {doubt}")


@on_system
def predict(
    system: "System",
    task: LearnedTask,
    images: Annotated[list[Path], argument("IMAGE", "Image files, and folders of such.")],
    top: Annotated[int, typer.Option(min=1, metavar="K", help="How many classes to tell of each image.")] = 3,
    table_file: Annotated[Path | None, option("FILE", "Write the answers as CSV.", False, "--csv")] = None,
    device: Device = "auto",
    as_json: AsJson = False,
) -> None:
    """Classify images; exit with 1 when some cannot be read."""
    files = _files(images)
    with showing() as steps:
        found = system.predict(task, files, device=device, skip_bad_images=len(files) > 1, progress=steps)
    if table_file:
        titles = [title for k in range(1, top + 1) for title in (f"class {k}", f"probability {k}")]
        answers = ([p.image, *(x for pair in p.probabilities[:top] for x in pair)] for p in found)
        _write_csv(table_file, [["image", *titles], *answers])
    if as_json:
        told = ((p.image, [{"class": c, "probability": x} for c, x in p.probabilities[:top]]) for p in found)
        show_json([{"image": image, "classes": classes} for image, classes in told])
    elif found and not table_file:
        then = (", ".join(f"{c} {percent(x)}" for c, x in p.probabilities[1:top]) for p in found)
        rows = ([p.image, p.label, percent(p.probability), rest] for p, rest in zip(found, then, strict=True))
        show(TextTable(("image", "class", "probability", "then"), rows, right=("probability",)))
    if len(found) < len(files):
        say(f"{len(files) - len(found)} of {plural(len(files), 'image')} cannot be read")
        raise typer.Exit(1)


def _files(named: Sequence[Path]) -> list[Path]:
    """Return the files named, and those images that the folders named hold, by name."""
    from ramet.tasks.sources.folder import SUFFIXES

    found: list[Path] = []
    for place in named:
        with refusals(f"cannot read {place}"):
            inside = sorted(place.rglob("*")) if place.is_dir() else None
        if inside is None:
            found.append(place)
            continue
        pictures = [file for file in inside if file.suffix.lower() in SUFFIXES and not file.name.startswith(".")]
        if not pictures:
            raise DataError(f"{place} holds no images", "name image files, or a folder of them")
        found += pictures
    return found


def _tell_details(found: "Evaluation", details: "Details") -> None:
    show("", f"{found.task}: balanced accuracy {percent(details.balanced_accuracy)}, macro-F1 {details.macro_f1:.3f}")
    numbers = ("examples", "accuracy", "precision", "F1")
    classes = details.classes
    rows = ([c.name, f"{c.examples:,}", percent(c.accuracy), percent(c.precision), f"{c.f1:.3f}"] for c in classes)
    show(TextTable(("class", *numbers), rows, right=numbers))
    if details.worst:
        images = ([f"{w.index}", w.label, w.predicted, percent(w.probability)] for w in details.worst[:NAMED])
        show("", TextTable(("image", "is", "taken for", "with"), images, right=("image", "with")))


def _doubts(system: "System", found: "Evaluation") -> Iterator[str]:
    """Yield the reasons, in the data, for which an accuracy says less than it seems to."""
    options = system.tasks[found.task].options
    if found.split == "train":
        return
    if missing := options[f"classes_without_{found.split}"]:
        names = ", ".join(missing[:NAMED]) + (", ..." if len(missing) > NAMED else "")
        yield f"{plural(len(missing), 'class has', 'classes have')} no {found.split} image: {names}"
    for pair, count in options["duplicates"].items():
        if count and found.split in pair.split("-"):
            where = pair.replace("-", " and in ")
            yield f"{plural(count, 'image is', 'images are')} in {where}, which is no test of what was not seen"


def _write_errors(system: "System", found: "Evaluation", folder: Path) -> None:
    from PIL import Image

    assert found.details is not None
    images = system.examples(found.task, found.split).images
    with refusals(f"cannot write to {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        for place, wrong in enumerate(found.details.worst, 1):
            names = (re.sub(r"[^\w-]+", "-", name) for name in (wrong.label, wrong.predicted))
            name = f"{place:02}-{'-taken-for-'.join(names)}-{wrong.index}.png"
            Image.fromarray(images[wrong.index]).save(folder / name)
    say(f"{plural(len(found.details.worst), 'image')} written to {folder}")


def _write_csv(file: Path, rows: Sequence[Sequence[object]]) -> None:
    text = io.StringIO()
    csv.writer(text, lineterminator="\n").writerows(rows)
    with refusals(f"cannot write {file}"):
        write_whole(file, text.getvalue().encode(errors="backslashreplace"))
    say(f"written to {file}")
