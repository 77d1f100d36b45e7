from dataclasses import replace
from math import isnan, nan
from typing import Any

import pytest

from ramet.base.errors import PartError
from ramet.base.records import Architecture, Component, Path
from ramet.method.parts import Part
from ramet.method.world import SizeAndCompute, World, classes_of, path_flops
from ramet.results import Others
from ramet.vit import spec
from ramet.vit.kinds import Dimensions

from .helpers import BASE, TINY, method, root

SHAPE = Architecture(patch_size=16, width=4, heads=1, mlp_width=8, layers=1, image_size=32)


def holding(task: str | None, *digests: str) -> Path:
    return Path("", task, SHAPE, tuple(Component(d, d, 1) for d in digests), {}).identified()


@pytest.mark.parametrize(
    ("held", "shared"),
    [
        ({"a": ["x"], "b": ["y"]}, {"a": (), "b": ()}),
        ({"a": ["x", "r"], "b": ["y"]}, {"a": (), "b": ()}),
        ({"a": ["x", "z"], "b": ["z"], "c": ["c"]}, {"a": ("b",), "b": ("a",), "c": ()}),
        ({"b": ["x", "y"], "a": ["x"], "c": ["y"]}, {"a": ("b",), "b": ("a", "c"), "c": ("b",)}),
        ({"a": ["r", "x"], "b": ["r"], "c": ["r", "x"]}, {"a": ("b", "c"), "b": ("a", "c"), "c": ("a", "b")}),
    ],
    ids=["nothing", "only with the root", "two", "with two by different components", "all by the root's"],
)
def test_who_shares_with_whom(held: dict[str, list[str]], shared: dict[str, tuple[str, ...]]) -> None:
    world = World.of({task: holding(task, *digests) for task, digests in held.items()}, [holding(None, "r")])
    assert world.sharing() == shared


def test_names_but_one_are_a_sequence_as_a_tuple_is() -> None:
    others = Others(("a", "b", "c"), "b")
    assert others == ("a", "c")
    assert others != ("a", "b")
    assert (len(others), others[1], others[:1], list(others)) == (2, "c", ("a",), ["a", "c"])
    assert (hash(others), repr(others)) == (hash(("a", "c")), "('a', 'c')")


LARGE = Architecture(patch_size=16, width=1024, heads=16, mlp_width=4096, layers=24, image_size=384)


def path(task: str | None, **sizes: int) -> Path:
    """A path whose components are named by the digests that paths share."""
    parts = tuple(Component(digest, digest, size) for digest, size in sizes.items())
    return Path(task or "r", task, TINY, parts, {"layers": 0, "data.image_size": 32})


ROOT = path(None, a=100, b=10)
ONE, TWO = path("one", a=100, c=30), path("two", a=100, c=30, d=7)
SYSTEM = World.of({"one": ONE, "two": TWO}, [ROOT])


@pytest.mark.parametrize(
    ("of", "expected"),
    [
        (ROOT, 100 / 3 + 10),
        (ONE, 100 / 3 + 30 / 2),
        (TWO, 100 / 3 + 30 / 2 + 7),
        (path("one", a=100, e=5), 100 / 3 + 5),  # a new path of a task that already holds `a` is not counted twice
        (path("three", a=100, c=30, e=5), 100 / 4 + 30 / 3 + 5),  # one of a new task counts itself
        (path("three", e=5), 5),
    ],
)
def test_accounted_params_share_a_component_among_those_who_hold_it(of: Path, expected: float) -> None:
    assert SYSTEM.accounted_params(of) == pytest.approx(expected)


def test_the_whole_system_accounts_for_every_parameter_once() -> None:
    assert sum(map(SYSTEM.accounted_params, (ROOT, ONE, TWO))) == pytest.approx(100 + 10 + 30 + 7)


def test_two_roots_are_two_holders() -> None:
    second = Path("s", None, TINY, ROOT.components, ROOT.hyperparameters)
    assert World.of({}, [ROOT, second]).accounted_params(ROOT) == pytest.approx(55)


