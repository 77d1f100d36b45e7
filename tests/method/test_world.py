import pytest

from ramet.base.records import Architecture, Component, Path
from ramet.method.world import World
from ramet.results import Others

SHAPE = Architecture(patch_size=16, width=4, heads=1, mlp_width=8, layers=1, image_size=32)


def _path(task: str | None, *digests: str) -> Path:
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
    world = World.of({task: _path(task, *digests) for task, digests in held.items()}, [_path(None, "r")])
    assert world.sharing() == shared


def test_names_but_one_are_a_sequence_as_a_tuple_is() -> None:
    others = Others(("a", "b", "c"), "b")
    assert others == ("a", "c")
    assert others != ("a", "b")
    assert (len(others), others[1], others[:1], list(others)) == (2, "c", ("a",), ["a", "c"])
    assert (hash(others), repr(others)) == (hash(("a", "c")), "('a', 'c')")
