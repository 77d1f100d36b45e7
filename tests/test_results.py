import sys
from dataclasses import dataclass

import pandas as pd
import pytest

from ramet.base.errors import DataError
from ramet.results import Evaluation, Listing, wilson


@dataclass(frozen=True)
class Record:
    name: str
    share: float | None
    tags: tuple[str, ...] = ()


RECORDS = [Record("a <b>", 0.123456, ("x", "y")), Record("c", None)]


def test_a_listing_is_a_list() -> None:
    assert Listing(RECORDS) == RECORDS
    assert Listing(RECORDS)[-1] == RECORDS[-1]
    assert Listing() == []


def test_a_frame_has_a_row_a_record_and_a_column_a_field() -> None:
    frame = Listing(RECORDS).to_frame()
    assert isinstance(frame, pd.DataFrame)
    assert list(frame.columns) == ["name", "share", "tags"]
    assert frame["name"].tolist() == ["a <b>", "c"]
    assert frame["share"].isna().tolist() == [False, True]
    assert Listing(RECORDS, lambda record: {"it": record.name}).to_frame()["it"].tolist() == ["a <b>", "c"]
    assert len(Listing().to_frame()) == 0


def test_a_notebook_shows_a_table() -> None:
    html = Listing(RECORDS)._repr_html_()
    assert html.startswith("<table><thead><tr><th>name</th><th>share</th><th>tags</th></tr></thead>")
    assert "<tr><td>a &lt;b&gt;</td><td>0.1235</td><td>x, y</td></tr>" in html
    assert "<tr><td>c</td><td></td><td></td></tr>" in html


def test_without_pandas_the_error_names_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(DataError, match=r'pip install "ramet\[frames\]"'):
        Listing(RECORDS).to_frame()


@pytest.mark.parametrize(
    ("right", "count", "low", "high"),
    [(0, 10, 0.0, 0.2775), (10, 10, 0.7225, 1.0), (5, 10, 0.2366, 0.7634), (81, 263, 0.2553, 0.3662)],
)
def test_the_interval_is_wilsons(right: int, count: int, low: float, high: float) -> None:
    """The last one is the example of Newcombe (1998), Statistics in Medicine 17, table I."""
    assert wilson(right / count, count) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(
    ("split", "test", "validation", "told"),
    [
        ("test", 0.289, 0.629, True),
        ("test", 0.60, 0.629, False),
        ("test", 0.629, 0.5, False),
        ("test", 0.3, None, False),
        ("train", 0.289, 0.629, False),
    ],
)
def test_a_test_accuracy_far_below_validation(split: str, test: float, validation: float | None, told: bool) -> None:
    assert Evaluation("t", "p", split, test, 500, validation).below_validation is told
