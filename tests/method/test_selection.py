from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from math import nan

import numpy as np
import pytest

from ramet.base.errors import PartError
from ramet.base.records import Path
from ramet.method.document.schema import Method
from ramet.method.parts import Part
from ramet.method.protocols import Candidates, Images, Member
from ramet.method.selection import Best, Closest, joins, pruned, ranked, rotation, sample_parent

from .helpers import TINY, assert_frequency, method

POPULATION = [("a", 0.9), ("b", 0.8), ("c", 0.7)]
OTHERS = ("x", "y")
ROOTS = ("r",)
DRAWS = 20_000


def path(name: str) -> Path:
    return Path(name, "task", TINY, (), {})


def members(given: Sequence[tuple[str, float]]) -> list[Member]:
    return [Member(path(name), score) for name, score in given]


def draw(
    of: Method,
    rng: np.random.Generator,
    children: Mapping[str, int],
    population: Sequence[tuple[str, float]] = POPULATION,
    others: Sequence[str] = OTHERS,
    roots: Sequence[str] = ROOTS,
) -> str:
    among = Candidates(
        "task", members(population), [path(p) for p in others], [path(p) for p in roots], children, (), rng,
        lambda: np.random.default_rng(0),
    )  # fmt: skip
    return sample_parent(of.parents, among).id


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
    found = frequencies(lambda rng: draw(of, rng, children))
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
    found = frequencies(lambda rng: draw(older, rng, children))
    for path, probability in expected.items():
        assert_frequency(found[path], DRAWS, probability)


def test_a_baseline_knows_the_root_alone() -> None:
    of = method("finetune")
    found = frequencies(lambda rng: draw(of, rng, {"r": 99}), 50)
    assert found == {"r": 50}


@pytest.mark.parametrize("name", ["mu2net-plus", "mu2net", "munet"])
def test_the_first_child_of_the_first_task_comes_from_a_root(name: str) -> None:
    of = method(name)
    found = frequencies(lambda rng: draw(of, rng, {}, [], [], ["r", "s"]), 4000)
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


MEMBERS = members([("old", 0.5), ("low", 0.1), ("new", 0.5), ("broken", nan)])


def names(of: Sequence[Member]) -> list[str]:
    return [member.path.id for member in of]


def test_ranked_puts_the_most_recent_of_equals_first_and_drops_nan() -> None:
    assert names(ranked(MEMBERS)) == ["new", "old", "low"]


@pytest.mark.parametrize(
    ("most", "expected"),
    [(None, ["old", "low", "new"]), (3, ["old", "low", "new"]), (2, ["old", "new"]), (1, ["new"])],
)
def test_the_best_stay_in_the_order_they_joined(most: int | None, expected: list[str]) -> None:
    assert names(pruned(Best(), MEMBERS, most)) == expected


class Fixed(Part):
    """Answers what it was told to."""

    answer: object

    def choose(self, among: Candidates) -> object:
        return self.answer

    def prune(self, members: Sequence[Member], most: int | None) -> object:
        return [members[i] for i in self.answer]  # type: ignore[attr-defined]


@pytest.mark.parametrize("answer", ["nobody", None, 3])
def test_a_parent_that_is_not_there_is_refused(answer: object) -> None:
    with pytest.raises(PartError, match=f"answered {answer!r}"):
        draw(method().model_copy(update={"parents": Fixed(answer=answer)}), np.random.default_rng(0), {})


@pytest.mark.parametrize("answer", [[1, 0], [0, 0], [0, 1, 2]])
def test_others_than_the_members_in_their_order_are_refused(answer: list[int]) -> None:
    with pytest.raises(PartError, match="some of the members, in their order, at most 2"):
        pruned(Fixed(answer=answer), MEMBERS, 2)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("fits", "chosen"),
    [
        ({"a": 0.5, "x": 0.6, "r": 0.55, "y": 0.1}, "x"),
        ({"a": 0.5, "x": 0.5, "r": 0.5}, "a"),
        ({"x": 0.5, "r": 0.5}, "r"),
        ({"b": 0.9, "r": 0.1}, "r"),  # of the task's own paths the best alone is asked
        ({"x": 0.0}, "x"),
        ({}, "a"),
    ],
)
def test_the_closest_path_is_the_parent_and_of_equal_ones_the_own_then_a_root(
    fits: Mapping[str, float], chosen: str
) -> None:
    def fit(task: str, of: Path) -> float | None:
        assert task == "task"
        return fits.get(of.id)

    among = Candidates(
        "task", members(POPULATION), [path(p) for p in OTHERS], [path(p) for p in ROOTS], {}, (),
        np.random.default_rng(0), lambda: np.random.default_rng(0), Images(fit=fit),
    )  # fmt: skip
    assert sample_parent(Closest(), among).id == chosen
