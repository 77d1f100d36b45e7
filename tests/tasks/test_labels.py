from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramet.tasks.labels import RULES, bin_of
from ramet.tasks.papers import entries

EDGES = (0.0, 8.0, 8.5, 9.0)


def clevr(*depths: float, shapes: list[int] | None = None) -> dict[str, Any]:
    count = len(depths)
    coordinates = np.array([[1, 2, depth] for depth in depths], np.float32).reshape(count, 3)
    shapes = [0] * count if shapes is None else shapes
    return {"objects": {"shape": np.array(shapes), "size": np.zeros(count, int), "pixel_coords": coordinates}}


def kitti(*objects: tuple[int, float]) -> dict[str, Any]:
    locations = np.array([[-50, 9, z] for _, z in objects], np.float32).reshape(len(objects), 3)
    return {"objects": {"type": np.array([kind for kind, _ in objects], int), "location": locations}}


CAR, VAN, TRUCK, WALKER = range(4)


@pytest.mark.parametrize(
    ("rule", "record", "name"),
    [
        ("clevr.cylinders", clevr(1, 1, 1, shapes=[0, 1, 1]), "0"),
        ("clevr.cylinders", clevr(1, 1, 1, shapes=[2, 1, 2]), "2"),
        ("clevr.objects", clevr(1, 1, 1), "3"),
        ("clevr.objects", clevr(*[9] * 10), "10"),
        ("clevr.nearest", clevr(12, 7.5, 9), "up to 8"),
        ("clevr.nearest", clevr(8, 8.5, 9), "up to 8"),
        ("clevr.nearest", clevr(8.25, 20, 30), "8 to 8.5"),
        ("clevr.nearest", clevr(9.75, 20, 30), "9.5 to 10"),
        ("clevr.nearest", clevr(10.5, 20, 30), "over 10"),
        ("kitti.nearest", kitti((WALKER, -3), (CAR, 10)), "up to 5.6"),
        ("kitti.nearest", kitti((WALKER, 40), (CAR, 8)), "5.6 to 8.4"),
        ("kitti.nearest", kitti((WALKER, 13.5)), "13.4 to 23.4"),
        ("kitti.nearest", kitti((WALKER, 24)), "over 23.4"),
        ("kitti.nearest", kitti(), "over 23.4"),
        ("kitti.vehicles", kitti((WALKER, 1), (6, 1)), "0"),
        ("kitti.vehicles", kitti((CAR, 1), (WALKER, 1), (VAN, 1)), "2"),
        ("kitti.vehicles", kitti(*[(TRUCK, 1)] * 5), "3 or more"),
        ("kitti.nearest_vehicle", kitti((WALKER, 1), (CAR, 8)), "up to 8"),
        ("kitti.nearest_vehicle", kitti((VAN, 30), (TRUCK, 9)), "8 to 20"),
        ("kitti.nearest_vehicle", kitti((VAN, 30)), "over 20"),
        ("kitti.nearest_vehicle", kitti((WALKER, 1)), "none"),
    ],
)
def test_rules(rule: str, record: dict[str, Any], name: str) -> None:
    assert RULES[rule].classes[RULES[rule].of(record)] == name


@pytest.mark.parametrize("record", [clevr(), clevr(101), clevr(0)])
def test_what_has_no_bin_has_no_class(record: dict[str, Any]) -> None:
    rule = RULES["clevr.nearest"]
    assert rule.of(record) not in range(len(rule.classes))


@given(st.floats(-20, 20))
def test_bins_are_those_of_numpy(value: float) -> None:
    assert bin_of(value, EDGES) == np.digitize(value, EDGES, right=True) - 1


def test_the_papers_list_has_as_many_classes_as_the_rules() -> None:
    by_rule = {entry.label: entry.classes for entry in entries().values() if entry.label in RULES}
    assert by_rule == {name: len(rule.classes) for name, rule in RULES.items()}


def test_names_of_classes_are_different() -> None:
    assert all(len(set(rule.classes)) == len(rule.classes) for rule in RULES.values())
