from pathlib import Path

import pytest

from ramet.base.text import difference, share
from ramet.report.tables import Part, Picture, Table
from ramet.study.statistics import Estimate
from ramet.study.words import with_interval

TABLE = Table(("method", "a"), (("one", "1"), ("a | <b>\nc", "2")))


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
