import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramet.base.text import count, difference, duration, listed, plural, share


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
        (None, "–"),
        (0, "0"),
        (1, "1"),
        (7.4, "7"),
        (950, "950"),
        (999, "999"),
        (999.6, "1.00 k"),
        (9999, "10.0 k"),
        (1_484_162, "1.48 M"),
        (15_000_000, "15.0 M"),
        (999_600, "1.00 M"),
        (123_456, "123 k"),
        (100e9, "100 G"),
        (3.8e12, "3.80 T"),
        (2.1e15, "2.10 P"),
        (3e18, "3.00 E"),
    ],
)
def test_count(value: float | None, text: str) -> None:
    assert count(value) == text


@given(st.floats(min_value=1, max_value=9e14))
def test_a_count_is_right_in_its_three_digits(value: float) -> None:
    shown, _, unit = count(value).partition(" ")
    scale = {"": 1, "k": 1e3, "M": 1e6, "G": 1e9, "T": 1e12}[unit]
    assert float(shown) * scale == pytest.approx(value, rel=0.0051 if unit else 1, abs=0.51)
    assert len(shown.replace(".", "")) <= 3


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0:00:00"),
        (61.4, "0:01:01"),
        (724.4, "0:12:04"),
        (100 * 3600.0, "100:00:00"),
        (None, "-:--:--"),
        (math.inf, "-:--:--"),
    ],
)
def test_duration(value: float | None, text: str) -> None:
    assert duration(value) == text


@pytest.mark.parametrize(("names", "text"), [([], ""), ([1], "1"), (["a", "b"], "a and b"), ([0, 1, 2], "0, 1 and 2")])
def test_listed(names: list[object], text: str) -> None:
    assert listed(names) == text


def test_plural() -> None:
    assert (plural(1, "task"), plural(2, "task")) == ("1 task", "2 tasks")
    assert (plural(1, "class", "classes"), plural(2400, "image")) == ("1 class", "2,400 images")
