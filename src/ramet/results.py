"""What the facade answers with: small frozen values, which the command line prints as tables or JSON."""

from dataclasses import dataclass


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
    shares_with: tuple[str, ...] = ()
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
