import pytest

from ramet.base.text import difference, share
from ramet.study.statistics import Estimate
from ramet.study.wording import with_interval


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
