from pathlib import Path

import pytest

from ramet.benchmarks.report.statistics import Estimate
from ramet.benchmarks.report.tables import (
    Part,
    Picture,
    Table,
    count,
    difference,
    duration,
    listed,
    plural,
    share,
    with_interval,
)

TABLE = Table(("method", "a"), (("one", "1"), ("a | <b>\nc", "2")))


@pytest.mark.parametrize(
    ("value", "text"), [(0.8534, ".853"), (1.0, "1.000"), (0.0, ".000"), (-0.0123, "−.012"), (0.9996, "1.000")]
)
def test_share(value: float, text: str) -> None:
    assert share(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.0123, "+.012"), (-0.0123, "−.012"), (0.0, ".000")])
def test_difference(value: float, text: str) -> None:
    assert difference(value) == text


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0, "0"),
        (7.4, "7"),
        (950, "950"),
        (999.6, "1.00 k"),
        (1_484_162, "1.48 M"),
        (15_000_000, "15.0 M"),
        (999_600, "1.00 M"),
        (123_456, "123 k"),
        (2.1e15, "2.10 P"),
        (3e18, "3.00 E"),
    ],
)
def test_count(value: float, text: str) -> None:
    assert count(value) == text


@pytest.mark.parametrize(("value", "text"), [(0.0, "0:00:00"), (61.4, "0:01:01"), (100 * 3600.0, "100:00:00")])
def test_duration(value: float, text: str) -> None:
    assert duration(value) == text


@pytest.mark.parametrize(
    ("found", "text"),
    [
        (Estimate(0.8534, 0.0123, 3), ".853 ± .012"),
        (Estimate(0.8534, None, 1), ".853"),
        (Estimate(0.8534, 0.0, 3), ".853"),
        (None, "–"),
    ],
)
def test_interval(found: Estimate | None, text: str) -> None:
    assert with_interval(share, found) == text


def test_the_interval_of_a_difference_has_no_sign() -> None:
    assert with_interval(difference, Estimate(0.02, 0.01, 3)) == "+.020 ± .010"


@pytest.mark.parametrize(("names", "text"), [([], ""), ([1], "1"), (["a", "b"], "a and b"), ([0, 1, 2], "0, 1 and 2")])
def test_listed(names: list[object], text: str) -> None:
    assert listed(names) == text


def test_plural() -> None:
    assert (plural(1, "task"), plural(2, "task")) == ("1 task", "2 tasks")


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
