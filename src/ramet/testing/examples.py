"""A small made-up system to ask parts about: two roots, and tasks that grew from them, with all kinds of paths."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt

from ramet.base.records import Architecture, Component, Path, content_id
from ramet.method.document.presets import load
from ramet.method.mutation import start
from ramet.method.protocols import Candidates, Images, Member
from ramet.method.world import World
from ramet.testing.steady import holds
from ramet.vit import spec

T = TypeVar("T")

TINY = Architecture(patch_size=16, width=192, heads=3, mlp_width=768, layers=3, image_size=32)
CLASSES = 10
TASK = "task"
METHOD = load("mu2net-plus@characters")


def root(tag: str = "root", *, untrained: bool = False) -> Path:
    """A root of three blocks."""
    dimensions = spec.dimensions({"data.image_size": 32}, CLASSES)
    components = tuple(
        Component(name, content_id([tag, name]), spec.size(TINY, name, dimensions), untrained=untrained)
        for name in spec.component_names(TINY.layers)
    )
    own = {"layers": TINY.layers, "data.image_size": TINY.image_size}
    return Path("", None, TINY, components, own, agent="root").identified()


def grown(parent: Path, task: str, trained: Sequence[str], *, inserted: Sequence[str] = (), quality: float) -> Path:
    """A path that a task has learned from a parent, by training some components and inserting others."""
    values = {**start(METHOD.space(TINY), parent), "lora_rank": 4}
    dimensions = spec.dimensions(values, CLASSES)
    names = spec.component_names(TINY.layers, [*(c.name for c in parent.components), *inserted])

    def component(name: str) -> Component:
        kept = parent.component(name)
        if kept is not None and name not in trained:
            return kept
        return Component(name, content_id([parent.id, task, name]), spec.size(TINY, name, dimensions), "momentum", task)

    return Path(
        "", task, TINY, tuple(map(component, names)), values,
        mu={"clone:block.2": 0.2, "hp:opt.lr": 0.1}, parent=parent.id, parent_task=parent.task, agent="agent",
        trained=(*trained, *inserted), metrics={"quality": quality, "test_quality": quality / 2},
    ).identified()  # fmt: skip


ROOTS = (root(), root("second", untrained=True))
OWN = (
    grown(ROOTS[0], TASK, ["block.2", "norm", "head"], quality=0.7),
    grown(ROOTS[0], TASK, ["norm", "head"], inserted=["adapter.1", "lora.0"], quality=0.6),
    grown(ROOTS[1], TASK, ["patch_embed", "pos_embed", "head"], quality=0.5),
)
OTHERS = (
    grown(ROOTS[0], "alpha", ["head"], quality=0.9),
    grown(OWN[0], "beta", ["block.0", "head"], quality=0.3),
    grown(ROOTS[0], "gamma", ["norm", "head"], inserted=["adapter.0"], quality=0.4),
)
WORLDS = (
    World.of({}, ROOTS[:1]),
    World.of({TASK: OWN[0], **{path.task or "": path for path in OTHERS}}, ROOTS),
)


@contextmanager
def untouched(part: T) -> Iterator[T]:
    """Give a part, and make sure that it leaves the examples as they are; they are mended before anybody is told.

    Raises:
        Broken: it did not.
    """
    mappings = [
        cast(dict[str, Any], held)
        for path in (*ROOTS, *OWN, *OTHERS)
        for held in (path.hyperparameters, path.mu, path.metrics)
    ]
    before = [dict(held) for held in mappings]
    try:
        yield part
    finally:
        changed = mappings != before
        for held, was in zip(mappings, before, strict=True):
            held.clear()
            held.update(was)
    holds(not changed, "it changes what it was given")


def lineage(path: Path) -> list[Path]:
    """The path and what it descends from, nearest first."""
    known = {one.id: one for one in (*ROOTS, *OWN, *OTHERS)}
    line = [path]
    while line[-1].parent is not None:
        line.append(known[line[-1].parent])
    return line


def candidates(seed: int, size: tuple[int, int, int], taken: Sequence[str] = ()) -> Candidates:
    """Some of the examples' paths: so many of the population, of the others and of the roots."""
    population, others, roots = size
    return Candidates(
        task=TASK,
        population=[Member(path, path.metrics["quality"]) for path in OWN[:population]],
        others=OTHERS[:others],
        roots=ROOTS[:roots],
        children={path: list(taken).count(path) for path in taken},
        taken=tuple(taken),
        rng=np.random.default_rng(seed),
        cycle_rng=lambda: np.random.default_rng([seed, 1]),
        images=Images(_features, lambda task, path: _fit(seed, task, path)),
    )


def _fit(seed: int, task: str, path: Path) -> float | None:
    """Of another task no images are here."""
    return float(np.random.default_rng([seed, *path.id.encode()]).random()) if task == TASK else None


def _features(task: str) -> npt.NDArray[np.float32] | None:
    """Of one task no images are here."""
    return None if task == "gamma" else np.random.default_rng(len(task)).normal(size=8).astype(np.float32)
