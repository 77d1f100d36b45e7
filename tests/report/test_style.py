import pytest

from ramet.report.style import COLOURS, looks, short


@pytest.mark.parametrize(("value", "text"), [(200_000, "200 k"), (2e6, "2 M"), (1.25e6, "1.25 M"), (0, "0")])
def test_short(value: float, text: str) -> None:
    assert short(value) == text


def test_looks_go_round() -> None:
    found = looks(["a", "b", "a", *map(str, range(8))])
    assert [found["a"][0], found["b"][0], found["6"][0]] == [COLOURS[0], COLOURS[1], COLOURS[0]]
