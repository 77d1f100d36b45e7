from dataclasses import replace

import pytest

from ramet.base.records import Component, Path
from ramet.extensions.shared_compute import SharedCompute, accounted_flops
from ramet.method.world import SizeAndCompute, World, classes_of, path_flops
from ramet.vit import spec
from tests.method.helpers import TINY, root

ROOT = root()


def path(task: str, first_own: int, *, size: int = 32, layers: int = 3) -> Path:
    """A path whose components are the root's up to a position, and its own from there."""
    dimensions = spec.dimensions({"data.image_size": size, "adapter_width": 1}, 2)
    components = tuple(
        Component(
            name,
            ROOT.components[i].digest if i < first_own else f"{task}{name}",
            spec.size(TINY, name, dimensions),
        )
        for i, name in enumerate(spec.component_names(layers))
    )
    return Path("", task, TINY, components, {"layers": layers, "data.image_size": size}).identified()


def flops(of: Path, *names: str) -> int:
    dimensions = spec.dimensions(of.hyperparameters, classes_of(of))
    return sum(spec.component_flops(TINY, name, dimensions) for name in names)


ONE, TWO, THREE = path("one", 4), path("two", 6), path("three", 0)
WORLD = World.of({p.task or "": p for p in (ONE, TWO, THREE)}, [ROOT])


def test_a_prefix_is_divided_among_those_who_share_it() -> None:
    # one and two both begin with the root's stem and first block; what roots hold, nobody runs
    shared = flops(ONE, "patch_embed", "block.0")
    assert accounted_flops(ONE, WORLD) == pytest.approx(path_flops(ONE, 2) - shared / 2)
    assert accounted_flops(TWO, WORLD) == pytest.approx(path_flops(TWO, 2) - shared / 2)
    assert accounted_flops(THREE, WORLD) == path_flops(THREE, 2)


def test_the_whole_system_accounts_for_each_prefix_once() -> None:
    total = sum(accounted_flops(p, WORLD) for p in WORLD.published.values())
    assert total == pytest.approx(
        sum(path_flops(p, 2) for p in WORLD.published.values()) - flops(ONE, "patch_embed", "block.0")
    )


@pytest.mark.parametrize(
    ("of", "share"),
    [
        (path("four", 4), 3),  # of a new task
        (path("two", 4), 2),  # in the place of its task's own path
        (path("four", 4, size=48), 1),  # at another image size
        (replace(path("four", 4), components=path("four", 0).components[:1] + path("four", 4).components[1:]), 1),
    ],
    ids=["new", "instead", "size", "only further up"],
)
def test_who_shares(of: Path, share: int) -> None:
    first = flops(of, "patch_embed", "block.0")
    assert accounted_flops(of, WORLD) == pytest.approx(path_flops(of, 2) - first * (1 - 1 / share))


def test_what_is_not_stored_yet_is_shared_with_nobody() -> None:
    fresh = replace(ONE, task="four", components=tuple(replace(c, digest="") for c in ONE.components))
    assert accounted_flops(fresh, WORLD) == path_flops(fresh, 2)


def test_sharing_makes_a_path_cheaper_and_so_better() -> None:
    terms = {"factor": 0.9, "params": 1e6, "flops": 1e7}
    shared, plain = (part.score(ONE, 0.8, WORLD) for part in (SharedCompute(**terms), SizeAndCompute(**terms)))
    assert plain < shared < 0.8
    expected = SizeAndCompute(**terms).penalised(0.8, WORLD.accounted_params(ONE), accounted_flops(ONE, WORLD))
    assert shared == expected
