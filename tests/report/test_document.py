from pathlib import Path

import pytest

from ramet.base.errors import InvalidValue
from ramet.report.document import Part, Picture, Table, filled, inlined, place, places

TABLE = Table(("method", "a"), (("one", "1"), ("a | <b>\nc", "2")))
TEXT = "# Title\n<!-- a:one -->\nold\n<!-- end of a:one -->\n<!-- a:two --><!-- end of a:two -->\n<!-- b.one -->\n"


def test_no_cell_ends_another_or_begins_a_tag() -> None:
    assert TABLE.markdown() == "| method | a |\n| --- | ---: |\n| one | 1 |\n| a \\| &lt;b> c | 2 |"


def test_a_table_can_be_turned() -> None:
    assert TABLE.turned() == Table(("method", "one", "a | <b>\nc"), (("a", "1", "2"),))
    assert TABLE.turned().turned() == TABLE


def test_a_part_names_its_figures_as_seen_from_the_document() -> None:
    part = Part("size", "Size", ("Words.", TABLE, Picture("size", "How large")))
    assert part.markdown(Path("docs/results/mccb"), Path("docs/results.md")) == (
        f"Words.\n\n{TABLE.markdown()}\n\n![How large](results/mccb/size.svg)\n"
    )


def test_content_takes_the_place_between_its_marks() -> None:
    once = filled(TEXT, "a:one", "new\n")
    assert once == TEXT.replace("old\n", "new\n")
    assert filled(once, "a:one", "new\n") == once
    assert TEXT[slice(*place(TEXT, "a:two"))] == ""


@pytest.mark.parametrize("name", ["a:three", "b.one", "a.one"])
def test_a_text_without_the_place_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue, match=f"no place for {name}; write <!-- {name} --> and <!-- end of {name} -->"):
        place(TEXT, name)


@pytest.mark.parametrize(("prefix", "found"), [("a:", ["a:one", "a:two"]), ("b.", ["b.one"]), ("c:", [])])
def test_places(prefix: str, found: list[str]) -> None:
    assert places(TEXT, prefix) == found


def test_a_drawing_is_made_part_of_a_page() -> None:
    content = '<metadata>x\n</metadata><use href="#a" style="fill: url(#a)"/>#1c2024'
    svg = f'<?xml version="1.0"?>\n<svg id="a">{content}</svg>\n'
    assert inlined(svg, Picture("size", 'How "large"')) == (
        '<svg role="img" aria-label="How &quot;large&quot;" id="size-a">'
        '<use href="#size-a" style="fill: url(#size-a)"/>currentColor</svg>'
    )
