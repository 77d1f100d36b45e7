"""From a parent to the plan of its child (METHOD section 4), as pure functions of records and one generator.

All draws of a plan come from its generator in a fixed order (global µ, hyperparameters, adapters, components), so a
plan is the same wherever it is made.
"""

from collections.abc import Mapping, Sequence
from collections.abc import Set as AbstractSet

import numpy as np

from ramet.method.hyperparameters import DATA, DOMAINS, Choices, Number
from ramet.method.plan import ChildPlan, DataPlan, Part
from ramet.method.schema import Method
from ramet.records import Architecture, Component, Path, Value
from ramet.vit import spec

Space = Mapping[str, Choices]


class _Draws:
    """The decisions of one plan: draws them, learns the µ table, notes which came out."""

    def __init__(self, method: Method, space: Space, mu: Number, table: Mapping[str, float], rng: np.random.Generator):
        self.learned = method.mutation.learned
        self.steps = space["mu"]
        self.mu = float(mu)
        self.table = dict(table)
        self.rng = rng
        self.mutations: list[str] = []

    def decide(self, action: str) -> bool:
        """Whether to act, by the action's own probability, which moves with the global one (METHOD section 4)."""
        if not self.learned:
            return self.rng.random() < self.mu
        probability = self.steps.nearest(self.table.get(action, self.mu))
        if self.rng.random() < self.mu:
            probability = self.steps.step(probability, self._up())
        self.table[action] = float(probability)
        return self.rng.random() < probability

    def acts(self, action: str) -> bool:
        """The decision, noted where it is to act."""
        decided = self.decide(action)
        if decided:
            self.mutations.append(action)
        return decided

    def stepped(self, name: str, choices: Choices, value: Number) -> Number:
        """The hyperparameter's value after its decision."""
        if choices.fixed or not self.decide(f"hp:{name}"):
            return value
        new = choices.step(value, self._up())
        if new != value:
            self.mutations.append(f"hp:{name}")
        return new

    def _up(self) -> bool:
        return bool(self.rng.random() < 0.5)


def plan_data(method: Method, best: Path | None, architecture: Architecture, rng: np.random.Generator) -> DataPlan:
    """The data hyperparameters of a generation: the best path's, mutated; the defaults while there is none.

    METHOD section 2, step 2a.

    Args:
        method: whose values and defaults count.
        best: the best path of the task's active population.
        architecture: the root's, which the word `root` refers to.
        rng: the generation's own generator.
    """
    space = method.space(architecture)
    if best is None:
        return DataPlan({name: space[name].default for name in DATA})
    start = _start(space, best)
    draws = _Draws(method, space, start["mu"], best.mu, rng)
    values = {name: start[name] for name in DATA}
    if method.mutation.hyperparameters == "mutate":
        values = {name: draws.stepped(name, space[name], value) for name, value in values.items()}
    entries = {action: p for action, p in draws.table.items() if action.startswith("hp:data.")}
    return DataPlan(values, entries, tuple(draws.mutations))


def plan_child(
    method: Method,
    parent: Path,
    *,
    task: str,
    classes: int,
    agent: str,
    data: DataPlan,
    ancestors: Sequence[Path],
    rng: np.random.Generator,
) -> ChildPlan:
    """Plan a child of a parent (METHOD section 4).

    Args:
        method: what decides.
        parent: the path to mutate; of any task, or a root.
        task: the child's task.
        classes: the number of classes of that task.
        agent: the run that makes the child; what the parent trained in it for the task stays trainable.
        data: what the generation shares.
        ancestors: the parent's lineage that is on record, nearest first, the parent itself first.
        rng: the child's own generator.
    """
    space = method.space(parent.architecture)
    start = _start(space, parent)
    draws = _Draws(method, space, start["mu"], {**parent.mu, **data.mu}, rng)
    values: dict[str, Value] = {**_stepped(method, space, start, draws), **data.hyperparameters}
    layers = int(values["layers"])
    kept = _kept(parent, layers)
    inserted = _adapters(method, kept, layers, draws)
    # What sizes a kept component stays with it, though this method may not know of it.
    foreign = {spec.INSERTED[spec.kind(name)] for name in kept} - space.keys()
    values |= {name: parent.hyperparameters[name] for name in foreign}
    dimensions = spec.dimensions(values, classes)

    def part(name: str) -> Part:
        wanted = spec.size(parent.architecture, name, **dimensions)
        found = None if name in inserted else _origin(name, wanted, task, ancestors)
        if found is None:
            return Part(name, None, trainable=True)
        ancestor, component = found
        kept_trainable = name in ancestor.trained and (ancestor.task, ancestor.agent) == (task, agent)
        resampled = component.size != wanted
        return Part(name, component, kept_trainable or resampled or _clones(method, component, layers, draws))

    parts = tuple(part(name) for name in spec.component_names(layers, kept | inserted))
    values = {name: values[name] for name in (*DOMAINS, *sorted(foreign))}
    return ChildPlan(parent, task, classes, parts, values, draws.table, (*data.mutations, *draws.mutations))


def _start(space: Space, parent: Path) -> dict[str, Number]:
    """The parent's values, each the nearest of the method's; the defaults where it has none.

    A root's own are not taken over: no method made it, and `root` as a default says where they are wanted.
    """
    given = parent.hyperparameters if parent.task is not None else {}
    return {n: choices.nearest(given[n]) if n in given else choices.default for n, choices in space.items()}


def _stepped(method: Method, space: Space, start: Mapping[str, Number], draws: _Draws) -> dict[str, Number]:
    """The child's own hyperparameters. Global µ comes first in DOMAINS: its new value decides on all others."""
    values = {name: start[name] for name in DOMAINS if name not in DATA}
    if method.mutation.hyperparameters == "mutate":
        for name in values:
            values[name] = draws.stepped(name, space[name], start[name])
            draws.mu = float(values["mu"])
    return values


def _kept(parent: Path, layers: int) -> set[str]:
    """The names of what was inserted before, by whatever method. That of dropped layers goes with them."""
    inserted = (c.name for c in parent.components if spec.kind(c.name) in spec.INSERTED)
    return {name for name in inserted if spec.index(name) < layers}


def _adapters(method: Method, kept: AbstractSet[str], layers: int, draws: _Draws) -> set[str]:
    """The names of the adapters that are inserted."""
    possible = [f"adapter.{i}" for i in range(layers)]
    match method.mutation.adapters:
        case "always":
            return set(possible) - kept
        case "never":
            return set()
        case "mutate":
            return {name for name in possible if name not in kept and draws.acts(f"add:{name}")}


def _origin(name: str, size: int, task: str, ancestors: Sequence[Path]) -> tuple[Path, Component] | None:
    """Where a component comes from: the nearest ancestor that has one of its shape; None for a new one.

    A head must be of the same task; a position embedding may be of any size, as it can be resampled.
    """
    for ancestor in ancestors:
        if name == "head" and ancestor.task != task:
            continue
        component = ancestor.component(name)
        if component is not None and (component.size == size or name == "pos_embed"):
            return ancestor, component
    return None


def _clones(method: Method, component: Component, layers: int, draws: _Draws) -> bool:
    """Whether a frozen component becomes the child's own trainable copy. A head that is taken always does."""
    if component.name == "head" or (component.untrained and method.mutation.clone_untrained):
        return True
    rule = method.mutation.clone_rule(component.name, layers)
    return rule == "always" or (rule == "mutate" and draws.acts(f"clone:{component.name}"))
