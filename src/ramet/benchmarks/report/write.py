"""Writes a report: Markdown, JSON, figures and a page, and its parts into a document."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

from ramet.base.errors import InvalidValue
from ramet.benchmarks import marks
from ramet.benchmarks.report.contents import PARTS, parts
from ramet.benchmarks.report.figures import draw
from ramet.benchmarks.report.runs import read_runs
from ramet.benchmarks.report.summary import Summary, summarise
from ramet.report.page import page
from ramet.report.tables import Part, Picture


def write_report(folder: Path, output: Path, document: Path | None = None) -> tuple[Summary, tuple[Part, ...]]:
    """Report on the records of a folder; the parts that the document has places for are put there.

    Raises:
        DataError: there are no records, or one is damaged.
        InvalidValue: the document has no place for this folder's name, or one for a part that there is not.
    """
    summary, name = summarise(read_runs(folder)), folder.resolve().name
    made = parts(summary)
    places = wanted(document.read_text(encoding="utf-8"), name) if document else ()
    output.mkdir(parents=True, exist_ok=True)
    draw(summary, [block.name for part in made for block in part.blocks if isinstance(block, Picture)], output)
    _write(output / "report.json", json.dumps(asdict(summary), indent=1, ensure_ascii=False) + "\n")
    _write(output / "report.md", markdown(summary, made, output))
    _write(output / "report.html", page(summary.terms.title, made, output))
    if document:
        _write(document, filled(document, places, name, made, output))
    return summary, made


def markdown(summary: Summary, made: Sequence[Part], output: Path) -> str:
    """The whole report as one text, figures beside it."""
    sections = (f"## {part.title}\n\n{part.markdown(output, output / 'report.md')}" for part in made)
    return f"# {summary.terms.title}\n\n" + "\n".join(sections)


def wanted(text: str, name: str) -> tuple[str, ...]:
    """The parts that a document has places for, by the name of the results' folder.

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


def filled(document: Path, places: Sequence[str], name: str, made: Sequence[Part], output: Path) -> str:
    """A document's text with these parts in their places."""
    text = document.read_text(encoding="utf-8")
    for part in made:
        if part.name in places:
            text = marks.filled(text, f"{name}:{part.name}", part.markdown(output, document))
    return text


def _write(file: Path, text: str) -> None:
    file.write_text(text, encoding="utf-8")
