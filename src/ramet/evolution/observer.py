"""What an evolution tells whoever watches it. Every method does nothing unless overridden."""

from collections.abc import Sequence
from dataclasses import dataclass

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


class Observer:
    """Watches the runs of agents; the command line draws progress bars from it."""

    def warned(self, text: str) -> None:
        """Something that the user should know, and that does not stop the work."""

    def skipped(self, task: str) -> None:
        """The call had finished this task already when it was stopped before."""

    def cached(self, done: int, total: int) -> None:
        """A task's images are being decoded anew: done of total."""

    def run_started(self, plan: Plan) -> None:
        """A run starts, or resumes where it was stopped."""

    def generation_started(self, cycle: int, samples_done: int, children: int, best: float) -> None:
        """Children are about to be trained; best is the best score so far, NaN while there is none."""

    def trained(self, steps: int, total_steps: int, qualities: Sequence[float]) -> None:
        """The generation has made steps of total_steps; the best quality of each child so far."""

    def generation_finished(self, children: Sequence[Child], best: float) -> None:
        """A generation is on record."""

    def tested(self, done: int, total: int) -> None:
        """The best path's test quality is being measured: examples done of total."""

    def cycle_finished(self, cycle: int, best: Path | None, published: bool) -> None:
        """A cycle is over; its best path is published, unless it was before."""
