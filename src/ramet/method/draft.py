"""A child's plan under construction: what the steps of a mutation see, draw and change (METHOD section 4).

Nothing here can make a plan that cannot be trained, whatever steps there are and in whatever order: what is new or was
trained for the task is trainable, sizes follow from hyperparameters, and components stand in the order of the network.
"""

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from ramet.base.errors import InvalidValue, UnknownName
from ramet.base.records import Component, Path, Value
from ramet.base.text import did_you_mean
from ramet.method.document.hyperparameters import Choices, Number, is_shared
from ramet.method.document.schema import Method
from ramet.method.plan import ChildPlan, DataPlan, Part
from ramet.vit import kinds, spec
from ramet.vit.kinds import Dimensions

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
    ):
        self.learned = method.mutation.learned
        self.steps = space["mu"]
        self.mu = float(mu)
        self.table = dict(table)
        self.rng = rng
        self.mutations: list[str] = []

    def decide(self, action: str) -> bool:
        """Decide whether to act, by the action's own probability, which moves with the global µ (METHOD section 4)."""
        if not self.learned:
            return self.rng.random() < self.mu
        probability = self.steps.nearest(self.table.get(action, self.mu))
        if self.rng.random() < self.mu:
            probability = self.steps.step(probability, self._up())
        self.table[action] = float(probability)
        return self.rng.random() < probability

    def acts(self, action: str) -> bool:
        """Decide as `decide` does, and note the action where it is to act."""
        decided = self.decide(action)
        if decided:
            self.mutations.append(action)
        return decided

    def stepped(self, name: str, choices: Choices, value: Number) -> Number:
        """Return a hyperparameter's value after its decision."""
        if choices.fixed or not self.decide(f"hp:{name}"):
            return value
        new = choices.step(value, self._up())
        if new != value:
            self.mutations.append(f"hp:{name}")
        return new

    def _up(self) -> bool:
        return bool(self.rng.random() < 0.5)


class Draft:
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
        self.method = method
        self.parent = parent
        self.task = task
        self.classes = classes
        self.rng = rng
        self._agent = agent
        self._data = data
        self._ancestors = ancestors
        self._space = method.space(parent.architecture)
        self._values: dict[str, Value] = {**start(self._space, parent), **data.hyperparameters}
        self._draws = Draws(method, self._space, self._number("mu"), {**parent.mu, **data.mu}, rng)
        self._kept = {c.name for c in parent.components if kinds.find(c.name).place in kinds.INSERTED}
        self._new: set[str] = set()
        self._cloned: set[str] = set()
        self._dimensions: Dimensions | None = None

    def decide(self, action: str) -> bool:
        """Decide whether to act, by the action's own learned probability, or by the global µ where none is learned."""
        return self._draws.decide(action)

    def acts(self, action: str) -> bool:
        """Decide the same, noted among the child's mutations where it is to act: only where acting has an effect."""
        return self._draws.acts(action)

    @property
    def hyperparameters(self) -> Mapping[str, Value]:
        """Return the child's values: the method's, and what sizes a kept component that the method does not know of."""
        known = {name: self._values[name] for name in self.method.hyperparameters}
        sizing = {kinds.find(name).sized_by for name in self._there(self._kept)}
        foreign = {name for name in sizing if name is not None} - known.keys()
        return {**known, **{name: self.parent.hyperparameters[name] for name in sorted(foreign)}}

    @property
    def layers(self) -> int:
        """Return the child's number of layers."""
        return int(self._number("layers"))

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
        self._values[name] = self._draws.stepped(name, self._own(name), self._number(name))
        self._dimensions = None
        self._draws.mu = float(self._number("mu"))

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
        self._values[name] = choices.nearest(value)
        self._dimensions = None
        self._draws.mu = float(self._number("mu"))

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
        return name not in self._cloned and not self._part(name).trainable

    def is_untrained(self, name: str) -> bool:
        """Return True where a component is what a random root drew, and no task has trained."""
        origin = self._part(name).origin
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
        parts = tuple(self._part(name) for name in self.components)
        mutations = (*self._data.mutations, *self._draws.mutations)
        return ChildPlan(
            self.parent, self.task, self.classes, parts, self.hyperparameters, self._draws.table, mutations
        )

    def _there(self, names: set[str]) -> set[str]:
        """Return those of layers that there are."""
        return {name for name in names if spec.index(name) < self.layers}

    def _number(self, name: str) -> Number:
        value = self._values[name]
        assert not isinstance(value, str)  # a space holds numbers
        return value

    def _own(self, name: str) -> Choices:
        """Return the choices of a hyperparameter that is the child's own."""
        if name not in self._space:
            raise UnknownName(f"the method has no hyperparameter {name!r}", did_you_mean(name, self._space))
        if is_shared(name):
            raise InvalidValue(f"{name} is shared by the whole generation", "change one that is the child's own")
        return self._space[name]

    def _part(self, name: str) -> Part:
        kind = kinds.find(name)
        if self._dimensions is None:  # asked for by every component, and only steps and changes move it
            self._dimensions = spec.dimensions(self.hyperparameters, self.classes)
        wanted = spec.size(self.parent.architecture, name, self._dimensions)
        found = None if name in self._new else self._origin(name, kind, wanted)
        if found is None:
            return Part(name, None, trainable=True)
        ancestor, component = found
        mine = name in ancestor.trained and (ancestor.task, ancestor.agent) == (self.task, self._agent)
        fixed = mine or component.size != wanted or kind.of_task
        return Part(name, component, trainable=fixed or name in self._cloned)

    def _origin(self, name: str, kind: kinds.Kind, size: int) -> tuple[Path, Component] | None:
        """Return where a component comes from: the nearest ancestor that has one of its shape; None for a new one.

        A head must be of the same task; a position embedding may be of any size, as it can be resampled.
        """
        for ancestor in self._ancestors:
            if kind.of_task and ancestor.task != self.task:
                continue
            component = ancestor.component(name)
            if component is not None and (component.size == size or kind.resizes):
                return ancestor, component
        return None
