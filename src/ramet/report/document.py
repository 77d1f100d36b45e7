"""What a report is made of: parts of texts, tables and figures, as Markdown, in places of a document, or as a page."""

import os
import re
from collections.abc import Sequence
from dataclasses import dataclass
from html import escape
from importlib import resources
from pathlib import Path

from ramet.base.errors import InvalidValue
from ramet.report.style import FAINT, INK, PAPER


@dataclass(frozen=True, slots=True)
class Table:
    """Cells in rows, the first `left` columns flush left and the others flush right."""

    columns: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    left: int = 1

    def markdown(self) -> str:
        """Return it as GitHub renders it."""
        rule = ["---" if i < self.left else "---:" for i in range(len(self.columns))]
        lines = [map(_cell, self.columns), rule, *(map(_cell, row) for row in self.rows)]
        return "\n".join(f"| {' | '.join(line)} |" for line in lines)

    def turned(self) -> "Table":
        """Return its rows as columns."""
        columns, *rows = zip(self.columns, *self.rows, strict=True)
        return Table(columns, tuple(rows))


@dataclass(frozen=True, slots=True)
class Picture:
    """A figure by the name of its files, with what one sees on it."""

    name: str
    caption: str


Block = str | Table | Picture


@dataclass(frozen=True, slots=True)
class Part:
    """A piece of a report that stands alone. Its texts may hold `code` and **emphasis**."""

    name: str
    title: str
    blocks: tuple[Block, ...]

    def markdown(self, figures: Path, document: Path) -> str:
        """Return what a document shows of it, figures being in a folder: the title is left to the document."""
        where = Path(os.path.relpath(figures, document.parent)).as_posix()

        def text(block: Block) -> str:
            if isinstance(block, Picture):
                return f"![{block.caption}]({where}/{block.name}.svg)"
            return block.markdown() if isinstance(block, Table) else block

        return "\n\n".join(map(text, self.blocks)) + "\n"


def pictures(parts: Sequence[Part]) -> list[str]:
    """Return the names of the figures that parts show."""
    return [block.name for part in parts for block in part.blocks if isinstance(block, Picture)]


def _cell(text: str) -> str:
    """Return a text that ends no cell and begins no tag."""
    return re.sub(r"\s+", " ", text).replace("|", "\\|").replace("<", "&lt;")


def filled(text: str, name: str, content: str) -> str:
    """Return a Markdown text with the content between `<!-- NAME -->` and `<!-- end of NAME -->`.

    Raises:
        InvalidValue: the text has no such place.
    """
    start, end = place(text, name)
    return f"{text[:start]}\n{content}{text[end:]}"


def place(text: str, name: str) -> tuple[int, int]:
    """Return where the content of that name is: from behind its first mark up to its last.

    Raises:
        InvalidValue: the text has no such place.
    """
    first, last = f"<!-- {name} -->", f"<!-- end of {name} -->"
    found = re.search(f"(?<={re.escape(first)}).*?(?={re.escape(last)})", text, re.DOTALL)
    if found is None:
        raise InvalidValue(f"the text has no place for {name}", f"write {first} and {last} where it shall be")
    return found.span()


def places(text: str, prefix: str) -> list[str]:
    """Return the names with that prefix that the text has first marks of, as they come."""
    return re.findall(rf"<!-- ({re.escape(prefix)}\S*) -->", text)


def page(heading: str, parts: Sequence[Part], figures: Path) -> str:
    """Return an HTML page that stands alone: the figures, SVGs of a folder, within it; no script, nothing fetched."""
    from jinja2 import Environment, PackageLoader
    from markupsafe import Markup

    environment = Environment(loader=PackageLoader("ramet", "report"), autoescape=True, keep_trailing_newline=True)
    environment.filters["marked"] = lambda text: Markup(marked(text))
    return environment.get_template("page.html").render(
        heading=heading,
        parts=parts,
        numbers=Markup(' class="n"'),
        style=Markup(resources.files(__package__).joinpath("page.css").read_text(encoding="utf-8")),
        drawing=lambda picture: Markup(inlined((figures / f"{picture.name}.svg").read_text(encoding="utf-8"), picture)),
    )


def marked(text: str) -> str:
    """Return a text as HTML, with its `code` and **emphasis**, that may be broken behind a slash."""
    with_code = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False).replace("/", "/<wbr>"))
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", with_code)


def inlined(svg: str, picture: Picture) -> str:
    """Return a figure's SVG as part of a page: ids of its own, and the page's colours for text, lines, background."""
    drawing = re.sub(r"\s*<metadata>.*?</metadata>", "", svg[svg.index("<svg") :].strip(), flags=re.DOTALL)
    drawing = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{picture.name}-", drawing)
    for colour, here in ((INK, "currentColor"), (FAINT, "var(--faint)"), (PAPER, "var(--paper)")):
        drawing = drawing.replace(colour, here)
    return drawing.replace("<svg", f'<svg role="img" aria-label="{escape(picture.caption)}"', 1)
