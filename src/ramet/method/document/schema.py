"""A method as data: everything that decides how a task is learned, with a name and a version (METHOD section 1).

A method is frozen, validated, and stored with every result; as text it is YAML or JSON, which `presets` reads.
"""

from collections.abc import Mapping
from functools import partial
from typing import Annotated, Any, Literal, TypeVar, get_args

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PositiveInt,
    SerializationInfo,
    SkipValidation,
    field_validator,
    model_validator,
)

from ramet.base.errors import InvalidValue
from ramet.base.records import Architecture, content_id
from ramet.base.text import did_you_mean
from ramet.method.document.assembly import assembled
from ramet.method.document.code import Source
from ramet.method.document.hyperparameters import Choices, Hyperparameter
from ramet.method.document.rules import EXAMPLES, matches, possible
from ramet.method.parts import DEFAULTS, Library, plain
from ramet.method.protocols import Augmentation, MutationStep, ParentSelection, Pruning, Schedule, Score

Action = Literal["always", "never", "mutate"]

STEPS = ("hyperparameters", "adapters", "clones")
"""The mutation steps of a method that names none."""


def _written(part: Any, info: SerializationInfo) -> Any:
    return plain(part, exclude_defaults=bool(info.exclude_defaults))


T = TypeVar("T")
AsPart = Annotated[T, SkipValidation, PlainSerializer(_written)]
"""A part of a protocol, which Method._assembled has built; written as its name and settings."""


def _default(kind: str) -> Any:
    return Library().build(kind, DEFAULTS[kind], (kind,))


def _default_steps() -> Any:
    return tuple(Library().build("mutation", name, ("mutation", "steps")) for name in STEPS)


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False, arbitrary_types_allowed=True)


class Budget(_Frozen):
    """The amount of training that a run on a task spends.

    generation is the number of children trained side by side. They cannot descend from one another, so a small one
    searches deeper with as many samples, and a large one computes more once for all. single_run puts all of
    validations x cycles x samples into one child of the root, as the baselines do.
    """

    cycles: PositiveInt
    samples_per_cycle: PositiveInt
    generation: PositiveInt = 2
    validations: PositiveInt
    examples_per_validation: PositiveInt
    validation_examples: PositiveInt
    single_run: bool = False

    def resolved(self) -> "Budget":
        """Return the same amount of training as it is carried out: a single run is one cycle of one child."""
        if not self.single_run:
            return self
        validations = self.validations * self.cycles * self.samples_per_cycle
        return self.model_copy(
            update={"cycles": 1, "samples_per_cycle": 1, "generation": 1, "validations": validations}
        )

    @property
    def examples(self) -> int:
        """The most examples that a run trains on; fewer where an epoch is less than a validation's."""
        budget = self.resolved()
        return budget.cycles * budget.samples_per_cycle * budget.validations * budget.examples_per_validation


class Training(_Frozen):
    """The settings that all trainings of a method have in common (METHOD section 5).

    warmup_start is the first learning rate of a warm-up in units of the highest, clip_norm the greatest global norm of
    the gradient (None: unlimited). schedule says how the rate moves in between, augmentations what is done to images
    after ramet's own augmentation, in this order.
    """

    warmup_start: float = Field(default=1e-3, ge=0, le=1)
    clip_norm: float | None = Field(default=1.0, gt=0)
    schedule: AsPart[Schedule] = Field(default_factory=partial(_default, "schedule"))
    augmentations: tuple[AsPart[Augmentation], ...] = ()


Rule = tuple[str, Action]


