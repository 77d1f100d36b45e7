"""What the tests of this floor share: hand-made roots, a fake trainer, bounds for frequencies."""

from dataclasses import replace
from math import sqrt

from ramet.base.records import Architecture, Component, Path, content_id
from ramet.method.document import presets
from ramet.method.document.schema import Method
from ramet.method.plan import ChildPlan
from ramet.vit import spec
from ramet.vit.kinds import Dimensions

TINY = Architecture(patch_size=16, width=192, heads=3, mlp_width=768, layers=3, image_size=32)
BASE = Architecture(patch_size=16, width=768, heads=12, mlp_width=3072, layers=12, image_size=224)


def method(name: str = "characters", **overrides: str) -> Method:
    """A preset; `opt__lr="0.1"` overrides opt.lr."""
    return presets.load(name, {key.replace("__", "."): text for key, text in overrides.items()})


def still(**overrides: str) -> Method:
    """A method in which nothing happens but what a test switches on: no learning, clones, adapters or steps."""
    quiet = {
        "mutation__learned": "false",
        "mutation__adapters": "never",
        "mutation__hyperparameters": "never",
        "mutation__clone": '{"*": never}',
    }
    return method(**{**quiet, **overrides})


def component(name: str, size: int, *tag: object, untrained: bool = False) -> Component:
    return Component(name, content_id([name, size, *map(str, tag)]), size, untrained=untrained)


def root(architecture: Architecture = TINY, *, tag: str = "root", untrained: bool = False) -> Path:
    """A root as an import makes it: all components, hyperparameters of its own."""
    names = spec.component_names(architecture.layers)
    parts = tuple(
        component(
            name,
            spec.size(architecture, name, Dimensions(architecture.image_size, 2, (("adapter_width", 1),))),
            tag,
            untrained=untrained,
        )
        for name in names
    )
    own = {"layers": architecture.layers, "data.image_size": architecture.image_size}
    return Path("", None, architecture, parts, own, agent="root").identified()


def trained(plan: ChildPlan, agent: str = "agent", tag: object = "") -> Path:
    """What training makes of a plan, without training: trainable parts become components of their own."""
    parts = []
    for part in plan.parts:
        size = part_size(plan, part.name)
        own = component(part.name, size, plan.parent.id, plan.task, agent, tag, plan.mutations)
        parts.append(own if part.trainable or part.origin is None else part.origin)
    return Path(
        "",
        plan.task,
        plan.parent.architecture,
        tuple(parts),
        plan.hyperparameters,
        plan.mu,
        parent=plan.parent.id,
        agent=agent,
        trained=tuple(part.name for part in plan.parts if part.trainable),
    ).identified()


def part_size(plan: ChildPlan, name: str) -> int:
    return spec.size(plan.parent.architecture, name, plan.dimensions)


def with_values(path: Path, **values: bool | int | float) -> Path:
    """The path with other hyperparameters (`opt__lr`)."""
    changed = {key.replace("__", "."): value for key, value in values.items()}
    return replace(path, hyperparameters={**path.hyperparameters, **changed})


def assert_frequency(hits: int, draws: int, probability: float) -> None:
    """A binomial count within 4 standard deviations of its mean; with fixed seeds it either always holds or never."""
    mean, deviation = draws * probability, sqrt(draws * probability * (1 - probability))
    assert abs(hits - mean) <= 4 * deviation + 1e-9, f"{hits} of {draws}, expected {mean:.0f} ± {deviation:.0f}"
