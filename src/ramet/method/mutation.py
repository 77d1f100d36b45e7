"""From a parent to the plan of its child (METHOD section 4), as pure functions of records and one generator.

A plan is made by the method's mutation steps, which change a draft of it one after the other. All draws come from its
generator in the order of the steps (of ramet's own: global µ, hyperparameters, adapters, clones), so a plan is the same
wherever it is made. No step can make one that cannot be trained: what is new or was trained for the task is trainable,
sizes follow from hyperparameters, and components stand in the order of the network.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import field_validator

from ramet.base.errors import InvalidValue, UnknownName
from ramet.base.records import Architecture, Path, Value
from ramet.base.text import did_you_mean
from ramet.method.document.hyperparameters import Choices, Number, is_shared
from ramet.method.document.schema import DEEP, Method, matches
from ramet.method.parts import Part, register, working
from ramet.method.plan import ChildPlan, DataPlan, Planned
from ramet.vit import kinds, spec
from ramet.vit.kinds.kind import Dimensions

if TYPE_CHECKING:
    import numpy as np

Space = Mapping[str, Choices]


def start(space: Space, parent: Path) -> dict[str, Number]:
    """Return the parent's values, each the nearest of the method's; the defaults where it has none.

    A root's own are not taken over: no method made it, and `root` as a default says where they are wanted.
    """
    given = parent.hyperparameters if parent.task is not None else {}
    return {n: choices.nearest(given[n]) if n in given else choices.default for n, choices in space.items()}


class Draws:
    """The decisions of one plan: draws them, learns the µ table, notes which came out."""

    def __init__(
        self, method: Method, space: Space, mu: Number, table: Mapping[str, float], rng: "np.random.Generator"
    ) -> None:
        self.method = method
        self.mu = float(mu)
        self.table = dict(table)
        self.rng = rng
        self.mutations: list[str] = []
        self._space = space

    def decide(self, action: str) -> bool:
        """Decide whether to act, by the action's own learned probability, or by the global µ where none is learned.

        The learned one moves a step along µ's values as often as the global µ says (METHOD section 4).
        """
        if not self.method.mutation.learned:
            return self.rng.random() < self.mu
        probability = self._space["mu"].nearest(self.table.get(action, self.mu))
        if self.rng.random() < self.mu:
            probability = self._space["mu"].step(probability, self._up())
        self.table[action] = float(probability)
        return self.rng.random() < probability

    def acts(self, action: str) -> bool:
        """Decide the same, noted among the child's mutations where it is to act: only where acting has an effect."""
        decided = self.decide(action)
        if decided:
            self.mutations.append(action)
        return decided

    def stepped(self, name: str, value: Number) -> Number:
        """Return a hyperparameter's value after its decision, which is noted if it moves."""
        choices = self._space[name]
        if choices.fixed or not self.decide(f"hp:{name}"):
            return value
        new = choices.step(value, self._up())
        if new != value:
            self.mutations.append(f"hp:{name}")
        return new

    def _up(self) -> bool:
        return bool(self.rng.random() < 0.5)


