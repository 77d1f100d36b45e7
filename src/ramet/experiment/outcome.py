"""What came of an experiment, from records alone: of every variant, seed and task the path found, and what it took.

All is measured by the control's terms of the score too, in the system as it was when the trial ended: so variants with
other terms can be compared. What branches and objects were dropped since makes no difference.
"""

import math
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from ramet.evolution.world import World
from ramet.experiment.design import Design
from ramet.method.schema import Score
from ramet.method.score import path_flops
from ramet.records import Child, Path
from ramet.store.agents import Agent
from ramet.store.catalog import Catalog
from ramet.store.experiments import Trial


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


def outcomes(catalog: Catalog, design: Design) -> list[Outcome]:
    """The outcomes of all trials that have ended, in the design's order of seeds, variants and tasks."""
    ended = {trial.branch: trial for trial in catalog.trials(design.name)}
    agents: dict[tuple[str, str], Agent] = {}
    for agent in catalog.agents():
        agents.setdefault((agent.branch, agent.task), agent)  # later ones were not the experiment's
    yardstick = design.variant(design.control).loaded().score
    return [
        outcome
        for slot in design.slots()
        if (trial := ended.get(slot.branch))
        for outcome in _of_trial(catalog, design, trial, agents, yardstick)
    ]


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


def _of_trial(
    catalog: Catalog, design: Design, trial: Trial, agents: Mapping[tuple[str, str], Agent], yardstick: Score
) -> Iterator[Outcome]:
    world = World.of(catalog.published(trial.commit), catalog.roots().values())
    method = design.variant(trial.variant).loaded()
    for task in design.task_names:
        path, agent = world.published.get(task), agents.get((trial.branch, task))
        if path is None or agent is None or agent.state != "done":
            continue
        children = catalog.children(agent.id)
        classes = len(catalog.task(task, removed=True).classes)
        line = _line(catalog, path, agent)
        way = {one.id for one in line[:-1]}
        start = line[-1].mu if line[-1].task else {}
        yield Outcome(
            variant=trial.variant,
            seed=trial.seed,
            task=task,
            path=path.id,
            found=path.agent == agent.id,
            score=world.score(yardstick, path, classes),
            own_score=world.score(method.score, path, classes),
            quality=path.metrics["quality"],
            test_quality=path.metrics["test_quality"],
            accounted_params=world.accounted_params(path),
            trained_params=path.trained_params,
            params=path.params,
            flops=path_flops(path, classes),
            examples=_spent(children, "examples"),
            children=len(children),
            training_flops=_spent(children, "flops"),
            seconds=_spent(children, "seconds"),
            curve=tuple(climbed((c.cost["flops"], world.score(yardstick, c.path, classes)) for c in children)),
            drawn=_kinds(children),
            survived=_kinds(child for child in children if child.path.id in way),
            mu={action: (start.get(action, _first_mu(method, line)), end) for action, end in path.mu.items()},
        )
