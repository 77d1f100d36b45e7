"""From a parent to the plan of its child (METHOD section 4), as pure functions of records and one generator.

A plan is made by the method's mutation steps, one after the other. All draws come from its generator in the order of
the steps (for ramet's own: global µ, hyperparameters, adapters, clones), so a plan is the same wherever it is made.
"""

from typing import TYPE_CHECKING, ClassVar, Literal

from pydantic import field_validator

from ramet.base.records import Architecture, Path
from ramet.method.document.hyperparameters import is_shared
from ramet.method.document.schema import DEEP, Method, matches
from ramet.method.draft import Draft, Draws, start
from ramet.method.parts import Part, register, working
from ramet.method.plan import ChildPlan, DataPlan

if TYPE_CHECKING:
    import numpy as np


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
            if name in draft.components or not matches(self.blocks, f"block.{i}", draft.layers):
                continue
            if self.insert == "always" or draft.acts(f"add:{name}"):
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
    """Return the data hyperparameters of a generation: the best path's, mutated; the defaults while there is none.

    METHOD section 2, step 2a.

    Args:
        method: whose values and defaults count.
        best: the best path of the task's active population.
        architecture: the root's, which the word `root` refers to.
        rng: the generation's own generator.
    """
    space = method.space(architecture)
    shared = [name for name in space if is_shared(name)]
    if best is None:
        return DataPlan({name: space[name].default for name in shared})
    begin = start(space, best)
    draws = Draws(method, space, begin["mu"], best.mu, rng)
    values = {name: begin[name] for name in shared}
    if method.mutation.hyperparameters == "mutate":
        values = {name: draws.stepped(name, space[name], value) for name, value in values.items()}
    entries = {action: p for action, p in draws.table.items() if action.startswith("hp:data.")}
    return DataPlan(values, entries, tuple(draws.mutations))


def plan_child(draft: Draft) -> ChildPlan:
    """Plan a child by the mutation steps of its method.

    Args:
        draft: what is decided of it at first; the steps change it.

    Raises:
        PartError: a step fails.
    """
    for step in draft.method.mutation.steps:
        with working(step):
            step.mutate(draft)
    return draft.plan()
