"""Paths ready to run on a device, and several of them on one batch: what they share from the input on runs once."""

from collections import defaultdict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from itertools import takewhile
from threading import Lock

import torch
from torch import Tensor

from ramet.base.records import Architecture
from ramet.runtime.device import MicroBatch, computes_in_bf16, is_out_of_memory
from ramet.vit import kinds, spec
from ramet.vit.kinds import Tensors
from ramet.vit.network import Stage, run, stages

Parts = dict[str, Mapping[str, Tensor]]
Load = Callable[[str], Mapping[str, Tensor]]
"""Gives the tensors of an object by its digest (memory-mapped, never to be written)."""


class Resident:
    """Frozen components on a device, ready to compute with.

    On a CPU they are the very mappings that the store shares. Where one computes in bfloat16 (low), what only enters
    matrix products is cast once, here, to what autocast would make of it in every step.
    """

    def __init__(self, load: Load, device: torch.device, low: bool | None = None) -> None:
        self.load = load
        self.device = device
        self.low = computes_in_bf16(device) if low is None else low
        self._held: dict[tuple[str, str], Mapping[str, Tensor]] = {}
        self._lock = Lock()

    def component(self, name: str, digest: str) -> Mapping[str, Tensor]:
        """Return the tensors of a component of that name, never to be written."""
        kind = kinds.find(name)
        with self._lock:
            if (kind.name, digest) not in self._held:
                self._held[kind.name, digest] = self._brought(kind, self.load(digest))
            return self._held[kind.name, digest]

    def _brought(self, kind: kinds.Kind, tensors: Mapping[str, Tensor]) -> Mapping[str, Tensor]:
        if self.device.type == "cpu" and not self.low:
            return tensors
        low = kind.products if self.low else ()
        return {key: t.to(self.device, torch.bfloat16 if key.startswith(low) else None) for key, t in tensors.items()}


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
        shared = takewhile(lambda stage: frozen.keys() >= {*stage.names}, found[:-1])
        keys = ((architecture, tuple((spec.kind(name), frozen[name]) for name in stage.names)) for stage in shared)
        return Program(found, tuple(keys))

    def finish(self, x: Tensor) -> Tensor:
        """Return logits in float32 from the activations where the path's own part begins, as run_shared gives them."""
        return run(self.stages[len(self.keys) :], x).float()

    def features(self, x: Tensor, depth: int = 0) -> Tensor:
        """Return what the head is given (B, D), in float32, of what so many stages made of images."""
        *body, last = self.stages[depth:]
        readout = tuple((kind, tensors) for kind, tensors in last.steps if kind.name != "head")
        return run((*body, replace(last, steps=readout)), x).float()


def begin(programs: Sequence[Program], x: Tensor, micro: MicroBatch) -> tuple[Tensor, int]:
    """Return the activations of a whole batch where the first paths part, and how many stages that is from the images.

    Where memory is short they are the images, and 0: `run_shared` then works in pieces. Paths may drop out meanwhile.
    """
    if not programs or micro.rows is not None:
        return x, 0
    depth = sum(1 for _ in takewhile(lambda keys: len({*keys}) == 1, zip(*(p.keys for p in programs), strict=False)))
    try:
        with torch.no_grad():
            return run(programs[0].stages[:depth], x), depth
    except (RuntimeError, MemoryError) as error:
        if not is_out_of_memory(error):
            raise
        return x, 0


def run_shared(
    programs: Sequence[Program], x: Tensor, micro: MicroBatch, depth: int = 0
) -> Iterator[tuple[Program, slice, Tensor]]:
    """Give every path with the activations where its own part begins, sharing the stages before without gradients.

    Paths come depth first, so that only the activations along one branch are alive at a time. Each comes with the rows
    of the batch that the activations are of: all of them, or in pieces one after the other where memory does not do.

    Args:
        programs: of the paths.
        x: images x_BCHW, or the activations after some stages that all have in common.
        micro: how many rows are worked on at once.
        depth: how many stages x has been through.
    """
    rows = slice(0, len(x))
    groups: dict[StageKey, list[Program]] = defaultdict(list)
    for program in programs:
        if len(program.keys) == depth:
            yield program, rows, x
        else:
            groups[program.keys[depth]].append(program)
    for members in groups.values():
        for piece, y in micro.each(len(x), partial(_without_gradient, members[0].stages[depth], x)):
            for program, of, z in run_shared(members, y, micro, depth + 1):
                yield program, slice(piece.start + of.start, piece.start + of.stop), z


def _without_gradient(stage: Stage, x: Tensor, piece: slice) -> Tensor:
    with torch.no_grad():
        return stage.run(x[piece])
