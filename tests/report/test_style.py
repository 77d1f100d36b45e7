import pytest

from ramet.report.style import WRITTEN, heat_map, short, styled


@pytest.mark.parametrize(("value", "text"), [(200_000, "200 k"), (2e6, "2 M"), (1.25e6, "1.25 M"), (0, "0")])
def test_short(value: float, text: str) -> None:
    assert short(value) == text


@pytest.mark.parametrize("count", [1, WRITTEN, WRITTEN + 1])
def test_the_numbers_of_a_heat_map_are_written_where_there_is_room_else_a_bar_tells_them(count: int) -> None:
    with styled():
        figure = heat_map(
            [f"t{i}" for i in range(count)], [[1e6 * (i == j) for i in range(count)] for j in range(count)]
        )
        figure.draw_without_rendering()
    axes, *bars = figure.axes
    assert [label.get_text() for label in axes.get_yticklabels()] == [f"t{i}" for i in range(count)]
    assert (len(axes.texts), len(bars)) == ((count**2, 0) if count <= WRITTEN else (0, 1))
