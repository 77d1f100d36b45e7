import json
import math
import unicodedata
from dataclasses import dataclass
from io import StringIO

import pytest
from hypothesis import given
from hypothesis import strategies as st
from rich.console import Console, RenderableType

from ramet.base.text import percent
from ramet.cli.output import TextTable, plain, printable, setting, size


@pytest.mark.parametrize(
    ("call", "text"),
    [
        (lambda: percent(0.8749), "87.5%"),
        (lambda: percent(None), "–"),
        (lambda: percent(math.nan), "–"),
        (lambda: size(0), "0 B"),
        (lambda: size(5_870_000), "5.87 MB"),
        (lambda: setting(True), "true"),
        (lambda: setting(0.01), "0.01"),
    ],
)
def test_values_as_text(call: object, text: str) -> None:
    assert callable(call)
    assert call() == text


@dataclass(frozen=True)
class Record:
    value: object


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
        lambda inner: (
            st.lists(inner) | st.dictionaries(st.text(), inner) | inner.map(Record) | inner.map(lambda x: (x,))
        ),
    )
)
def test_any_record_is_json_without_nan(value: object) -> None:
    json.dumps(plain(value), allow_nan=False)


def test_records_become_objects_and_nan_null() -> None:
    assert plain([Record((math.nan, 1.5)), {"a": -math.inf}]) == [{"value": [None, 1.5]}, {"a": None}]


CELL = st.text(st.characters(categories=("L", "N", "P")), min_size=1, max_size=6)


@given(st.lists(st.tuples(CELL, CELL, CELL), max_size=5))
def test_a_table_that_fits_is_what_rich_would_print(rows: list[tuple[str, str, str]]) -> None:
    listing = TextTable(("a", "b", "c"), rows, right=("b",))

    def printed(what: RenderableType) -> list[str]:
        console = Console(file=StringIO(), width=80, markup=False, highlight=False, emoji=False)
        console.print(what)
        return [line.rstrip() for line in console.file.getvalue().splitlines()]  # type: ignore[attr-defined]

    assert printed(listing) == printed(listing._folded())


def test_a_table_that_does_not_fit_is_folded_on_a_screen() -> None:
    listing = TextTable(("name",), [("a-very-long-name",)])
    console = Console(file=(screen := StringIO()), width=10, force_terminal=True, color_system=None)
    console.print(listing)
    assert [line.rstrip() for line in screen.getvalue().splitlines()][1:] == ["a-very-lon", "g-name"]
    console = Console(file=(file := StringIO()), width=10)
    console.print(listing, crop=False)
    assert file.getvalue().split() == ["name", "a-very-long-name"]


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("plain, 日本 and 👩‍🚀", "plain, 日本 and 👩‍🚀"),
        ("a\x1b[2Jb", "a\\x1b[2Jb"),
        ("a\x07\r\x9b", "a\\x07\\r\\x9b"),
        ("right\u202eleft", "right\\u202eleft"),
        ("p\udce9.png", "p\\udce9.png"),
    ],
)
def test_what_would_steer_the_terminal_is_spelt_out(text: str, shown: str) -> None:
    assert printable(text) == shown
    assert TextTable(("name",), [(text,)]).rows == [[shown]]


def test_lines_are_kept_but_in_cells() -> None:
    assert printable("a\nb\tc") == "a\nb\tc"
    assert TextTable(("name",), [("a\nb",)]).rows == [["a\\nb"]]


@given(st.text())
def test_nothing_that_steers_is_left(text: str) -> None:
    assert not any(unicodedata.category(c) in ("Cc", "Cs") for c in printable(text, lines=False))