class Mutation(_Frozen):
    """The ways in which a child comes to differ from its parent (METHOD section 4).

    learned: every action has its own, learned probability; else all have the global µ.
    clone: what becomes of a frozen component, by name; the first pattern that matches counts, and what none matches is
        mutated. adapters, hyperparameters: the same of insertions and of steps in the lists of values.
    clone_untrained: what came from a random root, and no task trained, is always cloned.
    steps: what is done to a parent, in this order.
    """

    learned: bool = True
    clone: tuple[Rule, ...] = (("norm", "always"), ("*", "mutate"))
    adapters: Action = "mutate"
    hyperparameters: Literal["never", "mutate"] = "mutate"
    clone_untrained: bool = True
    steps: tuple[AsPart[MutationStep], ...] = Field(default_factory=_default_steps)

    @field_validator("clone", mode="before")
    @classmethod
    def _ordered(cls, raw: Any) -> Any:
        """Keep rules that are written as a mapping as pairs: a JSON store may not keep the order of keys, which counts.

        Checked here, where an error still knows the pattern: pydantic would count the pairs.
        """
        rules = tuple(raw.items()) if isinstance(raw, Mapping) else raw
        if not isinstance(rules, list | tuple) or not all(isinstance(r, list | tuple) and len(r) == 2 for r in rules):
            return rules
        for pattern, action in rules:
            at = ("mutation", "clone", str(pattern))
            if not isinstance(pattern, str) or not possible(pattern):
                remedy = did_you_mean(str(pattern), EXAMPLES)
                raise InvalidValue(f"mutation.clone has {pattern!r}, which matches no component", remedy, field=at)
            if action not in get_args(Action):
                raise InvalidValue(
                    f"mutation.clone.{pattern} is {action!r}", f"write {', '.join(get_args(Action))}", field=at
                )
        return rules

    def clone_rule(self, name: str, layers: int) -> Action:
        """Return what becomes of a frozen component in a path of so many layers."""
        return next((action for pattern, action in self.clone if matches(pattern, name, layers)), "mutate")


class Method(_Frozen):
    """Everything that decides how a task is learned.

    parts are the sources of those parts that are not ramet's own.
    """

    name: str = Field(pattern=r"^\S(.*\S)?$")
    version: PositiveInt = 1
    description: str = ""
    root: str = ""
    """The root that it is meant for, in words."""
    parts: tuple[Source, ...] = ()
    parents: AsPart[ParentSelection] = Field(default_factory=partial(_default, "parents"))
    budget: Budget
    batch: PositiveInt
    max_population: PositiveInt | None = None
    pruning: AsPart[Pruning] = Field(default_factory=partial(_default, "pruning"))
    score: AsPart[Score] = Field(default_factory=partial(_default, "score"))
    mutation: Mutation = Field(default_factory=Mutation)
    training: Training = Field(default_factory=Training)
    hyperparameters: Mapping[str, Hyperparameter]

    @model_validator(mode="before")
    @classmethod
    def _assembled(cls, raw: Any) -> Any:
        """Return the document with every part that it names built, its own and its parts' hyperparameters read."""
        return assembled(raw) if isinstance(raw, Mapping) else raw

    def resolved(self) -> "Method":
        """Return the method as it is carried out: its budget resolved."""
        return self.model_copy(update={"budget": self.budget.resolved()})

    def space(self, architecture: Architecture) -> dict[str, Choices]:
        """Return every hyperparameter's choices for paths of an architecture, in the order mutation decides on them."""
        return {name: h.choices(name, architecture) for name, h in self.hyperparameters.items()}

    @property
    def fingerprint(self) -> str:
        """A hash of all that decides, the code of parts included; names and descriptions are no part of it.

        What has its default is left out, so that a new setting changes no fingerprint. So a default, once released, is
        never changed: it is part of the meaning of every fingerprint.
        """
        about = {"name", "version", "description", "root", "parts"}
        decides = self.resolved().model_dump(mode="json", exclude_defaults=True, exclude=about)
        if self.parts:
            decides["parts"] = sorted(source.digest for source in self.parts)
        return content_id(decides)[:8]

    @property
    def label(self) -> str:
        """The name of the method in results: `mu2net-plus@characters v1 #ab12cd34`."""
        return f"{self.name} v{self.version} #{self.fingerprint}"

    def to_yaml(self) -> str:
        """Return the method as text that reads back to an equal one."""
        document = self.model_dump(mode="json")
        document["mutation"]["clone"] = dict(document["mutation"]["clone"])
        return yaml.safe_dump(document, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)
