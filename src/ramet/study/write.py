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
from ramet.report import document as documents
from ramet.report.document import Part, page, pictures
from ramet.report.style import draw
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
    title, markdown = summary.design.title, output / "report.md"
    sections = "\n".join(f"## {part.title}\n\n{part.markdown(output, markdown)}" for part in made)
    numbers = json.dumps(plain(replace(summary, records=())), indent=1, ensure_ascii=False)
    write_whole(output / "report.json", f"{numbers}\n".encode())
    write_whole(markdown, f"# {title}\n\n{sections}".encode())
    write_whole(output / "report.html", page(title, made, output).encode())
    if document:
        text = document.read_text(encoding="utf-8")
        for part in (part_of(summary, place) for place in places):
            content = part.markdown(output, document) if part.blocks else f"{NOTHING_YET}\n"
            text = documents.filled(text, f"{name}:{part.name}", content)
        write_whole(document, text.encode())
    return summary


def plain(summary: Summary) -> dict[str, Any]:
    """Return a summary as JSON values; `design` is as its file's fields are."""
    return {**asdict(replace(summary, design=None)), "design": summary.design.model_dump(mode="json")}  # type: ignore[arg-type]


def wanted(text: str, name: str) -> tuple[str, ...]:
    """Return the parts that a document has places for, by the name of the results' folder.

    Raises:
        InvalidValue: it has none, or one for a part that there is not.
    """
    found = [mark.removeprefix(f"{name}:") for mark in documents.places(text, f"{name}:")]
    remedy = f"write <!-- {name}:PART --> and <!-- end of {name}:PART -->, PART being one of {', '.join(PARTS)}"
    if not found:
        raise InvalidValue(f"the document has no place for {name}", remedy)
    unknown = next((part for part in found if part not in PARTS), None)
    if unknown is not None:
        raise InvalidValue(f"there is no part {unknown!r} of a report", remedy)
    for part in found:
        documents.place(text, f"{name}:{part}")
    return tuple(found)


def _draw(summary: Summary, made: Sequence[Part], folder: Path) -> None:
    draw({name: partial(FIGURES[name], summary) for name in pictures(made)}, folder)
