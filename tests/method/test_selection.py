from collections import Counter
from collections.abc import Callable
from math import nan

import numpy as np
import pytest

from ramet.method.selection import best, joins, prune, ranked, rotation, sample_parent

from .helpers import assert_frequency, method

POPULATION = [("a", 0.9), ("b", 0.8), ("c", 0.7)]
OTHERS = ("x", "y")
ROOTS = ("r",)
DRAWS = 20_000


def frequencies(draw: Callable[[np.random.Generator], str], draws: int = DRAWS) -> Counter[str]:
    rng = np.random.default_rng(0)
    return Counter(draw(rng) for _ in range(draws))


@pytest.mark.parametrize("children", [{}, {"a": 1}, {"a": 1, "b": 3, "c": 2}, {"a": 2, "b": 2, "c": 2}, {"x": 5}])
def test_mu2net_plus_visits_its_population_then_draws_from_all_that_live(children: dict[str, int]) -> None:
    """METHOD section 3: each path in turn with 0.5 ** children, else uniformly from all live ones, roots included."""
    expected, left = dict.fromkeys("abcxyr", 0.0), 1.0
    for path in "abc":
        taken = 0.5 ** children.get(path, 0)
        expected[path] += left * taken
        left *= 1 - taken
    expected = {path: p + left / 6 for path, p in expected.items()}
    of = method()
    found = frequencies(lambda rng: sample_parent(of, POPULATION, OTHERS, ROOTS, children, rng))
    for path, probability in expected.items():
        assert_frequency(found[path], DRAWS, probability)


@pytest.mark.parametrize("children", [{"a": 1, "b": 1, "c": 1}, {"a": 3, "b": 2, "c": 2, "x": 1, "y": 2}])
def test_mu2net_visits_the_other_tasks_before_it_draws_from_all(children: dict[str, int]) -> None:
    expected, left = dict.fromkeys("abcxyr", 0.0), 1.0
    for path in "abcxy":
        taken = 0.5 ** children.get(path, 0)
        expected[path] += left * taken
        left *= 1 - taken
    expected = {path: p + left / 6 for path, p in expected.items()}
    older = method("mu2net@characters")
    found = frequencies(lambda rng: sample_parent(older, POPULATION, OTHERS, ROOTS, children, rng))
    for path, probability in expected.items():
        assert_frequency(found[path], DRAWS, probability)


def test_a_baseline_knows_the_root_alone() -> None:
    of = method("finetune")
    found = frequencies(lambda rng: sample_parent(of, POPULATION, OTHERS, ROOTS, {"r": 99}, rng), 50)
    assert found == {"r": 50}


@pytest.mark.parametrize("name", ["mu2net-plus", "mu2net", "munet"])
def test_the_first_child_of_the_first_task_comes_from_a_root(name: str) -> None:
    of = method(name)
    found = frequencies(lambda rng: sample_parent(of, [], [], ["r", "s"], {}, rng), 4000)
    assert_frequency(found["r"], 4000, 0.5)
    assert set(found) == {"r", "s"}


def test_rotation_is_one_shuffle_turned_past_what_was_taken_last() -> None:
    others = [f"t{i}" for i in range(8)]

    def order(*taken: str) -> tuple[str, ...]:
        return rotation(others, taken, np.random.default_rng(3))

    first = order()
    assert sorted(first) == others
    assert first != tuple(others)
    assert order("root", "own") == first
    assert order(first[2]) == (*first[3:], *first[:3])
    assert order(first[2], "own", first[7], "own") == first
    assert rotation([], ["own"], np.random.default_rng(3)) == ()


def test_rotation_shuffles_uniformly() -> None:
    found = frequencies(lambda rng: "".join(rotation("xyz", [], rng)), 6000)
    for order in ("xyz", "xzy", "yxz", "yzx", "zxy", "zyx"):
        assert_frequency(found[order], 6000, 1 / 6)


@pytest.mark.parametrize(
    ("child", "parent", "expected"),
    [
        (0.5, 0.5, True),
        (0.4, 0.5, False),
        (0.6, 0.5, True),
        (0.0, None, True),
        (nan, None, False),
        (nan, 0.5, False),
    ],
)
def test_joins(child: float, parent: float | None, expected: bool) -> None:
    assert joins(child, parent) is expected


MEMBERS = [("old", 0.5), ("low", 0.1), ("new", 0.5), ("broken", nan)]


def test_ranked_puts_the_most_recent_of_equals_first_and_drops_nan() -> None:
    assert ranked(MEMBERS) == [("new", 0.5), ("old", 0.5), ("low", 0.1)]


def test_best() -> None:
    assert best(MEMBERS) == "new"
    assert best([]) is None
    assert best([("broken", nan)]) is None


@pytest.mark.parametrize(
    ("most", "expected"),
    [(None, ["old", "low", "new"]), (3, ["old", "low", "new"]), (2, ["old", "new"]), (1, ["new"])],
)
def test_prune_keeps_the_best_in_the_order_they_joined(most: int | None, expected: list[str]) -> None:
    assert [path for path, _ in prune(MEMBERS, most)] == expected
