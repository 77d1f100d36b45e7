"""What an evolution tells whoever watches it: how far it is, and what came of it."""

from collections.abc import Sequence
from dataclasses import dataclass

from ramet.base.progress import Progress
from ramet.base.records import Child, Path


@dataclass(frozen=True)
class Plan:
    """The size of what is under way: cycles and samples of a run, and how much of them is done already."""

    task: str
    method: str
    cycles: int
    samples_per_cycle: int
    cycle: int
    samples_done: int


class Observer(Progress):
    """Watches the runs of agents; every method does nothing unless overridden.

    What `advanced` names is "decoding" (images of a task), "training" (steps of the generation) or "testing" (images);
    what `measured` names is "child N" of the generation, by its validation accuracy.
    """

    def finished(self, task: str) -> None:
        """The task's last run came to its end by the same command, and nothing was asked for beyond it."""

    def run_started(self, plan: Plan) -> None:
        """A run starts, or resumes where it was stopped."""

    def generation_started(self, cycle: int, samples_done: int, children: int, best: float) -> None:
        """Children are about to be trained; best is the best score so far, NaN while there is none."""

    def generation_finished(self, children: Sequence[Child], best: float) -> None:
        """A generation is on record."""

    def cycle_finished(self, cycle: int, best: Path | None, published: bool) -> None:
        """A cycle is over; its best path is published, unless it was before."""
