from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from ramet.report.style import styled
from ramet.story.curves import NAMED, draw_curves
from ramet.story.tell import tell
from ramet.system import System
from tests.story.examples import learn, new_system


def drawn(system: System, folder: Path) -> Any:
    with styled():
        figure = draw_curves(tell(system))
        figure.savefig(folder / "curves.png")
    return figure


def lines(axes: Any) -> list[Any]:
    """The lines of a panel: the patches that are no bands."""
    return [patch for patch in axes.patches if hasattr(patch, "get_data")]


@pytest.fixture
def system(tmp_path: Path) -> System:
    return new_system(tmp_path / "system")


def test_a_harder_task_takes_no_line_down(system: System, tmp_path: Path) -> None:
    for name, quality in (("easy", 0.9), ("hard", 0.3)):
        learn(system, name, quality=quality)
    learn(system, "easy", "block.0", quality=0.95)
    validation, test = (lines(drawn(system, tmp_path).axes[i]) for i in (0, 3))
    data = [(list(line.get_data().values), list(line.get_data().edges)) for line in validation]
    assert data == [([0.9, 0.95], [0.5, 2.5, 3.5]), ([0.3], [1.5, 3.5])]
    assert [list(line.get_data().values) for line in test] == [pytest.approx([0.8, 0.85]), pytest.approx([0.2])]


def test_a_line_ends_where_its_task_was_taken_out(system: System, tmp_path: Path) -> None:
    learn(system, "one")
    system.tasks.remove("one")
    learn(system, "two")
    one, two = lines(drawn(system, tmp_path).axes[0])
    assert [value == value for value in one.get_data().values] == [True, False]
    assert list(two.get_data().edges) == [2.5, 3.5]


def test_lines_that_coincide_are_all_seen(system: System, tmp_path: Path) -> None:
    for name in "abcd":
        learn(system, name, quality=0.5)
    widths = [line.get_linewidth() for line in lines(drawn(system, tmp_path).axes[0])]
    assert all(under - over > 1 for under, over in pairwise(widths))


def test_one_commit_is_a_line_and_not_a_dot(system: System, tmp_path: Path) -> None:
    learn(system, "one", quality=1.0)
    for axes in drawn(system, tmp_path).axes:
        assert [tick for tick in axes.get_xticks() if 0.5 <= tick <= 1.5] == [1]
        ((start, end),) = (line.get_data().edges for line in lines(axes))
        assert (start, end) == axes.get_xlim() == (0.5, 1.5)


@pytest.mark.parametrize("count", [1, 6, NAMED + 3])
@pytest.mark.parametrize("name", ["t", "a-long-name/of-a-data-set-"])
def test_legends_cover_nothing_and_name_what_there_is(system: System, tmp_path: Path, count: int, name: str) -> None:
    for i in range(count):
        learn(system, f"{name}{i}", method=f"method v{i % 3} #{i % 3}")
    figure = drawn(system, tmp_path)
    methods, tasks = (legend.get_window_extent() for legend in figure.legends)
    panels = [axes.get_tightbbox() for axes in figure.axes]
    assert not any(legend.overlaps(panel) for legend in (methods, tasks) for panel in panels)
    assert not methods.overlaps(tasks)
    assert all(box.x0 >= 0 and box.x1 <= figure.bbox.width and box.y0 >= 0 for box in (methods, tasks))
    said = [text.get_text() for text in figure.legends[1].texts]
    assert len(said) == min(count, NAMED + 1)
    assert ("and 3 more" in said) == (count > NAMED)
