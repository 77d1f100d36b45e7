"""A report as one HTML page that stands alone: its figures within it, no script, nothing that is fetched."""

import re
from collections.abc import Sequence
from html import escape
from importlib import resources
from pathlib import Path

from ramet.report.style import FAINT, INK, PAPER
from ramet.report.tables import Part, Picture, Table


def page(heading: str, parts: Sequence[Part], figures: Path) -> str:
    """The page, with the figures that a folder holds as SVG."""
    title = escape(heading)
    links = "".join(f'<a href="#{part.name}">{escape(part.title)}</a>' for part in parts)
    sections = "\n".join(_section(part, figures) for part in parts)
    style = resources.files(__package__).joinpath("page.css").read_text(encoding="utf-8")
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<meta name="color-scheme" content="light dark">
<title>{title}</title>
<style>
{style}</style>
</head>
<body>
<header>
<h1>{title}</h1>
<nav>{links}</nav>
</header>
<main>
{sections}
</main>
</body>
</html>
"""


def _section(part: Part, figures: Path) -> str:
    blocks = "\n".join(_block(block, figures) for block in part.blocks)
    return f'<section id="{part.name}">\n<h2>{escape(part.title)}</h2>\n{blocks}\n</section>'


def _block(block: str | Table | Picture, figures: Path) -> str:
    if isinstance(block, Table):
        return _table(block)
    if isinstance(block, Picture):
        drawing = inlined((figures / f"{block.name}.svg").read_text(encoding="utf-8"), block)
        return f"<figure>\n{drawing}\n<figcaption>{escape(block.caption)}</figcaption>\n</figure>"
    return f"<p>{_text(block)}</p>"


def _table(table: Table) -> str:
    def row(cells: Sequence[str], tag: str) -> str:
        sides = ["" if i < table.left else ' class="n"' for i in range(len(cells))]
        return "<tr>" + "".join(f"<{tag}{s}>{_text(c)}</{tag}>" for s, c in zip(sides, cells, strict=True)) + "</tr>"

    head = f"<thead>{row(table.columns, 'th')}</thead>\n" if any(table.columns) else ""
    body = "\n".join(row(cells, "td") for cells in table.rows)
    return f'<div class="wide"><table>\n{head}<tbody>\n{body}\n</tbody>\n</table></div>'


def _text(text: str) -> str:
    """A text with its `code` and **emphasis**, that may be broken behind a slash."""
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", escape(text, quote=False).replace("/", "/<wbr>"))
    return re.sub(r"\*\*(.+?)\*\*", r"<strong>\1</strong>", marked)


def inlined(svg: str, picture: Picture) -> str:
    """A figure's SVG as part of a page: ids of its own, and the page's colours for text, lines and background."""
    drawing = re.sub(r"\s*<metadata>.*?</metadata>", "", svg[svg.index("<svg") :].strip(), flags=re.DOTALL)
    drawing = re.sub(r'(\bid="|href="#|url\(#)', rf"\g<1>{picture.name}-", drawing)
    for colour, here in ((INK, "currentColor"), (FAINT, "var(--faint)"), (PAPER, "var(--paper)")):
        drawing = drawing.replace(colour, here)
    label = f'<svg role="img" aria-label="{escape(picture.caption)}"'
    return drawing.replace("<svg", label, 1)
