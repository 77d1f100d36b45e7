"""An engine that trains nothing: what comes of a plan is drawn by its key, and time goes by on a clock of its own."""

from types import TracebackType
from typing import Self

from benchmarks.simulation.colony import trained

from ramet.base.progress import QUIET, Progress
from ramet.base.records import Path, Task
from ramet.engine.contract import Generation, SplitName
from ramet.method.plan import Trained, training_flops


class MadeUp:
    """An engine whose steps take a second for so many FLOPs; it keeps what it was asked to train."""

    def __init__(self, flops_a_second: float = 1e9) -> None:
        self.now = 0.0
        self.flops_a_second = flops_a_second
        self.asked: list[Generation] = []
        self.tested = 0.0

    place = "nowhere"

    def clock(self) -> float:
        return self.now

    def train(self, generation: Generation, progress: Progress = QUIET) -> list[Trained]:
        self.asked.append(generation)
        rounds, key = generation.rounds, generation.key
        for step in range(1, rounds.count * rounds.steps + 1):
            self.now += sum(training_flops(plan, rounds.batch) for plan in generation.plans) / self.flops_a_second
            progress.advanced("training", step, rounds.count * rounds.steps)
        numbered = zip(generation.numbers, generation.plans, strict=True)
        return [trained(plan, key, number) for number, plan in numbered]

    def measure(self, task: Task, path: Path, split: SplitName, progress: Progress = QUIET) -> float:
        assert split == "test"
        self.now += self.tested
        progress.advanced("testing", 1, 1)
        return 0.5

    def close(self) -> None:
        pass

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()
