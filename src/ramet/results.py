"""The facade's answers: small frozen values, which the command line prints as tables or JSON."""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, fields
from html import escape
from typing import Any, Literal, TypeVar, overload

from ramet.base.extras import extra

T = TypeVar("T")
Row = Callable[[Any], Mapping[str, object]]


class Listing(list[T]):
    """Records in a list, which a notebook shows as a table, and pandas takes as a frame.

    Args:
        items: the records, dataclasses of one kind.
        row: what a record's row shows, by column; all of its fields by default.
    """

    def __init__(self, items: Iterable[T] = (), row: Row | None = None) -> None:
        super().__init__(items)
        self._row = row or _fields

    def to_frame(self) -> Any:
        """Return a pandas DataFrame with a row a record.

        Raises:
            DataError: pandas is not installed.
        """
        return extra("pandas", "frames").DataFrame([dict(self._row(item)) for item in self])

    def _repr_html_(self) -> str:
        rows = [self._row(item) for item in self]
        titles = list(dict.fromkeys(title for row in rows for title in row))
        head = "".join(f"<th>{escape(title)}</th>" for title in titles)
        cells = ("".join(f"<td>{escape(_shown(row.get(title)))}</td>" for title in titles) for row in rows)
        return f"<table><thead><tr>{head}</tr></thead><tbody>{''.join(f'<tr>{c}</tr>' for c in cells)}</tbody></table>"


def _fields(item: Any) -> dict[str, object]:
    return {field.name: getattr(item, field.name) for field in fields(item)}


def _shown(value: object) -> str:
    if value is None:
        return ""
    if isinstance(value, float):
        return f"{value:.4g}"
    return ", ".join(map(str, value)) if isinstance(value, Sequence) and not isinstance(value, str) else str(value)


class Others(Sequence[str]):
    """Names but one, in their order; all that leave out one of the same names hold these once."""

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
class ClassDetail:
    """A class on a split: its examples, the share that is recognised, and the share of its predictions that is right.

    accuracy is None where the class has no example, precision where it is never predicted.
    """

    name: str
    examples: int
    accuracy: float | None
    precision: float | None

    @property
    def f1(self) -> float:
        """The harmonic mean of accuracy (recall) and precision; 0 where one of them is none."""
        together = (self.accuracy or 0.0) + (self.precision or 0.0)
        return 2 * (self.accuracy or 0.0) * (self.precision or 0.0) / together if together else 0.0


@dataclass(frozen=True)
class WrongImage:
    """An image that is taken for another class: its number in the split, and the probability of that class."""

    index: int
    label: str
    predicted: str
    probability: float


@dataclass(frozen=True)
class Details:
    """A split class by class.

    confusion counts the examples of each class (a row) by the class that is predicted (a column); worst are wrong
    images, the surest first.
    """

    classes: tuple[ClassDetail, ...]
    confusion: tuple[tuple[int, ...], ...]
    worst: tuple[WrongImage, ...]

    @property
    def balanced_accuracy(self) -> float:
        """The mean of the classes' accuracies, of those that have examples."""
        found = [c.accuracy for c in self.classes if c.accuracy is not None]
        return sum(found) / len(found)

    @property
    def macro_f1(self) -> float:
        """The mean of the classes' F1, of those that have examples or are predicted."""
        found = [c.f1 for c in self.classes if c.accuracy is not None or c.precision is not None]
        return sum(found) / len(found)


@dataclass(frozen=True)
class Evaluation:
    """The top-1 accuracy of a task's published path on a split; validation is the one that the path was chosen by."""

    task: str
    path: str
    split: str
    accuracy: float
    examples: int
    validation: float | None = None
    details: Details | None = None

    @property
    def interval(self) -> tuple[float, float]:
        """The 95 % interval of the accuracy (Wilson, 1927): chance alone moves it so far with so many examples."""
        return wilson(self.accuracy, self.examples)

    @property
    def below_validation(self) -> bool:
        """True where a test accuracy is lower than validation by more than chance and choice explain."""
        return self.split == "test" and self.validation is not None and self.interval[1] + 0.05 < self.validation


def wilson(share: float, count: int, z: float = 1.959964) -> tuple[float, float]:
    """Return the interval in which a true share lies by chance, of a share that was measured on so many examples."""
    middle = (share + z * z / (2 * count)) / (1 + z * z / count)
    half = z / (1 + z * z / count) * math.sqrt(share * (1 - share) / count + z * z / (4 * count * count))
    return max(0.0, middle - half), min(1.0, middle + half)


@dataclass(frozen=True)
class Prediction:
    """The answer of a task's path to an image: every class with its probability, the likeliest first."""

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
        """True where nothing was forgotten."""
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
    """The difference of two commits: the tasks whose path differs, by name, and the whole system before and after."""

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
    every byte is the same; `close`, the qualities are within the tolerance; `different`. place is where it was trained
    then.
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
    place: str = ""


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
        """True where every step came out as it did before, to the byte or within the tolerance."""
        return all(step.verdict != "different" for step in self.steps)
