"""What an engine is: the place where the children of a generation are trained, and paths are measured.

Plans and digests go in, digests and measurements come out; tensors travel only between an engine and the system's
store. The next engine is one more file here: the agent knows nothing but this.
"""

from contextlib import AbstractContextManager
from dataclasses import dataclass
from typing import Any, Literal, Protocol

from ramet.base.progress import QUIET, Progress
from ramet.base.randomness import Key
from ramet.base.records import Path, Task
from ramet.method.document.presets import load
from ramet.method.document.schema import Method
from ramet.method.plan import ChildPlan, Rounds, Trained

SplitName = Literal["train", "validation", "test"]


@dataclass(frozen=True)
class Generation:
    """Children to train side by side.

    method is resolved. key is (seed, task, run, cycle, generation): with it and a child's number every draw of its
    training is keyed, so a child comes out the same wherever, and with whatever siblings, it is trained. rounds says
    how much. Where keep is False it is a trial of speed: nothing is stored, and no digests come back.
    """

    task: Task
    method: Method
    key: Key
    plans: tuple[ChildPlan, ...]
    numbers: tuple[int, ...]
    rounds: Rounds
    keep: bool = True

    def __getstate__(self) -> dict[str, Any]:
        """Return what travels to another process: the method as a document, as parts of others have no home there."""
        return {**self.__dict__, "method": self.method.model_dump(mode="json")}

    def __setstate__(self, plain: dict[str, Any]) -> None:
        self.__dict__.update(plain, method=load(plain["method"]))


class Engine(AbstractContextManager["Engine", None], Protocol):
    """Trains and measures for one system; a context manager that closes itself.

    It reads the tasks' images and the objects of a system, and writes objects, but no record. One that dies leaves
    nothing behind but objects that nothing refers to.
    """

    @property
    def place(self) -> str:
        """Return where it trains, in words that are equal where equal bytes are to be expected: `cpu, 2 threads`."""
        ...

    def train(self, generation: Generation, progress: Progress = QUIET) -> list[Trained]:
        """Train a generation, and store the best checkpoint of every child that has one.

        A child that diverges, finds no memory or raises is told of as such, and the others go on without it.

        Args:
            generation: the plans; they agree on their data.* hyperparameters.
            progress: told `advanced("training", steps, all steps)` after every step or now and then, and
                `measured("child N", quality)` after its validations; what it raises ends the training.

        Returns:
            What came of each plan, in their order.

        Raises:
            DataError: the task's images cannot be read.
            ObjectError, StoreError: the store cannot be read or written.
        """
        ...

    def measure(self, task: Task, path: Path, split: SplitName, progress: Progress = QUIET) -> float:
        """Return the accuracy of a stored path on a split of its task.

        Args:
            task: the path's.
            path: all its objects are in the store.
            split: which examples.
            progress: told `advanced("testing", examples, all examples)`.

        Raises:
            DataError: the task's images cannot be read.
            ObjectError, StoreError: the store cannot be read.
        """
        ...

    def close(self) -> None:
        """Let go of all that it holds; it is not used afterwards."""
        ...