class Draft(Draws):
    """The child of a parent so far. To begin with it is the parent as it is, with the generation's data settings.

    Args:
        method: what decides.
        parent: the path to mutate; of any task, or a root. It is never changed.
        task: the child's task.
        classes: the number of classes of that task.
        agent: the run that makes the child.
        data: what the generation shares.
        ancestors: the parent's lineage that is on record, nearest first, the parent itself first.
        rng: the child's own generator.
    """

    def __init__(
        self,
        method: Method,
        parent: Path,
        *,
        task: str,
        classes: int,
        agent: str,
        data: DataPlan,
        ancestors: Sequence[Path],
        rng: "np.random.Generator",
    ) -> None:
        space = method.space(parent.architecture)
        self._values = {**start(space, parent), **data.hyperparameters}
        super().__init__(method, space, self._values["mu"], {**parent.mu, **data.mu}, rng)
        self.parent = parent
        self.task = task
        self.classes = classes
        self._agent = agent
        self._data = data
        self._ancestors = ancestors
        self._kept = {c.name for c in parent.components if kinds.find(c.name).place in kinds.INSERTED}
        self._new: set[str] = set()
        self._cloned: set[str] = set()
        self._dimensions: Dimensions | None = None

    @property
    def hyperparameters(self) -> Mapping[str, Value]:
        """Return the child's values: the method's, and what sizes a kept component that the method does not know of."""
        known = {name: self._values[name] for name in self.method.hyperparameters}
        sizing = {kinds.find(name).sized_by for name in self._kept if spec.index(name) < self.layers}
        foreign = {name for name in sizing if name is not None} - known.keys()
        return {**known, **{name: self.parent.hyperparameters[name] for name in sorted(foreign)}}

    @property
    def layers(self) -> int:
        """Return the child's number of layers."""
        return int(self._values["layers"])

    @property
    def components(self) -> tuple[str, ...]:
        """Return the names of the child's components, in the order the input meets them."""
        return spec.component_names(self.layers, self._kept | self._new)

    def step(self, name: str) -> None:
        """Decide whether a hyperparameter moves a position up or down its values; noted if it does.

        Raises:
            UnknownName: the method has none of that name.
            InvalidValue: the whole generation shares it.
        """
        self._own(name)
        self._set(name, self.stepped(name, self._values[name]))

    def change(self, name: str, value: Value) -> None:
        """Give a hyperparameter another of its values.

        Raises:
            UnknownName: the method has none of that name.
            InvalidValue: the whole generation shares it, or the value is not one of its list.
        """
        choices = self._own(name)
        if value not in choices.values:
            shown = ", ".join(map(str, choices.values))
            raise InvalidValue(f"{name} cannot be {value!r} in this method", f"choose one of {shown}")
        self._set(name, choices.nearest(value))

    def insert(self, name: str) -> None:
        """Add a new component of a kind that layers may have or not, such as `adapter.0`, where its kind stands.

        Raises:
            UnknownName: there is no such kind.
            InvalidValue: it is there already, or cannot be inserted into a path of these layers.
        """
        possible = kinds.find(name).place in kinds.INSERTED and name.partition(".")[2] in map(str, range(self.layers))
        if not possible or name in self.components:
            inserted = ", ".join(kind.name for kind in kinds.known() if kind.place in kinds.INSERTED)
            raise InvalidValue(
                f"{name!r} cannot be inserted into {', '.join(self.components)}",
                f"insert a KIND.LAYER that is not there, of the kinds {inserted}",
            )
        self._new.add(name)

    def is_frozen(self, name: str) -> bool:
        """Return True where a component is the parent's as it is, so far: cloning it would make a difference.

        What is new, resampled, or was trained for the task by the same run is trainable anyway, and so is a head.
        """
        return not self._planned(name).trainable

    def is_untrained(self, name: str) -> bool:
        """Return True where a component is what a random root drew, and no task has trained."""
        origin = self._planned(name).origin
        return origin is not None and origin.untrained

    def clone(self, name: str) -> None:
        """Make a component the child's own trainable copy.

        Raises:
            UnknownName: the child has none of that name.
        """
        if name not in self.components:
            raise UnknownName(f"the child has no component {name!r}", did_you_mean(name, self.components))
        self._cloned.add(name)

    def plan(self) -> ChildPlan:
        """Return the plan of the child as it is now."""
        parts = tuple(self._planned(name) for name in self.components)
        mutations = (*self._data.mutations, *self.mutations)
        return ChildPlan(self.parent, self.task, self.classes, parts, self.hyperparameters, self.table, mutations)

    def _own(self, name: str) -> Choices:
        """Return the choices of a hyperparameter that is the child's own."""
        if name not in self._space:
            raise UnknownName(f"the method has no hyperparameter {name!r}", did_you_mean(name, self._space))
        if is_shared(name):
            raise InvalidValue(f"{name} is shared by the whole generation", "change one that is the child's own")
        return self._space[name]

    def _set(self, name: str, value: Number) -> None:
        self._values[name] = value
        self._dimensions = None
        self.mu = float(self._values["mu"])

    def _planned(self, name: str) -> Planned:
        """Return a component with its origin: the nearest ancestor's of its shape; None is a new one.

        A head must be of the same task; a position embedding may be of any size, as it can be resampled.
        """
        if self._dimensions is None:  # asked for by every component, and only hyperparameters move it
            self._dimensions = spec.dimensions(self.hyperparameters, self.classes)
        kind, wanted = kinds.find(name), spec.size(self.parent.architecture, name, self._dimensions)
        for ancestor in () if name in self._new else self._ancestors:
            component = ancestor.component(name)
            if component is None or (kind.of_task and ancestor.task != self.task):
                continue
            if component.size == wanted or kind.resizes:
                mine = name in ancestor.trained and (ancestor.task, ancestor.agent) == (self.task, self._agent)
                changes = mine or component.size != wanted or kind.of_task
                return Planned(name, component, trainable=changes or name in self._cloned)
        return Planned(name, None, trainable=True)