@pytest.mark.parametrize(
    ("terms", "expected"),
    [
        (SizeAndCompute(), 0.8),
        (SizeAndCompute(factor=1.0, params=10, flops=10), 0.8),
        (SizeAndCompute(factor=0.5, params=10), 0.8 * 0.5**2),
        (SizeAndCompute(factor=0.5, flops=20), 0.8 * 0.5**1.5),
        (SizeAndCompute(factor=0.5, params=10, flops=20), 0.8 * 0.5**2 * 0.5**1.5),
    ],
)
def test_score(terms: SizeAndCompute, expected: float) -> None:
    assert terms.penalised(0.8, accounted=20, flops=30) == pytest.approx(expected, rel=1e-15)


def test_nan_quality_stays_nan() -> None:
    assert isnan(SizeAndCompute(factor=0.5, params=1).penalised(nan, 1e9, 1e12))


@pytest.mark.parametrize(("architecture", "layers", "params"), [(TINY, 3, 1_484_162), (BASE, 12, 85_652_738)])
def test_the_unit_of_size_is_the_root_at_32_pixels_with_two_classes(
    architecture: Architecture, layers: int, params: int
) -> None:
    names = spec.component_names(layers)
    sizes = [spec.size(architecture, n, Dimensions(32, 2)) for n in names]
    assert sum(sizes) == params
    configured = {TINY: method("characters"), BASE: method("decathlon")}[architecture]
    assert configured.score.model_dump()["params"] == params


@pytest.mark.parametrize(
    ("architecture", "classes", "expected"),
    [
        # a patch is 768 numbers; t tokens cost 24 t d² + 4 t² d FLOPs a block where the perceptron is 4 d wide
        (TINY, 2, 2 * 4 * 768 * 192 + 3 * (24 * 5 * 192**2 + 4 * 25 * 192) + 2 * 192 * 2),
        (BASE, 10, 2 * 196 * 768 * 768 + 12 * (24 * 197 * 768**2 + 4 * 197**2 * 768) + 2 * 768 * 10),
        (LARGE, 1, 2 * 576 * 768 * 1024 + 24 * (24 * 577 * 1024**2 + 4 * 577**2 * 1024) + 2 * 1024),
    ],
)
def test_flops_are_those_of_the_closed_formula(architecture: Architecture, classes: int, expected: int) -> None:
    assert path_flops(root(architecture), classes) == expected


def test_an_adapter_costs_two_matrix_products() -> None:
    plain = root(TINY)
    parts = (*plain.components, Component("adapter.0", "x", 1))
    adapted = Path("", "t", TINY, parts, {"data.image_size": 32, "adapter_width": 8})
    assert path_flops(adapted, 2) - path_flops(plain, 2) == 2 * 5 * 2 * 192 * 8


@pytest.mark.parametrize("classes", [1, 2, 1000])
def test_a_head_tells_the_number_of_classes(classes: int) -> None:
    size = spec.size(TINY, "head", Dimensions(32, classes))
    assert classes_of(Path("", "t", TINY, (Component("head", "x", size),), {})) == classes


def test_the_score_of_a_path_in_a_world() -> None:
    measured = replace(root(TINY), task="t", metrics={"quality": 0.8})
    world, terms = World.of({}, [root(TINY)]), SizeAndCompute(factor=0.5, params=1e6, flops=1e8)
    expected = terms.penalised(0.8, world.accounted_params(measured), path_flops(measured, 2))
    assert world.score(terms, measured) == expected < 0.8
    assert isnan(world.score(terms, root(TINY)))


class Constant(Part):
    answer: Any

    def score(self, path: Path, quality: float, world: object) -> Any:
        return self.answer


@pytest.mark.parametrize("answer", ["high", None, True])
def test_what_is_no_number_is_refused(answer: object) -> None:
    with pytest.raises(PartError, match=f"answered {answer!r}"):
        World.of({}, []).score(Constant(answer=answer), root(TINY))
