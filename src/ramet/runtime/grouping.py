"""Paths ready to run, and several of them on one batch: what they hold in common from the input on is computed once."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from ramet.base.records import Architecture
from ramet.runtime.device import MicroBatch
from ramet.vit import spec
from ramet.vit.kinds.kind import Tensors
from ramet.vit.network import Stage, stages

StageKey = tuple[Architecture, tuple[tuple[str, str], ...]]
"""What a frozen stage computes: its architecture, and the kind and digest of each component."""


@dataclass(frozen=True, eq=False, slots=True)
class Program:
    """A path's stages with their tensors, resolved once; keys are those of the first stages, which are frozen.

    Stages whose keys are equal compute the same from the same input, whichever paths they are of.
    """

    stages: tuple[Stage, ...]
    keys: tuple[StageKey, ...]

    @staticmethod
    def of(architecture: Architecture, parts: Mapping[str, Tensors], frozen: Mapping[str, str]) -> "Program":
        """Return the program of a path.

        Args:
            architecture: of the path.
            parts: the tensors of its components, in their order.
            frozen: the digests of those that nothing writes to, by name.
        """
        found = stages(architecture, parts)
        keys: list[StageKey] = []
        for stage in found[:-1]:
            if not all(name in frozen for name in stage.names):
                break
            keys.append((architecture, tuple((spec.kind(name), frozen[name]) for name in stage.names)))
        return Program(found, tuple(keys))

    def finish(self, x: Tensor) -> Tensor:
        """Return logits in float32 from the activations where the path's own part begins, as run_shared gives them."""
        for stage in self.stages[len(self.keys) :]:
            x = stage.run(x)
        return x.float()


class Runnable(Protocol):
    """A path that can share its frozen beginning with others."""

    @property
    def program(self) -> Program:
        """Return its stages."""
        ...


R = TypeVar("R", bound=Runnable)


def run_shared(paths: Sequence[R], x: Tensor, micro: MicroBatch, depth: int = 0) -> Iterator[tuple[R, slice, Tensor]]:
    """Give every path with the activations where its own part begins, sharing the stages before without gradients.

    Paths come depth first, so that only the activations along one branch are alive at a time. Each comes with the rows
    of the batch that the activations are of: all of them, or in pieces one after the other where memory does not do.
    """
    rows = slice(0, len(x))
    groups: dict[StageKey, list[R]] = defaultdict(list)
    for path in paths:
        if len(path.program.keys) == depth:
            yield path, rows, x
        else:
            groups[path.program.keys[depth]].append(path)
    for members in groups.values():
        run = partial(_without_gradient, members[0].program.stages[depth], x)
        for piece, y in micro.each(len(x), run):
            for path, of, z in run_shared(members, y, micro, depth + 1):
                yield path, slice(piece.start + of.start, piece.start + of.stop), z


def _without_gradient(stage: Stage, x: Tensor, piece: slice) -> Tensor:
    with torch.no_grad():
        return stage.run(x[piece])
