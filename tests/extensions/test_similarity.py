from collections import Counter
from dataclasses import replace
from itertools import count
from pathlib import Path as FilePath

import numpy as np
import numpy.typing as npt
import pytest

from ramet.base.records import Path
from ramet.evolution.observer import Observer
from ramet.extensions.similarity import Similarity, alike
from ramet.method.protocols import Candidates, Images, Member
from tests.evolution.conftest import SMALL, make_system
from tests.method.helpers import TINY, assert_frequency

LOOKS = {"task": [1.0, 0.0, 5.0], "near": [0.9, 0.1, 5.0], "far": [-1.0, 0.0, 5.0], "aside": [0.0, 1.0, 5.0]}
DRAWS = 4000


def features(task: str) -> npt.NDArray[np.float32] | None:
    return np.array(LOOKS[task], np.float32) if task in LOOKS else None


def path(name: str) -> Path:
    return Path(name, name, TINY, (), {})


AMONG = Candidates(
    task="task", population=[], others=[path(n) for n in ("aside", "far", "near", "unknown")], roots=[path("root")],
    children={}, taken=(), rng=np.random.default_rng(0), cycle_rng=lambda: np.random.default_rng(0),
    images=Images(features),
)  # fmt: skip


def test_the_most_alike_come_first_and_the_unknown_last() -> None:
    assert alike(AMONG) == ["near", "aside", "far", "unknown"]


def test_without_images_of_its_own_the_order_is_that_of_the_names() -> None:
    assert alike(replace(AMONG, task="unknown")) == ["aside", "far", "near", "unknown"]


@pytest.mark.parametrize(
    ("nearest", "children", "expected"),
    [
        (None, {}, {"near": 1.0}),
        (None, {"near": 1}, {"near": 0.5, "aside": 0.5}),
        (1, {"near": 1}, {"near": 0.5 + 0.5 / 5, "aside": 0.1, "far": 0.1, "unknown": 0.1, "root": 0.1}),
    ],
)
def test_a_new_task_begins_with_the_most_alike(
    nearest: int | None, children: dict[str, int], expected: dict[str, float]
) -> None:
    part, among = Similarity(nearest=nearest), replace(AMONG, children=children)
    found = Counter(part.choose(among) for _ in range(DRAWS))
    assert set(found) == set(expected)
    for name, probability in expected.items():
        assert_frequency(found[name], DRAWS, probability)


def test_its_own_population_comes_before_all_others() -> None:
    among = replace(AMONG, population=[Member(path("own"), 0.5)])
    assert Similarity().choose(among) == "own"


class Stops(Observer):
    def __init__(self, after: int) -> None:
        self.left = count(after, -1)

    def generation_finished(self, children: object, best: float) -> None:
        if next(self.left) == 0:
            raise KeyboardInterrupt


def test_a_run_that_was_killed_chooses_as_if_it_had_not_been(tmp_path: FilePath, installed: dict[str, str]) -> None:
    once = {**SMALL, "budget.cycles": "1", "budget.validations": "1"}
    found = []
    for name, stop in (("whole", 99), ("killed", 0)):
        (tmp_path / name).mkdir()
        system = make_system(tmp_path / name, "one", "two")
        system.evolve("one", method="mu2net-plus", settings={**once, "budget.samples_per_cycle": "2"})
        try:
            system.evolve("two", method="mu2net-plus", settings={**once, "parents": "similarity"}, observer=Stops(stop))
        except KeyboardInterrupt:
            assert len(system.history("two")) == 2
            system.evolve("two", method="mu2net-plus", settings={**once, "parents": "similarity"})
        assert list((system.store.folder / "cache" / "two").glob("features.*.npy"))
        found.append([(child.path.id, child.path.parent) for child in system.history("two")])
    assert found[0] == found[1]
    assert len(found[0]) == 4
    assert found[0][0][1] == system.path("one").id, "the most alike of all other tasks is the first parent"
