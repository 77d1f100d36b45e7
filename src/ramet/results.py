"""What the facade answers with: small frozen values, which the command line prints as tables or JSON."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Literal, overload


class Others(Sequence[str]):
    """Names but one, in their order; all who leave out one of the same names hold these once."""

    __slots__ = ("_left_out", "_names")

    def __init__(self, names: tuple[str, ...], left_out: str) -> None:
        self._names = names  # left_out is one of them
        self._left_out = left_out

    def __len__(self) -> int:
        return len(self._names) - 1

    @overload
    def __getitem__(self, index: int) -> str: ...
    @overload
    def __getitem__(self, index: slice) -> tuple[str, ...]: ...
    def __getitem__(self, index: int | slice) -> str | tuple[str, ...]:
        return tuple(self)[index]

    def __iter__(self) -> Iterator[str]:
        return (name for name in self._names if name != self._left_out)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Sequence) and tuple(self) == tuple(other)

    def __hash__(self) -> int:
        return hash(tuple(self))

    def __repr__(self) -> str:
        return repr(tuple(self))


@dataclass(frozen=True)
class TaskStatus:
    """A task at a glance; what is measured of its published path is None while it has none.

    quality and test_quality are accuracies, score the method's (METHOD section 6) in the system of now. params counts
    the whole path, trained_params what was trained for the task, accounted_params each parameter divided by the agents
    that hold it. flops is of one forward pass of one image. parent_task is the task of the nearest ancestor of another
    task, None where that is a root; shares_with the tasks that hold one of its components. unfinished: a run of the
    task is under way, or was stopped before its end.
    """

    task: str
    classes: int
    path: str | None = None
    quality: float | None = None
    test_quality: float | None = None
    score: float | None = None
    params: int | None = None
    trained_params: int | None = None
    accounted_params: float | None = None
    flops: int | None = None
    layers: int | None = None
    image_size: int | None = None
    parent_task: str | None = None
    shares_with: Sequence[str] = ()
    method: str | None = None
    unfinished: bool = False


@dataclass(frozen=True)
class Evaluation:
    """The top-1 accuracy of a task's published path on a split."""

    task: str
    path: str
    split: str
    accuracy: float
    examples: int


@dataclass(frozen=True)
class Prediction:
    """What a task's path says of an image: every class with its probability, the likeliest first."""

    image: str
    probabilities: tuple[tuple[str, float], ...]

    @property
    def label(self) -> str:
        """The likeliest class."""
        return self.probabilities[0][0]

    @property
    def probability(self) -> float:
        """The probability of the likeliest class."""
        return self.probabilities[0][1]


@dataclass(frozen=True)
class QualityCheck:
    """A task's test quality as it was recorded and as it is measured again."""

    task: str
    path: str
    recorded: float
    measured: float

    @property
    def equal(self) -> bool:
        """Whether nothing was forgotten."""
        return self.recorded == self.measured


@dataclass(frozen=True)
class Branch:
    """A branch: its last commit with its time (ISO 8601, UTC) and message, and how many tasks have a path there.

    current: it is the one that the system was opened on.
    """

    name: str
    commit: str
    time: str
    message: str
    tasks: int
    current: bool


@dataclass(frozen=True)
class Figures:
    """A published path at a commit, in numbers (see TaskStatus)."""

    path: str
    quality: float | None
    test_quality: float | None
    params: int
    accounted_params: float
    flops: int


@dataclass(frozen=True)
class TaskDiff:
    """A task whose path is another one at the later of two commits; None where it has none.

    change is judged by quality, the validation accuracy. added are the components that nothing held at the first
    commit; shared those of the later path that other tasks or roots hold too.
    """

    task: str
    change: Literal["added", "removed", "better", "worse", "equal"]
    before: Figures | None
    after: Figures | None
    added: tuple[str, ...] = ()
    shared: tuple[str, ...] = ()


@dataclass(frozen=True)
class Total:
    """All that is published at a commit: the tasks, their mean qualities, all parameters (each once), mean FLOPs."""

    tasks: int
    quality: float | None
    test_quality: float | None
    params: int
    flops: float | None


@dataclass(frozen=True)
class Diff:
    """What lies between two commits: the tasks whose path differs, by name, and the whole system before and after."""

    before: str
    after: str
    tasks: tuple[TaskDiff, ...]
    total_before: Total
    total_after: Total


@dataclass(frozen=True)
class Choice:
    """A task that both sides of a merge changed: their paths, the side that was taken, and the scores that decided."""

    task: str
    ours: str | None
    theirs: str | None
    taken: Literal["ours", "theirs"]
    our_score: float | None = None
    their_score: float | None = None


@dataclass(frozen=True)
class Merged:
    """A merge: the branch's commit after it, and the tasks whose path was taken from the other side.

    how: `merge`, a commit with two parents; `forward`, the branch had nothing of its own and moved; `nothing`, it had
    all. choices are the tasks that both sides changed.
    """

    commit: str
    how: Literal["merge", "forward", "nothing"]
    taken: tuple[str, ...] = ()
    choices: tuple[Choice, ...] = ()


@dataclass(frozen=True)
class ReplayStep:
    """A child on the way to a path, trained again.

    otherwise says what is planned otherwise than it was; such a step is not trained. changed are the components whose
    bytes are others; only then are the qualities measured again, as equal bytes measure the same. verdict: `identical`,
    every byte is the same; `close`, the qualities are within the tolerance; `different`.
    """

    path: str
    task: str
    method: str
    cycle: int
    generation: int
    number: int
    mutations: tuple[str, ...]
    verdict: Literal["identical", "close", "different"]
    quality: float
    test_quality: float | None
    otherwise: tuple[str, ...] = ()
    changed: tuple[str, ...] = ()
    quality_now: float | None = None
    test_quality_now: float | None = None


@dataclass(frozen=True)
class Replay:
    """The lineage of a path trained again, from another task's path or a root on; it ends where a plan differs."""

    path: str
    start: str
    device: str
    tolerance: float
    steps: tuple[ReplayStep, ...]

    @property
    def agrees(self) -> bool:
        """Whether every step came out as it did before, to the byte or within the tolerance."""
        return all(step.verdict != "different" for step in self.steps)
