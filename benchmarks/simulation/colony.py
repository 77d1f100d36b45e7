"""Grows a system of many tasks by `ramet.method.search`: all is real but training, which draws a quality."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from hashlib import sha256

from ramet.base.randomness import Key, seed_of
from ramet.base.records import Architecture, Component, Path
from ramet.method.document.schema import Method
from ramet.method.plan import ChildPlan, Trained
from ramet.method.search import State, begin, judge, propose
from ramet.method.world import World
from ramet.vit import spec

TINY = Architecture(patch_size=16, width=192, heads=3, mlp_width=768, layers=3, image_size=32)
CLASSES = 10


def root(architecture: Architecture = TINY) -> Path:
    """Return a root as an import makes it."""
    hyperparameters = {"layers": architecture.layers, "data.image_size": architecture.image_size}
    sizes = spec.dimensions(hyperparameters, classes=0)
    names = [name for name in spec.component_names(architecture.layers) if name != "head"]
    components = tuple(Component(name, f"root.{name}", spec.size(architecture, name, sizes)) for name in names)
    return Path("", None, architecture, components, hyperparameters, agent="root").identified()


def trained(plan: ChildPlan, key: Key, number: int) -> Trained:
    """Return what training could have made of a plan: objects of its own, and a quality drawn by the child's key.

    One in eight diverges.
    """
    name = ".".join(map(str, (*key, number)))
    digests = {p.name: (_digest(name, p.name), _digest(name, p.name, "momentum")) for p in plan.parts if p.trainable}
    quality = seed_of(name, "quality") / 2**64
    if quality < 1 / 8:
        return Trained(number, "diverged", (), {}, examples=1000, seconds=0.0)
    return Trained(number, None, (quality,), digests, examples=1000, seconds=0.0)


def _digest(*name: str) -> str:
    return sha256(".".join(name).encode()).hexdigest()


@dataclass
class Colony:
    """A growing system.

    Args:
        method: resolved.
        paths: all that ever joined a population, by id.
    """

    method: Method
    world: World = field(init=False)
    paths: dict[str, Path] = field(init=False)
    taken: dict[str, tuple[str, ...]] = field(default_factory=dict)
    label: str = field(init=False)

    def __post_init__(self) -> None:
        start = root()
        self.label = self.method.label
        self.world = World.of({}, [start])
        self.paths = {start.id: start}

    def lineage(self, id: str) -> Sequence[Path]:
        """Return a path and those it descends from, nearest first."""
        line = [self.paths[id]]
        while line[-1].parent is not None:
            line.append(self.paths[line[-1].parent])
        return line

    def learn(self, task: str, samples: int, cycle: int = 0) -> Path | None:
        """Carry out one cycle of an agent on a task, publish its best path, and return it."""
        taken = self.taken.get(task, ())
        start = State(
            self.method, self.label, task, CLASSES, self.world, self.lineage, agent=task, cycle=cycle, taken=taken
        )
        state, done = begin(start), 0
        while done < samples:
            plans = propose(state, min(self.method.budget.generation, samples - done))
            done += len(plans)
            state, children = judge(state, plans, [trained(plan, state.key, i) for i, plan in enumerate(plans)])
            self.paths |= {child.path.id: child.path for child in children if child.status == "joined"}
        self.taken[task] = state.taken
        if state.best is not None:
            self.world = self.world.publishing(state.best)
        return state.best

    @property
    def accounted(self) -> float:
        """Return the parameters that all paths and the roots account for; it is those that are stored."""
        return sum(map(self.world.accounted_params, self.live))

    @property
    def stored(self) -> int:
        """Return the parameters of all components that are held, each counted once."""
        return sum({c.digest: c.size for path in self.live for c in path.components}.values())

    @property
    def live(self) -> list[Path]:
        """Return all published paths and the roots."""
        return [*self.world.published.values(), *self.world.roots]
