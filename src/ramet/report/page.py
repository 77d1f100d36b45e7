"""A report as one HTML page that stands alone: its figures within it, no script, nothing that is fetched."""

import re
from collections.abc import Sequence
from html import escape
from importlib import resources
from pathlib import Path

from ramet.report.style import FAINT, INK, PAPER
from ramet.report.tables import Part, Picture


def page(heading: str, parts: Sequence[Part], figures: Path) -> str:
    """Return the page, with the figures that a folder holds as SVG."""
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