@register("mutation", "hyperparameters")
class Hyperparameters(Part):
    """The child's own hyperparameters step along their lists of values, where mutation.hyperparameters says so."""

    def mutate(self, draft: Draft) -> None:
        """Decide on each, in the method's order: global µ comes first, and its new value decides on all others."""
        if draft.method.mutation.hyperparameters == "mutate":
            for name in draft.method.hyperparameters:
                if not is_shared(name):
                    draft.step(name)


@register("mutation", "adapters")
class Adapters(Part):
    """Adapters are inserted into layers that have none, as mutation.adapters says."""

    def mutate(self, draft: Draft) -> None:
        """Decide on each layer."""
        wanted = draft.method.mutation.adapters
        for name in (f"adapter.{i}" for i in range(draft.layers) if f"adapter.{i}" not in draft.components):
            if wanted == "always" or (wanted == "mutate" and draft.acts(f"add:{name}")):
                draft.insert(name)


class Insertion(Part):
    """A step that inserts one component kind into layers: the base class of steps for kinds of anybody's.

    inserts: the kind.
    insert: whether an insertion is drawn, each layer with its own probability (`add:KIND.i`), or is always done.
    blocks: the layers that may have one, as a clone rule names blocks: `block.*`, `block[-4:]`.
    """

    inserts: ClassVar[str]

    insert: Literal["mutate", "always"] = "mutate"
    blocks: str = "block.*"

    @field_validator("blocks")
    @classmethod
    def _of_blocks(cls, pattern: str) -> str:
        if not any(matches(pattern, f"block.{i}", DEEP) for i in range(DEEP)):
            raise ValueError("name blocks, such as block.*, block.[0-3] or block[-4:]")
        return pattern

    def mutate(self, draft: Draft) -> None:
        """Decide on each layer that has none."""
        for i in range(draft.layers):
            name = f"{self.inserts}.{i}"
            missing = name not in draft.components and matches(self.blocks, f"block.{i}", draft.layers)
            if missing and (self.insert == "always" or draft.acts(f"add:{name}")):
                draft.insert(name)


@register("mutation", "clones")
class Clones(Part):
    """Frozen components become the child's own trainable copies, as mutation.clone and clone_untrained say."""

    def mutate(self, draft: Draft) -> None:
        """Decide on each component that is frozen so far."""
        settings = draft.method.mutation
        for name in draft.components:
            if not draft.is_frozen(name):
                continue
            rule = settings.clone_rule(name, draft.layers)
            always = (settings.clone_untrained and draft.is_untrained(name)) or rule == "always"
            if always or (rule == "mutate" and draft.acts(f"clone:{name}")):
                draft.clone(name)


def plan_data(method: Method, best: Path | None, architecture: Architecture, rng: "np.random.Generator") -> DataPlan:
    """Return the data hyperparameters of a generation (METHOD section 2, step 2a).

    They are those of the best path of the task's active population, mutated; the defaults while there is none. The word
    `root` refers to the root's architecture.
    """
    space = method.space(architecture)
    shared = [name for name in space if is_shared(name)]
    if best is None:
        return DataPlan({name: space[name].default for name in shared})
    begin = start(space, best)
    draws = Draws(method, space, begin["mu"], best.mu, rng)
    values = {name: begin[name] for name in shared}
    if method.mutation.hyperparameters == "mutate":
        values = {name: draws.stepped(name, value) for name, value in values.items()}
    entries = {action: p for action, p in draws.table.items() if action.startswith("hp:data.")}
    return DataPlan(values, entries, tuple(draws.mutations))


def plan_child(draft: Draft) -> ChildPlan:
    """Plan a child by the mutation steps of its method, which change the draft.

    Raises:
        PartError: a step fails.
    """
    for step in draft.method.mutation.steps:
        with working(step):
            step.mutate(draft)
    return draft.plan()
