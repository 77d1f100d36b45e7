"""What came of an experiment, from records alone: of every variant, seed and task the path found, and what it took.

All is measured by the control's terms of the score too, in the system as it was when the trial ended: so variants with
other terms can be compared. What branches and objects were dropped since makes no difference.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from ramet.base.errors import RametError
from ramet.base.records import Child, Path
from ramet.experiment.design import Design, Variant
from ramet.method.protocols import Score
from ramet.method.score import path_flops
from ramet.method.world import World
from ramet.store.catalog.agents import Agent
from ramet.store.catalog.experiments import Trial
from ramet.system import System


@dataclass(frozen=True, slots=True)
class Outcome:
    """What a variant with a seed made of a task.

    score is by the control's terms, own_score by the variant's. examples, children, training_flops and seconds are what
    the search spent, over all its children. curve has the best score so far (by the control's terms) after so many
    training FLOPs. drawn and survived count mutations by kind: those of all children, and those on the way to the
    published path. mu has every action's probability at the start and in the published path. found: the path is this
    trial's, and not one that was there before.
    """

    variant: str
    seed: int
    task: str
    path: str
    found: bool
    score: float
    own_score: float
    quality: float
    test_quality: float
    accounted_params: float
    trained_params: int
    params: int
    flops: int
    examples: float
    children: int
    training_flops: float
    seconds: float
    curve: tuple[tuple[float, float], ...]
    drawn: Mapping[str, int]
    survived: Mapping[str, int]
    mu: Mapping[str, tuple[float, float]]


def outcomes(system: System, design: Design) -> list[Outcome]:
    """The outcomes of all trials that have ended, in the design's order of seeds, variants and tasks."""
    ended = {trial.branch: trial for trial in system.experiments.trials(design.name)}
    records = _Records(system, design)
    trials = [ended[slot.branch] for slot in design.slots() if slot.branch in ended]
    return [outcome for trial in trials for outcome in records.outcomes(trial)]


def kind(action: str) -> str:
    """An action without the place where it acts: `clone:block.3` is `clone:block`."""
    return re.sub(r"\.\d+$", "", action)


def climbed(points: Iterable[tuple[float, float]]) -> Iterator[tuple[float, float]]:
    """What was spent by and by, and the best score so far; from the first that there is. NaN is none."""
    spent, top = 0.0, -math.inf
    for cost, score in points:
        spent += cost
        top = max(top, -math.inf if math.isnan(score) else score)
        if top > -math.inf:
            yield spent, top


class _Records:
    """What all outcomes of an experiment are read from."""

    def __init__(self, system: System, design: Design) -> None:
        self.system = system
        self.design = design
        self.roots = tuple(system.roots().values())
        self.classes = {task.name: len(task.classes) for task in system.tasks.listed(removed=True)}
        self.terms = design.variant(design.control).score()
        self.own = {variant.name: _score(variant) for variant in design.variants}
        self.agents: dict[tuple[str, str], Agent] = {}
        for agent in system.runs():
            self.agents.setdefault((agent.branch, agent.task), agent)  # later ones are not the experiment's

    def outcomes(self, trial: Trial) -> Iterator[Outcome]:
        """What came of a trial, task by task."""
        world = World.of(self.system.versions.published(trial.commit), self.roots)
        for task in self.design.task_names:
            path, agent = world.published.get(task), self.agents.get((trial.branch, task))
            if path is not None and agent is not None and agent.state == "done":
                yield self._outcome(trial, world, path, agent)

    def _outcome(self, trial: Trial, world: World, path: Path, agent: Agent) -> Outcome:
        own = self.own[trial.variant]
        children = self.system.history(run=agent.id)
        way, origin = self._way(path, agent)
        return Outcome(
            variant=trial.variant,
            seed=trial.seed,
            task=agent.task,
            path=path.id,
            found=path.agent == agent.id,
            score=world.score(self.terms, path),
            own_score=world.score(own, path) if own else path.metrics["score"],
            quality=path.metrics["quality"],
            test_quality=path.metrics["test_quality"],
            accounted_params=world.accounted_params(path),
            trained_params=path.trained_params,
            params=path.params,
            flops=path_flops(path, self.classes[agent.task]),
            examples=_spent(children, "examples"),
            children=len(children),
            training_flops=_spent(children, "flops"),
            seconds=_spent(children, "seconds"),
            curve=tuple(climbed((c.cost["flops"], world.score(self.terms, c.path)) for c in children)),
            drawn=_kinds(children),
            survived=_kinds(child for child in children if child.path.id in way),
            mu=_moved(agent.method, origin, path),
        )

    def _way(self, path: Path, agent: Agent) -> tuple[set[str], Path | None]:
        """The paths of a run from its first one to the published one, and the path of before that they came from."""
        way: set[str] = set()
        for ancestor in reversed(self.system.lineage(path.id)):
            if ancestor.agent != agent.id:
                return way, ancestor
            way.add(ancestor.id)
        return way, None


def _score(variant: Variant) -> Score | None:
    """A variant's score; None where its code is not here any more: then it is told as it was recorded."""
    try:
        return variant.score()
    except RametError:
        return None


def _moved(method: Mapping[str, Any], origin: Path | None, path: Path) -> dict[str, tuple[float, float]]:
    """The probability of every action of a path, where its run began and in the end; nothing where none is learnt."""
    if not method["mutation"]["learned"]:
        return {}
    first = float(method["hyperparameters"]["mu"]["default"])
    before = origin.mu if origin is not None else {}
    return {action: (before.get(action, first), end) for action, end in sorted(path.mu.items())}


def _kinds(children: Iterable[Child]) -> dict[str, int]:
    return dict(sorted(Counter(kind(action) for child in children for action in child.mutations).items()))


def _spent(children: Sequence[Child], what: str) -> float:
    return sum(child.cost[what] for child in children)
