"""Reads a study's records from its system's catalog: of every variant, seed and task the path found, and what it took.

All is measured by the control's terms of the score too, in the system as it was when the branch had learned its last
task: so variants with other terms can be compared. What branches and objects were dropped since makes no difference.
"""

import math
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from ramet.base.errors import RametError
from ramet.base.records import Child, Path
from ramet.method.protocols import Score
from ramet.method.world import World, path_flops
from ramet.store.catalog.agents import Agent
from ramet.store.catalog.experiments import Trial
from ramet.study.data import described
from ramet.study.design import Design, Slot, Variant
from ramet.study.record import ID_LENGTH, Record, Study, Tried
from ramet.system import System


def study_of(system: System, name: str) -> Study:
    """Return an experiment of a system with the records of all trials that have ended.

    Raises:
        UnknownName: there is no such experiment.
    """
    experiment = system.experiments.get(name)
    design = Design.model_validate(experiment.design)
    return Study(design, experiment.base, experiment.time, tuple(_Reader(system, design).records()))


class _Reader:
    """The source of all records of a study."""

    def __init__(self, system: System, design: Design) -> None:
        self.system = system
        self.design = design
        self.roots = tuple(system.roots().values())
        self.tasks = {task.name: task for task in system.tasks.listed(removed=True)}
        self.terms = design.variant(design.control).score()
        self.own = {variant.name: _score(variant) for variant in design.variants}
        self.agents: dict[tuple[str, str], Agent] = {}
        for agent in system.runs():
            self.agents.setdefault((agent.branch, agent.task), agent)  # later ones are not the study's

    def records(self) -> Iterator[Record]:
        """Yield the records in the design's order of seeds, variants and tasks."""
        ended: dict[str, dict[str, Trial]] = {}
        for trial in self.system.experiments.trials(self.design.name):
            ended.setdefault(trial.branch, {})[trial.task] = trial
        for slot in self.design.slots():
            trials = ended.get(slot.branch)
            if trials:
                last = max(trials.values(), key=lambda trial: trial.number)
                world = World.of(self.system.versions.published(last.commit), self.roots)
                for task in self.design.tasks_of(slot):
                    if task in trials:
                        yield self._record(slot, trials[task], world)

    def _record(self, slot: Slot, trial: Trial, world: World) -> Record:
        record = Record(
            variant=slot.variant,
            seed=slot.seed,
            task=trial.task,
            order=self.design.task_names.index(trial.task),
            number=trial.number,
            alone=bool(slot.alone),
            state=trial.state,
            error=trial.problem,
            **trial.details,
        )
        path, agent = world.published.get(trial.task), self.agents.get((slot.branch, trial.task))
        if trial.state != "done" or path is None or agent is None:
            return record
        task, own = self.tasks[trial.task], self.own[slot.variant]
        children = self.system.history(run=agent.id)
        before = (one for one in reversed(self.system.lineage(path.id)) if one.agent != agent.id)
        return replace(
            record,
            data=described(task),
            splits=task.splits,
            classes=len(task.classes),
            path=path.id,
            found=path.agent == agent.id,
            score=world.score(self.terms, path),
            own_score=world.score(own, path) if own else path.metrics["score"],
            quality=path.metrics["quality"],
            test_quality=path.metrics["test_quality"],
            accounted_params=world.accounted_params(path),
            trained_params=path.trained_params,
            params=path.params,
            flops=path_flops(path, len(task.classes)),
            examples=sum(child.cost["examples"] for child in children),
            children=len(children),
            training_flops=sum(child.cost["flops"] for child in children),
            seconds=sum(child.cost["seconds"] for child in children),
            parent_task=path.parent_task,
            components={c.name: (c.digest[:ID_LENGTH], c.size) for c in path.components},
            mu=_moved(agent.method, next(before, None), path),
            tried=tuple(self._tried(child, world) for child in children),
        )

    def _tried(self, child: Child, world: World) -> Tried:
        return Tried(
            path=child.path.id,
            parent=child.path.parent,
            cycle=child.cycle,
            generation=child.generation,
            number=child.number,
            status=child.status,
            mutations=child.mutations,
            curve=tuple(map(_number, child.curve)),
            examples=child.cost["examples"],
            flops=child.cost["flops"],
            seconds=child.cost["seconds"],
            score=_number(world.score(self.terms, child.path)),
        )


def _number(value: float) -> float | None:
    return value if math.isfinite(value) else None


def _score(variant: Variant) -> Score | None:
    """Return a variant's score; None where its code is not here any more: then it is told as it was recorded."""
    try:
        return variant.score()
    except RametError:
        return None


def _moved(method: Mapping[str, Any], origin: Path | None, path: Path) -> dict[str, tuple[float, float]]:
    """Return the probability of every action where a path's run began and in the end; nothing where none is learned.

    origin is the path of before that the run's way to its published one came from.
    """
    if not method["mutation"]["learned"]:
        return {}
    first = float(method["hyperparameters"]["mu"]["default"])
    before = origin.mu if origin is not None else {}
    return {action: (before.get(action, first), end) for action, end in sorted(path.mu.items())}
