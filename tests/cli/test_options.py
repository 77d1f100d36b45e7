import pytest

from ramet.base.errors import InvalidValue
from ramet.cli.options import pairs, seconds


@pytest.mark.parametrize(
    ("text", "expected"),
    [("90", 90), ("90s", 90), ("30m", 1800), ("1.5h", 5400), ("1h30m", 5400), ("1h1m1s", 3661), (" 2M ", 120)],
)
def test_times(text: str, expected: float) -> None:
    assert seconds(text) == expected


@pytest.mark.parametrize("text", ["", "0", "soon", "-5", "1d", "m", "30m1h", "1:30", "inf", "nan"])
def test_texts_that_are_no_time(text: str) -> None:
    with pytest.raises(InvalidValue, match="time-limit"):
        seconds(text)


def test_pairs_keep_what_is_behind_the_first_equals_sign() -> None:
    assert pairs(["a=1", "b = x=y ", "c="], "--set") == {"a": "1", "b": "x=y", "c": ""}
    assert pairs(None, "--set") == {}


@pytest.mark.parametrize("text", ["a", "=1", ""])
def test_texts_that_are_no_pair(text: str) -> None:
    with pytest.raises(InvalidValue, match="--option"):
        pairs([text], "--option")
