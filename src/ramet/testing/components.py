"""What a component kind must keep: sizes and costs as it says, outputs as they were where it is inserted.

ramet.testing.check_kind(kinds.find("mine"))
"""

from dataclasses import replace

import torch
from torch import Tensor
from torch.utils.flop_counter import FlopCounterMode

from ramet.base.randomness import seed_of
from ramet.base.records import Architecture
from ramet.testing.examples import METHOD
from ramet.testing.steady import holds, steady
from ramet.vit import kinds, spec
from ramet.vit.initial import new_component
from ramet.vit.network import forward, plain

SMALL = Architecture(patch_size=4, width=24, heads=3, mlp_width=48, layers=2, image_size=12)
CLASSES = 5
TOLERANCE = 1e-4

Parts = dict[str, dict[str, Tensor]]


def check_kind(kind: kinds.Kind) -> None:
    """Run all checks of a kind that is registered.

    Raises:
        Broken: it does not keep one of them.
    """
    has_the_shapes_it_says(kind)
    costs_what_it_says(kind)
    leaves_its_tensors_alone(kind)
    changes_nothing_where_it_is_inserted(kind)
    can_learn(kind)
    is_worked_into_its_block_the_same(kind)


def has_the_shapes_it_says(kind: kinds.Kind) -> None:
    """A new component has the tensors of its shapes, and no other, all of them finite and of float32."""
    name = _component(kind)
    made, shapes = new_component(SMALL, name, _dimensions(kind), seed=0), spec.shapes(SMALL, name, _dimensions(kind))
    holds({key: tuple(t.shape) for key, t in made.items()} == dict(shapes), f"{name} has not the shapes it says")
    right = all(t.dtype == torch.float32 and bool(t.isfinite().all()) for t in made.values())
    holds(right, f"a tensor of a new {name} is not of finite float32 numbers")
    for beginning in (*kind.silent, *kind.products):
        holds(any(key.startswith(beginning) for key in shapes), f"no tensor of {name} begins with {beginning!r}")


def costs_what_it_says(kind: kinds.Kind) -> None:
    """Its FLOPs by the formula are those that are counted where it runs."""
    whole = replace(SMALL, pool="mean")  # which spares nothing of the last block
    names, dimensions = spec.component_names(SMALL.layers, _inserted(kind)), _dimensions(kind)
    parts = {
        name: {key: torch.empty(shape, device="meta") for key, shape in spec.shapes(whole, name, dimensions).items()}
        for name in names
    }
    with FlopCounterMode(display=False) as counter:
        forward(whole, parts, torch.empty(1, 3, SMALL.image_size, SMALL.image_size, device="meta"))
    counted, said = counter.get_total_flops(), spec.flops(whole, names, dimensions)
    holds(counted == said, f"a path with {kind.name} costs {said:,} FLOPs by the formula, and {counted:,} are counted")


def leaves_its_tensors_alone(kind: kinds.Kind) -> None:
    """The same tensors and images give the same, and running changes neither: they are shared with other paths."""
    parts, images = _path(kind, trained=True), _images()
    steady(lambda: forward(SMALL, parts, images), [images, *(t for part in parts.values() for t in part.values())])


def changes_nothing_where_it_is_inserted(kind: kinds.Kind) -> None:
    """A path's outputs are what they were before it was inserted."""
    if kind.place in kinds.INSERTED:
        before = forward(SMALL, _path(None), _images())
        after = forward(SMALL, _path(kind), _images())
        holds(_close(before, after), f"the outputs of a path change where a new {kind.name} is inserted")


def can_learn(kind: kinds.Kind) -> None:
    """A gradient reaches a new component: it does not stay as it is for ever."""
    parts, name = _path(kind), _component(kind)
    own = [tensor.requires_grad_() for tensor in parts[name].values()]
    loss = forward(SMALL, parts, _images().requires_grad_()).square().mean()
    gradients = torch.autograd.grad(loss, own, allow_unused=True)
    holds(any(g is not None and bool(g.abs().max() > 0) for g in gradients), f"no gradient reaches a new {name}")


def is_worked_into_its_block_the_same(kind: kinds.Kind) -> None:
    """If it can become part of its block, the block alone gives what both gave."""
    parts = _path(kind, trained=True)
    inserted = [name for name in parts if spec.kind(name) == kind.name and kind.place in kinds.INSERTED]
    if not inserted or any(kind.merged(parts[n], parts[f"block.{spec.index(n)}"]) is None for n in inserted):
        return
    merged = plain(parts)
    holds(not merged.keys() & {*inserted}, f"{kind.name} is worked into its block, and still there")
    same = _close(forward(SMALL, parts, _images()), forward(SMALL, merged, _images()))
    holds(same, f"a block that {kind.name} is worked into gives something else than both")


def _component(kind: kinds.Kind) -> str:
    return f"{kind.name}.1" if kind.place in kinds.LAYERED else kind.name


def _inserted(kind: kinds.Kind) -> list[str]:
    return [f"{kind.name}.{layer}" for layer in range(SMALL.layers)] if kind.place in kinds.INSERTED else []


def _dimensions(kind: kinds.Kind | None) -> kinds.Dimensions:
    values = {"data.image_size": SMALL.image_size, "adapter_width": 3, "lora_rank": 2}
    if kind is not None and kind.sized_by is not None:
        declared = METHOD.hyperparameters.get(kind.sized_by)
        default = declared.choices(kind.sized_by, SMALL).default if declared else 4
        values.setdefault(kind.sized_by, int(default))
    return spec.dimensions(values, CLASSES)


def _path(kind: kinds.Kind | None, *, trained: bool = False) -> Parts:
    """Return a path with the kind in every layer; its own components are new where it is not trained."""
    dimensions = _dimensions(kind)
    names = spec.component_names(SMALL.layers, _inserted(kind) if kind else ())
    parts = {name: new_component(SMALL, name, dimensions, seed=0) for name in names}
    new = {*_inserted(kind), _component(kind)} - {"head"} if kind and not trained else set()
    for name in {*names} - new:
        draws = torch.Generator().manual_seed(seed_of(name) % 2**63)
        parts[name] = {key: t + 0.3 * torch.randn(t.shape, generator=draws) for key, t in parts[name].items()}
    return parts


def _images() -> Tensor:
    return torch.rand((3, 3, SMALL.image_size, SMALL.image_size), generator=torch.Generator().manual_seed(1)) * 2 - 1


def _close(one: Tensor, other: Tensor) -> bool:
    return torch.allclose(one, other, atol=TOLERANCE, rtol=TOLERANCE)
