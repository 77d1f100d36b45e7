"""Which components a path of given hyperparameters needs, with their shapes, sizes and cost. No tensors, no torch."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import prod

from ramet.base.records import Architecture, Value
from ramet.vit import kinds
from ramet.vit.kinds import INSERTED, LAYERED, Dimensions, Shapes

STEM = ("patch_embed", "cls_token", "pos_embed")
READOUT = ("norm", "head")


def kind(name: str) -> str:
    """Return the name of a component's kind: `block` of `block.3`."""
    return name.partition(".")[0]


def index(name: str) -> int:
    """Return the layer of a component: 3 of `block.3`."""
    return int(name.partition(".")[2])


def component_names(layers: int, inserted: Iterable[str] = ()) -> tuple[str, ...]:
    """Return the names of a path's components, in the order the input meets them.

    Args:
        layers: the number of transformer blocks.
        inserted: what there is of kinds that a layer may have or not, by name: `adapter.0`; all other names, and those
            of layers not there, are left out.
    """
    return _names(layers, frozenset(inserted))


@lru_cache(maxsize=1024)  # a plan of a child asks again and again
def _names(layers: int, inserted: frozenset[str]) -> tuple[str, ...]:
    body = {name for name in inserted if kinds.find(name).place in INSERTED} | {f"block.{i}" for i in range(layers)}
    placed = sorted((index(n), LAYERED.index(kinds.find(n).place), n) for n in body if index(n) < layers)
    return (*STEM, *(name for _, _, name in placed), *READOUT)


def root_names(architecture: Architecture) -> tuple[str, ...]:
    """Return the names of a root's components: all but the head."""
    return component_names(architecture.layers)[:-1]


def dimensions(hyperparameters: Mapping[str, Value], classes: int) -> Dimensions:
    """Return what sizes a path's components beside its architecture."""
    sizes = tuple(sorted((name, value) for name, value in hyperparameters.items() if type(value) is int))
    return Dimensions(int(hyperparameters["data.image_size"]), classes, sizes)


def shapes(architecture: Architecture, name: str, dimensions: Dimensions) -> Shapes:
    """Return the shapes of a component's tensors, by their names."""
    return kinds.find(name).shapes(architecture, dimensions)


@lru_cache(maxsize=4096)  # a plan of a child asks again and again
def size(architecture: Architecture, name: str, dimensions: Dimensions) -> int:
    """Return the number of parameters of a component."""
    return sum(prod(shape) for shape in shapes(architecture, name, dimensions).values())


def component_flops(architecture: Architecture, name: str, dimensions: Dimensions) -> int:
    """Return the FLOPs of a component in one forward pass of one image (see Kind.flops)."""
    return kinds.find(name).flops(architecture, dimensions)


def flops(architecture: Architecture, names: Iterable[str], dimensions: Dimensions) -> int:
    """Return the FLOPs of one forward pass of one image through a path of these components (METHOD section 6)."""
    return _flops(architecture, tuple(names), dimensions)


@lru_cache(maxsize=1024)  # a system's paths differ in little of this
def _flops(architecture: Architecture, names: tuple[str, ...], dimensions: Dimensions) -> int:
    return sum(component_flops(architecture, name, dimensions) for name in names)
