"""Paths ready to run, and several of them on one batch: what they hold in common from the input on is computed once."""

from collections import defaultdict
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from itertools import takewhile
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from ramet.base.records import Architecture
from ramet.runtime.device import MicroBatch, is_out_of_memory
from ramet.vit import spec
from ramet.vit.kinds import Tensors
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


def begin(paths: Sequence[Runnable], x: Tensor, micro: MicroBatch) -> tuple[Tensor, int]:
    """Return the activations of a whole batch where the first paths part, and how many stages that is from the images.

    Where memory is short they are the images, and 0: `run_shared` then works in pieces. Paths may drop out meanwhile.
    """
    programs = [path.program for path in paths]
    if not programs or micro.rows is not None:
        return x, 0
    together = [*takewhile(lambda keys: len({*keys}) == 1, zip(*(p.keys for p in programs), strict=False))]
    try:
        y = x
        with torch.no_grad():
            for stage in programs[0].stages[: len(together)]:
                y = stage.run(y)
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return x, 0
    return y, len(together)


def run_shared(paths: Sequence[R], x: Tensor, micro: MicroBatch, depth: int = 0) -> Iterator[tuple[R, slice, Tensor]]:
    """Give every path with the activations where its own part begins, sharing the stages before without gradients.

    Paths come depth first, so that only the activations along one branch are alive at a time. Each comes with the rows
    of the batch that the activations are of: all of them, or in pieces one after the other where memory does not do.
    """
    yield from _branches([(path, path.program) for path in paths], x, micro, depth)


def _branches(
    paths: Sequence[tuple[R, Program]], x: Tensor, micro: MicroBatch, depth: int
) -> Iterator[tuple[R, slice, Tensor]]:
    rows = slice(0, len(x))
    groups: dict[StageKey, list[tuple[R, Program]]] = defaultdict(list)
    for path, program in paths:
        if len(program.keys) == depth:
            yield path, rows, x
        else:
            groups[program.keys[depth]].append((path, program))
    for members in groups.values():
        run = partial(_without_gradient, members[0][1].stages[depth], x)
        for piece, y in micro.each(len(x), run):
            for path, of, z in _branches(members, y, micro, depth + 1):
                yield path, slice(piece.start + of.start, piece.start + of.stop), z


def _without_gradient(stage: Stage, x: Tensor, piece: slice) -> Tensor:
    with torch.no_grad():
        return stage.run(x[piece])
