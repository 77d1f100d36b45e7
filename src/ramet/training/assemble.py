"""Executes a child's plan: which tensors it shares frozen, clones, inserts or makes new."""

from collections.abc import Mapping
from dataclasses import dataclass

import torch
from torch import Tensor

from ramet.base.randomness import Key, seed_of
from ramet.method.plan import ChildPlan, Part
from ramet.runtime.resident import Load, Parts, on_device
from ramet.vit.initial import new_component, resample_pos_embed
from ramet.vit.network import stages
from ramet.vit.spec import size


@dataclass(frozen=True)
class Assembled:
    """A child's tensors on the device.

    parts holds every component in the path's order; trainable the names whose tensors are the child's own and take
    gradients; momentum what was inherited for them; shared_stages the keys of the stages that are frozen from the
    input on: two children that begin with equal keys compute the same there.
    """

    parts: Parts
    trainable: tuple[str, ...]
    momentum: Parts
    shared_stages: tuple[tuple[str, ...], ...]


def assemble(
    plan: ChildPlan, load: Load, key: Key, device: torch.device, frozen: dict[str, Mapping[str, Tensor]]
) -> Assembled:
    """The tensors of a planned child.

    Args:
        plan: what to keep, clone or make new.
        load: the store's reader.
        key: keys the initial values of new components.
        device: where the child will be trained.
        frozen: the frozen components that siblings hold there already, by digest; extended here.
    """
    parts: Parts = {}
    momentum: Parts = {}
    for part in plan.parts:
        if part.trainable:
            parts[part.name] = _own(plan, part, load, key, device)
            if part.origin and part.origin.momentum and _keeps_shape(plan, part):
                momentum[part.name] = on_device(device, load(part.origin.momentum))
        else:
            assert part.origin is not None  # a plan makes every new component trainable
            digest = part.origin.digest
            if digest not in frozen:
                frozen[digest] = on_device(device, load(digest))
            parts[part.name] = frozen[digest]
    return Assembled(parts, tuple(p.name for p in plan.parts if p.trainable), momentum, _shared_stages(plan))


def _own(plan: ChildPlan, part: Part, load: Load, key: Key, device: torch.device) -> dict[str, Tensor]:
    if part.origin is None:
        tensors: Mapping[str, Tensor] = new_component(
            plan.parent.architecture, part.name, **plan.dimensions, seed=seed_of(*key, part.name)
        )
    else:
        tensors = load(part.origin.digest)
        if not _keeps_shape(plan, part):
            image_size, patch_size = plan.dimensions["image_size"], plan.parent.architecture.patch_size
            tensors = {"value": resample_pos_embed(tensors["value"], image_size, patch_size)}
    return {name: t.to(device, copy=True).requires_grad_() for name, t in tensors.items()}


def _keeps_shape(plan: ChildPlan, part: Part) -> bool:
    return part.origin is None or part.origin.size == size(plan.parent.architecture, part.name, **plan.dimensions)


def _shared_stages(plan: ChildPlan) -> tuple[tuple[str, ...], ...]:
    by_name = {p.name: p for p in plan.parts}
    keys: list[tuple[str, ...]] = []
    for stage in stages(plan.parent.architecture, list(by_name)):
        members = [by_name[name] for name in stage]
        if any(m.trainable for m in members):
            break
        keys.append(tuple(m.origin.digest for m in members if m.origin))
    return tuple(keys)
