import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ramet.report.page import inlined
from ramet.report.tables import Picture
from ramet.study.parts import PARTS

VOID = {"meta", "wbr", "br", "img", "link"}


class Reader(HTMLParser):
    """Checks that every element is closed, and collects ids, references and headings."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src", "xlink:href", "srcset", "action"):
                self.references.append(value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def html(reported: Path) -> str:
    return (reported / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


def test_every_element_is_closed(read: Reader) -> None:
    assert read.open == []


def test_the_page_stands_alone(read: Reader, html: str) -> None:
    assert read.references
    assert all(reference.startswith("#") for reference in read.references)
    assert not {"script", "link", "img", "iframe"} & read.tags
    assert not re.search(r"@import|url\((?!#)", html)


def test_ids_are_unique_and_references_lead_somewhere(read: Reader, html: str) -> None:
    assert len(read.ids) == len(set(read.ids))
    used = {reference[1:] for reference in read.references} | set(re.findall(r"url\(#([^)]+)\)", html))
    assert used <= set(read.ids)
    assert set(PARTS) - {"score", "faults"} <= set(read.ids)


def test_figures_take_the_colours_of_the_page(html: str) -> None:
    assert html.count("<svg") == 8
    assert not re.search("#1c2024|#d3d8de|#fefefe", html.partition("</style>")[2])
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html


def test_texts_are_escaped_and_marked(html: str) -> None:
    assert "<code>ramet benchmark run tiny --seeds 3</code>" in html
    assert '<th class="n">emnist/<wbr>digits</th>' in html


def test_a_drawing_is_made_part_of_a_page() -> None:
    content = '<metadata>x\n</metadata><use href="#a" style="fill: url(#a)"/>#1c2024'
    svg = f'<?xml version="1.0"?>\n<svg id="a">{content}</svg>\n'
    assert inlined(svg, Picture("size", 'How "large"')) == (
        '<svg role="img" aria-label="How &quot;large&quot;" id="size-a">'
        '<use href="#size-a" style="fill: url(#size-a)"/>currentColor</svg>'
    )
