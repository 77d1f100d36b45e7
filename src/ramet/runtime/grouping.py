"""Runs several paths on one batch, computing once what they hold in common from the input on."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Protocol, TypeVar

import torch
from torch import Tensor

from ramet.base.records import Architecture
from ramet.runtime.resident import Parts
from ramet.vit.network import run_stage, stages


class Runnable(Protocol):
    """A path that can share its frozen beginning with others.

    parts are its components in order; shared_stages the keys of its first stages that may be run once for all paths
    whose keys so far are equal.
    """

    @property
    def architecture(self) -> Architecture:
        """The fixed shape of the transformer."""
        ...

    @property
    def parts(self) -> Parts:
        """The tensors of every component."""
        ...

    @property
    def shared_stages(self) -> tuple[tuple[str, ...], ...]:
        """The keys of the frozen stages at the beginning."""
        ...


R = TypeVar("R", bound=Runnable)


def run_shared(paths: Sequence[R], x: Tensor, depth: int = 0) -> Iterator[tuple[R, Tensor]]:
    """Every path with the activations where its own part begins, sharing the stages before without gradients.

    Paths come depth first, so that only the activations along one branch are alive at a time.
    """
    groups: dict[tuple[str, ...], list[R]] = defaultdict(list)
    for path in paths:
        if len(path.shared_stages) == depth:
            yield path, x
        else:
            groups[path.shared_stages[depth]].append(path)
    for members in groups.values():
        first = members[0]
        with torch.no_grad():
            y = run_stage(first.architecture, stages(first.architecture, list(first.parts))[depth], first.parts, x)
        yield from run_shared(members, y, depth + 1)


def finish(path: Runnable, x: Tensor) -> Tensor:
    """Logits of a path from the activations that run_shared gave for it."""
    for stage in stages(path.architecture, list(path.parts))[len(path.shared_stages) :]:
        x = run_stage(path.architecture, stage, path.parts, x)
    return x
