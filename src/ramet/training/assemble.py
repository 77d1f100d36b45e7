"""Executes a child's plan: which tensors it shares frozen, clones, inserts or makes new."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ramet.base.randomness import Key, seed_of
from ramet.method.plan import ChildPlan, Planned
from ramet.runtime.grouping import Program
from ramet.runtime.resident import Parts, Resident
from ramet.vit import kinds, spec
from ramet.vit.initial import new_component


@dataclass(frozen=True)
class Assembled:
    """A child's tensors on the device, ready to run.

    own holds the components whose tensors are the child's and take gradients, momentum what was inherited for them.
    """

    program: Program
    own: Parts
    momentum: Parts


def assemble(plan: ChildPlan, components: Resident, key: Key) -> Assembled:
    """Return the tensors of a planned child.

    Args:
        plan: what to keep, clone or make new.
        components: the frozen components on the device, and the store's reader.
        key: keys the initial values of new components.
    """
    parts: Parts = {}
    momentum: Parts = {}
    for part in plan.parts:
        if part.trainable:
            parts[part.name] = _own(plan, part, components, key)
            if part.origin and part.origin.momentum and _keeps_size(plan, part):
                inherited = components.load(part.origin.momentum)
                momentum[part.name] = _copied(inherited, components.device)
        else:
            assert part.origin is not None  # a plan makes every new component trainable
            parts[part.name] = components.component(part.name, part.origin.digest)
    frozen = {p.name: p.origin.digest for p in plan.parts if p.origin and not p.trainable}
    own = {p.name: parts[p.name] for p in plan.parts if p.trainable}
    return Assembled(Program.of(plan.parent.architecture, parts, frozen), own, momentum)


def _own(plan: ChildPlan, part: Planned, components: Resident, key: Key) -> dict[str, Tensor]:
    architecture, dimensions = plan.parent.architecture, plan.dimensions
    tensors: Mapping[str, Tensor]
    if part.origin is None:
        tensors = new_component(architecture, part.name, dimensions, seed=seed_of(*key, part.name))
    else:
        tensors = components.load(part.origin.digest)
        if not _keeps_size(plan, part):
            tensors = kinds.find(part.name).resized(tensors, architecture, dimensions)
    return {name: t.requires_grad_() for name, t in _copied(tensors, components.device).items()}


def _copied(tensors: Mapping[str, Tensor], device: torch.device) -> dict[str, Tensor]:
    return {name: t.to(device, copy=True) for name, t in tensors.items()}


def _keeps_size(plan: ChildPlan, part: Planned) -> bool:
    size = spec.size(plan.parent.architecture, part.name, plan.dimensions)
    return part.origin is None or part.origin.size == size
