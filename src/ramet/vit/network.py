"""A path's network as a chain of stages over its components' tensors.

No module objects: the tensors of a component, memory-mapped and shared by all paths that hold it, are used as they are.
A stage is what may be run once for several paths that hold the same components: the stem, then each component that
stands before or after a block, and each block with what stands inside it, then the readout. Where the head reads the
class token, the last block and what follows it belong to the readout: of the block only that token is worked out.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from torch import Tensor

from ramet.base.errors import InvalidValue
from ramet.base.records import Architecture
from ramet.vit import kinds, spec
from ramet.vit.kinds import INSERTED, Kind, Tensors, Within


@dataclass(frozen=True, eq=False, slots=True)
class Stage:
    """Components with their tensors that run one after the other."""

    names: tuple[str, ...]
    steps: tuple[tuple[Kind, Tensors], ...]
    within: Within

    def run(self, x: Tensor) -> Tensor:
        """Return tokens x_BLD, from the readout logits x_BK, of images x_BCHW in [-1, 1] (the stem) or tokens."""
        for kind, tensors in self.steps:
            x = kind.run(tensors, x, self.within)
        return x


def stage_names(architecture: Architecture, names: Sequence[str]) -> list[tuple[str, ...]]:
    """Return a path's component names, in the order the input meets them, grouped into its stages."""
    stem, body, readout, inside = [], [], [], []
    for name in names:
        match kinds.find(name).place:
            case "stem":
                stem.append(name)
            case "inside":
                inside.append(name)
            case "block":
                body.append((*inside, name))
                inside = []
            case "readout":
                readout.append(name)
            case _:
                body.append((name,))
    blocks = [i for i, stage in enumerate(body) if spec.kind(stage[-1]) == "block"]
    first = blocks[-1] if blocks and architecture.pool == "cls" else len(body)
    last = (name for stage in body[first:] for name in stage)
    return [tuple(stem), *body[:first], (*last, *readout)]


def stages(architecture: Architecture, parts: Mapping[str, Tensors]) -> tuple[Stage, ...]:
    """Return the stages of a path, whose components parts holds in their order."""
    made = []
    for names in stage_names(architecture, list(parts)):
        found = [(kinds.find(name), parts[name]) for name in names]
        of_block = [kind for kind, _ in found if kind.place != "readout"]
        reads_one = bool(of_block) and len(of_block) < len(found) and architecture.pool == "cls"
        outputs = 1 if reads_one and all(kind.tokenwise for kind in of_block if kind.place == "after") else None
        inside = tuple((kind, tensors) for kind, tensors in found if kind.place == "inside")
        steps = tuple((kind, tensors) for kind, tensors in found if kind.place != "inside")
        made.append(Stage(names, steps, Within(architecture, outputs, inside)))
    return tuple(made)


def forward(architecture: Architecture, parts: Mapping[str, Tensors], x_BCHW: Tensor) -> Tensor:
    """Return logits x_BK of images x_BCHW in [-1, 1]; parts holds the path's components in their order."""
    return run(stages(architecture, parts), x_BCHW)


def run(stages: Iterable[Stage], x: Tensor) -> Tensor:
    """Return what stages make of the input of the first, one after the other."""
    for stage in stages:
        x = stage.run(x)
    return x


def plain(parts: Mapping[str, Tensors]) -> dict[str, Tensors]:
    """Return the components without what was inserted, which is worked into the tensors of the blocks instead.

    Raises:
        InvalidValue: the path has a component that no block's tensors can stand for.
    """
    found: dict[str, Tensors] = dict(parts)
    for name, tensors in parts.items():
        kind = kinds.find(name)
        if kind.place in INSERTED:
            block = f"block.{spec.index(name)}"
            merged = kind.merged(tensors, found[block])
            if merged is None:
                problem = f"the path has {name}, which cannot become part of {block}, and a root is a plain transformer"
                raise InvalidValue(problem, f"take a task whose path has no {kind.name}")
            found[block] = merged
            del found[name]
    return found
