"""The search of a task's path as pure functions of records: who becomes a parent of what child, and what stays.

`propose` plans a generation's children, `judge` says what became of them, `after` moves the state on by what is on
record. The agent, replay and simulations all search by these. Every draw is keyed by the state's key, a child's number
and what it is for, so equal states give equal plans.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from ramet.base.randomness import Key, generator
from ramet.base.records import Child, ChildStatus, Component, Path
from ramet.method.document.schema import Method
from ramet.method.mutation import Draft, plan_child, plan_data
from ramet.method.plan import ChildPlan, Trained, training_flops
from ramet.method.protocols import Candidates, Images, Member
from ramet.method.selection import joins, pruned, ranked, sample_parent
from ramet.method.world import World
from ramet.vit import spec

Lineage = Callable[[str], Sequence[Path]]
"""Of a path's id, the path and those it descends from, nearest first."""


@dataclass(frozen=True, eq=False)
class State:
    """All that a generation follows from. It is never changed: `after` makes the next one.

    The method is resolved, label its name on record; classes is how many the task has. world is the system as it was
    published when the cycle began, lineage who descends from whom on record, images what can be asked about those of
    tasks. agent is the id of the run; seed, run (its number among the task's), cycle and generation key its draws.
    population is the active one with its scores, in the order in which the paths joined; taken are the parents of all
    the task's children so far, oldest first.
    """

    method: Method
    label: str
    task: str
    classes: int
    world: World
    lineage: Lineage
    agent: str = ""
    seed: int = 0
    run: int = 0
    cycle: int = 0
    generation: int = 0
    population: tuple[Member, ...] = ()
    taken: tuple[str, ...] = ()
    images: Images = field(default_factory=Images)

    @property
    def key(self) -> Key:
        """Return what keys all draws of the generation, those of its training too."""
        return (self.seed, self.task, self.run, self.cycle, self.generation)

    @property
    def best(self) -> Path | None:
        """Return the path of the highest score (of equal ones the most recent), None while nothing was learned."""
        order = ranked(self.population)
        return order[0].path if order else None

    def score(self, path: Path) -> float:
        """Return the score of a measured path in the state's world."""
        return self.world.score(self.method.score, path)

    def is_live(self, path: Path) -> bool:
        """Tell whether a path is in the population, published or a root, so that its objects are sure to be there."""
        return self.world.has(path) or any(path.id == member.path.id for member in self.population)


def begin(state: State) -> State:
    """Return the state at the start of its cycle: the population is the task's published path, if there is one."""
    start = state.world.published.get(state.task)
    population = () if start is None else (Member(start, state.score(start)),)
    return replace(state, generation=0, population=population)


def propose(state: State, count: int) -> tuple[ChildPlan, ...]:
    """Plan a generation of children (METHOD section 2, steps a and b).

    Raises:
        PartError: a part of the method fails.
    """
    method, world, taken = state.method, state.world, [*state.taken]
    data = plan_data(method, state.best, world.roots[0].architecture, generator(*state.key, "data"))
    population, others = ranked(state.population), world.others(state.task)
    plans = []
    for child in range(count):
        candidates = Candidates(
            task=state.task,
            population=population,
            others=others,
            roots=world.roots,
            children=Counter(taken),
            taken=tuple(taken),
            rng=generator(*state.key, child, "parent"),
            cycle_rng=lambda: generator(*state.key[:-1], "rotation"),
            images=state.images,
        )
        parent = sample_parent(method.parents, candidates)
        taken.append(parent.id)
        draft = Draft(
            method,
            parent,
            task=state.task,
            classes=state.classes,
            agent=state.agent,
            data=data,
            ancestors=[path for path in state.lineage(parent.id) if state.is_live(path)],
            rng=generator(*state.key, child, "plan"),
        )
        plans.append(plan_child(draft))
    return tuple(plans)


def judge(state: State, plans: Sequence[ChildPlan], results: Sequence[Trained]) -> tuple[State, tuple[Child, ...]]:
    """Return the state after a generation, and the records of its children (METHOD section 2, steps c and d).

    state is the one that the plans were proposed from; results come in any order, their numbers are the plans' places.

    Raises:
        PartError: a part of the method fails.
    """
    in_order = sorted(results, key=lambda result: result.number)
    children = tuple(_judged(state, plans[result.number], result) for result in in_order)
    return after(state, children), children


def after(state: State, children: Sequence[Child]) -> State:
    """Return the state after a generation of these children; those of them that joined may be pruned."""
    method = state.method
    joined = [Member(child.path, child.path.metrics["score"]) for child in children if child.status == "joined"]
    return replace(
        state,
        generation=state.generation + 1,
        population=tuple(pruned(method.pruning, [*state.population, *joined], method.max_population)),
        taken=(*state.taken, *(child.path.parent for child in children if child.path.parent)),
    )


def _judged(state: State, plan: ChildPlan, result: Trained) -> Child:
    """Return a child's record; one that does not join is recorded without the objects of what it trained."""
    path = _path(state, plan, result, result.digests)
    score = state.score(path)
    parent_score = state.score(plan.parent) if plan.parent.task == plan.task else None
    status: ChildStatus = result.failure or ("joined" if joins(score, parent_score) else "worse")
    kept = path if status == "joined" else _path(state, plan, result, {})
    return Child(
        path=replace(kept, metrics={**kept.metrics, "score": score}).identified(),
        status=status,
        cycle=state.cycle,
        generation=state.generation,
        number=result.number,
        mutations=plan.mutations,
        curve=result.curve,
        cost={
            "examples": float(result.examples),
            "seconds": result.seconds,
            "flops": float(training_flops(plan, result.examples)),
        },
        error=result.error,
    )


def _path(state: State, plan: ChildPlan, result: Trained, digests: Mapping[str, tuple[str, str]]) -> Path:
    """Return a trained child as a path; components that were trained but are not stored have no digest."""
    parent = plan.parent
    components = []
    for part in plan.parts:
        if part.origin is not None and not part.trainable:
            components.append(part.origin)
            continue
        digest, momentum = digests.get(part.name, ("", None))
        size = spec.size(parent.architecture, part.name, plan.dimensions)
        components.append(Component(part.name, digest, size, momentum, task=plan.task))
    return Path(
        id="",
        task=plan.task,
        architecture=parent.architecture,
        components=tuple(components),
        hyperparameters=plan.hyperparameters,
        mu=plan.mu,
        parent=parent.id,
        parent_task=parent.parent_task if parent.task == plan.task else parent.task,
        agent=state.agent,
        trained=tuple(part.name for part in plan.parts if part.trainable),
        method=state.label,
        metrics={"quality": result.quality},
    )
