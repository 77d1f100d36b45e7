"""Writes a report: one page, or a folder of Markdown, JSON, figures and the page; and its parts into a document."""

import json
from collections.abc import Sequence
from dataclasses import asdict, replace
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from ramet.base.errors import InvalidValue
from ramet.base.files import write_whole
from ramet.report import marks
from ramet.report.page import page
from ramet.report.style import draw
from ramet.report.tables import Part, Picture
from ramet.study.figures import FIGURES
from ramet.study.parts import NOTHING_YET, PARTS, part_of, parts
from ramet.study.record import read
from ramet.study.summary import Summary, summarise


def write_page(summary: Summary, file: Path) -> None:
    """Write the report as one HTML page that stands alone.

    Raises:
        StoreError: it cannot be written.
    """
    made = parts(summary)
    with TemporaryDirectory() as folder:
        _draw(summary, made, Path(folder))
        text = page(summary.design.title, made, Path(folder))
    write_whole(file, text.encode())


def write_report(folder: Path, output: Path, document: Path | None = None) -> Summary:
    """Report on the records of a folder; the parts that the document has places for are put there.

    Raises:
        DataError: there are no records, or one is damaged.
        InvalidValue: the document has no place for this folder's name, or one for a part that there is not.
    """
    summary, name = summarise(read(folder)), folder.resolve().name
    places = wanted(document.read_text(encoding="utf-8"), name) if document else ()
    made = parts(summary)
    output.mkdir(parents=True, exist_ok=True)
    _draw(summary, made, output)
    text = json.dumps(plain(replace(summary, records=())), indent=1, ensure_ascii=False) + "\n"
    write_whole(output / "report.json", text.encode())
    write_whole(output / "report.md", markdown(summary, made, output).encode())
    write_whole(output / "report.html", page(summary.design.title, made, output).encode())
    if document:
        write_whole(document, filled(document, places, name, summary, output).encode())
    return summary


def markdown(summary: Summary, made: Sequence[Part], output: Path) -> str:
    """Return the whole report as one text, figures beside it."""
    sections = (f"## {part.title}\n\n{part.markdown(output, output / 'report.md')}" for part in made)
    return f"# {summary.design.title}\n\n" + "\n".join(sections)


def plain(summary: Summary) -> dict[str, Any]:
    """Return a summary as JSON values; `design` is as its file's fields are."""
    return {**asdict(replace(summary, design=None)), "design": summary.design.model_dump(mode="json")}  # type: ignore[arg-type]


def wanted(text: str, name: str) -> tuple[str, ...]:
    """Return the parts that a document has places for, by the name of the results' folder.

    Raises:
        InvalidValue: it has none, or one for a part that there is not.
    """
    found = [mark.removeprefix(f"{name}:") for mark in marks.names(text, f"{name}:")]
    remedy = f"write <!-- {name}:PART --> and <!-- end of {name}:PART -->, PART being one of {', '.join(PARTS)}"
    if not found:
        raise InvalidValue(f"the document has no place for {name}", remedy)
    unknown = next((part for part in found if part not in PARTS), None)
    if unknown is not None:
        raise InvalidValue(f"there is no part {unknown!r} of a report", remedy)
    for part in found:
        marks.place(text, f"{name}:{part}")
    return tuple(found)


def filled(document: Path, places: Sequence[str], name: str, summary: Summary, output: Path) -> str:
    """Return a document's text with these parts in their places."""
    text = document.read_text(encoding="utf-8")
    for place in places:
        part = part_of(summary, place)
        content = part.markdown(output, document) if part.blocks else f"{NOTHING_YET}\n"
        text = marks.filled(text, f"{name}:{place}", content)
    return text


def _draw(summary: Summary, made: Sequence[Part], folder: Path) -> None:
    names = [block.name for part in made for block in part.blocks if isinstance(block, Picture)]
    draw({name: partial(FIGURES[name], summary) for name in names}, folder)
