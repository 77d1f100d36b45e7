"""A method as data: everything that decides how a task is learned, with a name and a version (METHOD section 1).

A method is frozen, validated, and stored with every result; as text it is YAML or JSON, which `presets` reads.
"""

import re
from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from functools import partial
from typing import Annotated, Any, Literal, TypeVar, cast, get_args

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    PlainSerializer,
    PositiveFloat,
    PositiveInt,
    SerializationInfo,
    SkipValidation,
    field_validator,
    model_validator,
)

from ramet.base.errors import InvalidValue, UnknownName
from ramet.base.records import Architecture, content_id
from ramet.base.text import did_you_mean
from ramet.method.document.hyperparameters import DOMAINS, Choices, Hyperparameter, parse
from ramet.method.parts import DEFAULTS, Library, Part, Source, dotted, plain
from ramet.method.protocols import Augmentation, MutationStep, ParentSelection, Pruning, Schedule, Score
from ramet.vit import kinds, spec

PARTS: Mapping[str, str] = {
    "parents": "parents",
    "pruning": "pruning",
    "score": "score",
    "training.schedule": "schedule",
}
"""The fields that hold one part, with its kind."""

ROWS: Mapping[str, str] = {"training.augmentations": "augmentation", "mutation.steps": "mutation"}
"""The fields that hold parts in a row."""

PATTERNS = (*spec.STEM, "norm", "head", "block.*", "adapter.*", "lora.*", "block[3:]", "block[-2:]")
"""Examples of what a clone rule can be about."""

DEEP = 1000
"""More layers than any path has."""

_SLICE = re.compile(r"([a-z][a-z0-9_]*)\[(-?\d+)?:(-?\d+)?\]")

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
    validations x cycles x samples into one child, as the baselines do. epochs plans a child by its task: it sees every
    image so often at most, or trains as long as a time limit says.
    """

    cycles: PositiveInt
    samples_per_cycle: PositiveInt
    generation: PositiveInt = 2
    validations: PositiveInt
    examples_per_validation: PositiveInt
    validation_examples: PositiveInt
    single_run: bool = False
    epochs: PositiveFloat | None = None

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
    after ramet's own augmentation, in this order. head is how a new head begins: it gives every class 0, or is the
    closed form for the features that are there. precision is that of matrix products: what a device does by default
    (GPUs in bfloat16, CPUs in float32), or bfloat16 on CPUs too that multiply it natively.
    """

    warmup_start: float = Field(default=1e-3, ge=0, le=1)
    clip_norm: float | None = Field(default=1.0, gt=0)
    schedule: AsPart[Schedule] = Field(default_factory=partial(_default, "schedule"))
    augmentations: tuple[AsPart[Augmentation], ...] = ()
    head: Literal["zero", "closed-form"] = "zero"
    precision: Literal["device", "bfloat16"] = "device"


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
                remedy = did_you_mean(str(pattern), PATTERNS)
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


def matches(pattern: str, name: str, layers: int) -> bool:
    """Return True where a component's name, in a path of so many layers, fits a pattern.

    A pattern is as of file names (`block.*`), or a slice of layers (`block[3:]`, `block[-2:]`).
    """
    found = _SLICE.fullmatch(pattern)
    if found is None:
        return fnmatchcase(name, pattern)
    first, last = (int(end) if end else None for end in found.group(2, 3))
    return spec.kind(name) == found[1] and "." in name and spec.index(name) in range(layers)[first:last]


def possible(pattern: str) -> bool:
    """Return True where a pattern matches any component of any path."""
    for installed in (False, True):  # packages are imported only where what is there does not do
        inserted = (kind.name for kind in kinds.known(installed=installed) if kind.place in kinds.INSERTED)
        names = spec.component_names(DEEP, frozenset(f"{name}.{i}" for name in inserted for i in range(DEEP)))
        if any(matches(pattern, name, DEEP) for name in names):
            return True
    return False


def score_part(document: Mapping[str, Any]) -> Score:
    """Return the score of a recorded method; only its `score` and its `parts` are read.

    Raises:
        RametError: it is of others, and its code is not here, or is not what it was.
    """
    return cast(Score, Library(document.get("parts")).build("score", document["score"], ("score",)))


def assembled(document: Mapping[str, Any]) -> dict[str, Any]:
    """Return a method's document with every part that it names built, its own and its parts' hyperparameters read.

    Raises:
        RametError: a part is not known or wrong.
    """
    library = Library(document.get("parts"))
    found = {name: dict(value) if isinstance(value, Mapping) else value for name, value in document.items()}
    for at, kind in {**PARTS, **ROWS}.items():
        section, _, field = at.rpartition(".")
        holder = found.get(section) if section else found
        if isinstance(holder, dict) and field in holder:
            build = _row if at in ROWS else Library.build
            holder[field] = build(library, kind, holder[field], at.split("."))
    if "hyperparameters" in found:
        found["hyperparameters"] = _hyperparameters(library, found["hyperparameters"], _brought(found))
    return {**found, "parts": tuple(library.sources)}


def _row(library: Library, kind: str, raw: Any, at: list[str]) -> tuple[Part, ...]:
    if not isinstance(raw, list | tuple):
        remedy = "write a list of parts: `[NAME, {part: NAME, SETTING: VALUE}]`"
        raise InvalidValue(f"{dotted(at)} is {raw!r}", remedy, field=at)
    return tuple(library.build(kind, item, (*at, i)) for i, item in enumerate(raw))


def _brought(document: Mapping[str, Any]) -> Iterator[type[Hyperparameter]]:
    """Yield the hyperparameters that the parts of a document bring along."""
    for section, field in (at.split(".") for at in ("training.schedule", *ROWS)):
        holder = document.get(section)
        parts = holder.get(field, ()) if isinstance(holder, Mapping) else getattr(holder, field, ())
        for part in parts if isinstance(parts, tuple) else (parts,):
            yield from part.hyperparameters


def _hyperparameters(library: Library, raw: Any, brought: Iterator[type[Hyperparameter]]) -> dict[str, Hyperparameter]:
    """Return a method's in the order mutation decides on them: ramet's own, then its parts', then others named."""
    if not isinstance(raw, Mapping):
        remedy = "write one line a hyperparameter, `name: {default, values}`"
        raise InvalidValue("hyperparameters is not a mapping", remedy, field=("hyperparameters",))
    declared: dict[str, Any] = {part.part: part for part in brought}
    for name in [name for name in raw if name not in DOMAINS and name not in declared]:
        at = ("hyperparameters", str(name))
        try:
            declared[name] = library.find("hyperparameter", str(name), at)
        except UnknownName:
            known = [*DOMAINS, *library.names("hyperparameter")]
            raise UnknownName(f"hyperparameters has no {name!r}", did_you_mean(str(name), known), field=at) from None
    for name in DOMAINS:
        if name not in raw:
            remedy = "give it, or take all from another method: `extends: mu2net-plus`"
            raise InvalidValue(f"hyperparameters.{name} is missing", remedy, field=("hyperparameters", name))
    return {
        **{name: parse(name, raw[name]) for name in DOMAINS},
        **{name: parse(name, raw.get(name, {}), part) for name, part in declared.items()},
    }
