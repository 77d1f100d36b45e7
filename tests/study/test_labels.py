from itertools import combinations, pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from ramet.study.labels import Box, along, around, placed

FRAME = Box(0, 0, 500, 300)
SIZE = (40.0, 10.0)


def test_overlap() -> None:
    assert Box(0, 0, 4, 4).overlap(Box(2, 3, 9, 9)) == 2
    assert Box(0, 0, 4, 4).overlap(Box(5, 0, 9, 4)) == 0
    assert Box(1, 1, 4, 5).area == 12


def test_a_line_is_covered_from_end_to_end() -> None:
    boxes = list(along((0, 0), (10, 0)))
    assert (boxes[0].left, boxes[-1].right) == (-1, 11)
    assert all(later.left <= box.right for box, later in pairwise(boxes))


def test_a_label_alone_is_right_of_its_point() -> None:
    (box,) = placed([(100, 100)], [SIZE], [around((100, 100), 4)], FRAME)
    assert box == Box(107, 95, 147, 105)


def test_a_label_at_the_edge_stays_inside() -> None:
    (box,) = placed([(495, 100)], [SIZE], [], FRAME)
    assert box.overlap(FRAME) == box.area


@settings(max_examples=50, deadline=None)
@given(st.lists(st.tuples(st.integers(60, 440), st.integers(60, 240)), min_size=1, max_size=6, unique=True))
def test_labels_cover_neither_points_nor_each_other(points: list[tuple[float, float]]) -> None:
    markers = [around(point, 4) for point in points]
    found = placed(points, [SIZE] * len(points), markers, FRAME)
    assert all(a.overlap(b) == 0 for a, b in combinations(found, 2))
    assert all(box.overlap(marker) == 0 for box in found for marker in markers)


def test_where_no_place_is_free_the_least_covered_is_taken() -> None:
    everywhere = Box(-1000, 0, 1000, 300)
    (box,) = placed([(100, 3)], [SIZE], [everywhere], Box(-1000, -1000, 1000, 1000))
    assert box.overlap(everywhere) == 0 or box.high <= 10
