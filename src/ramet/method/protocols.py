"""What each kind of part must do: the contracts that ramet keeps with its own parts and with everybody's.

Parts are told of the world by records, and of all randomness by a generator: a part that decides by these and its
settings alone gives the same run again, on another day and after a kill. `ramet.testing` checks a part.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, ClassVar, NamedTuple, Protocol

from ramet.base.records import Path, Value
from ramet.method.document.hyperparameters import Hyperparameter

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt
    from torch import Tensor

    from ramet.method.mutation import Draft
    from ramet.method.world import World

Features = Callable[[str], "npt.NDArray[np.float32] | None"]
"""The mean embedding of some of a task's training images by a root, by the task's name; None where it has none here."""


class Member(NamedTuple):
    """A path of a task's active population, and its score now."""

    path: Path
    score: float


Fit = Callable[[str, Path], float | None]
"""How well a linear head in closed form tells a task's classes apart on a path's features, all of them frozen: its
accuracy on training images that were left out, 0 to 1; None where the task's images are not here."""


def no_features(task: str) -> None:
    """Return None: nothing is known of any task's images."""


def no_fit(task: str, path: Path) -> None:
    """Return None: nothing is known of any task's images."""


@dataclass(frozen=True)
class Images:
    """The things that parts may ask about the images of tasks."""

    features: Features = no_features
    fit: Fit = no_fit


@dataclass(frozen=True)
class Candidates:
    """The paths that can become the parent of a child.

    task: the child's.
    population: the task's active population, best first; empty while nothing was learned.
    others: the best paths of the other tasks, by the tasks' names.
    roots: the root paths; there is at least one.
    children: how many children a path already had for this task, by its id.
    taken: the parents of all children so far, oldest first.
    rng: the draw's own generator.
    cycle_rng: makes a generator that is the same for all draws of the agent's cycle.
    images: what can be asked about the images of tasks, this one's and others'.
    """

    task: str
    population: Sequence[Member]
    others: Sequence[Path]
    roots: Sequence[Path]
    children: Mapping[str, int]
    taken: Sequence[str]
    rng: "np.random.Generator"
    cycle_rng: "Callable[[], np.random.Generator]"
    images: Images = field(default_factory=Images)

    @property
    def paths(self) -> list[Path]:
        """Return all of them: the population, the other tasks' best paths, the roots."""
        return [*(member.path for member in self.population), *self.others, *self.roots]


class ParentSelection(Protocol):
    """Draws the parent of a child (kind `parents`)."""

    def choose(self, among: Candidates) -> str:
        """Return the id of one of `among.paths`; every draw is from `among.rng` or `among.cycle_rng()`."""


class Pruning(Protocol):
    """Keeps the active population small (kind `pruning`)."""

    def prune(self, members: Sequence[Member], most: int | None) -> Sequence[Member]:
        """Return the members that stay: some of those given, in their order, at most `most` (None: no limit).

        It is asked after every generation; members come in the order they joined, and a score can be NaN.
        """


class Score(Protocol):
    """Says how good a path is, all things considered (kind `score`); more is better."""

    def score(self, path: Path, quality: float, world: "World") -> float:
        """Return the score of a path of this quality (validation accuracy, or NaN, which must stay NaN) in a world.

        The path may be published in it, or not be part of it yet. Between paths that cost the same, the one of the
        better quality has the better score, or an equal one.
        """


class MutationStep(Protocol):
    """One step from a parent to the plan of its child (kind `mutation`).

    A method's `mutation.steps` says which are taken, in order. hyperparameters are those that it brings along.
    """

    hyperparameters: ClassVar[tuple[type[Hyperparameter], ...]]

    def mutate(self, draft: "Draft") -> None:
        """Change the draft by its functions; whether, by `draft.decide` or `draft.acts`, other draws by `draft.rng`."""


class Schedule(Protocol):
    """The learning rate over a training (kind `schedule`); hyperparameters are those that it brings along."""

    hyperparameters: ClassVar[tuple[type[Hyperparameter], ...]]

    def factor(self, step: int, total: int, hyperparameters: Mapping[str, Value], start: float) -> float:
        """Return the rate of a step in units of `opt.lr`: a finite number of at least 0.

        Args:
            step: counted from 0, less than total.
            total: the number of steps of the whole training.
            hyperparameters: the child's.
            start: the method's training.warmup_start.
        """


class Augmentation(Protocol):
    """Changes training images after ramet's own augmentation (kind `augmentation`).

    draws is how many random numbers an image takes, hyperparameters the `data.*` that it brings along.
    """

    draws: ClassVar[int]
    hyperparameters: ClassVar[tuple[type[Hyperparameter], ...]]

    def apply(
        self, x_BCHW: "Tensor", u_BN: "npt.NDArray[np.float64]", hyperparameters: Mapping[str, Value]
    ) -> "Tensor":
        """Return changed images of the same shape, finite, from 0 to 1; the given ones stay as they are.

        What becomes of an image follows from it and from its own row of u alone, whatever batch it stands in.

        Args:
            x_BCHW: images from 0 to 1 at the children's image size.
            u_BN: `draws` uniform numbers in [0, 1) for every image.
            hyperparameters: those of the generation.
        """
