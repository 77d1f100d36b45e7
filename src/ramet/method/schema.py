"""A method as data: everything that decides how a task is learnt, with a name and a version (METHOD section 1).

A method is frozen, validated, and stored with every result; as text it is YAML or JSON, which `presets` reads.
"""

from collections.abc import Mapping
from typing import Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, PositiveInt, field_validator

from ramet.errors import InvalidValue
from ramet.method.hyperparameters import DOMAINS, Choices, Hyperparameter, did_you_mean, parse
from ramet.method.rules import EXAMPLES, matches, possible
from ramet.records import Architecture, content_id

Action = Literal["always", "never", "mutate"]


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, allow_inf_nan=False)


class Budget(_Frozen):
    """How much training a run on a task spends.

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
        """The same amount of training as it is carried out: a single run is one cycle of one child."""
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


class Score(_Frozen):
    """s, P and F of METHOD section 6; a penalty without its unit is off."""

    factor: float = Field(default=1.0, gt=0, le=1)
    params: float | None = Field(default=None, gt=0)
    flops: float | None = Field(default=None, gt=0)


class Training(_Frozen):
    """What all trainings of a method have in common (METHOD section 5).

    warmup_start is the first learning rate of a warm-up in units of the highest, clip_norm the greatest global norm of
    the gradient (None: unlimited).
    """

    warmup_start: float = Field(default=1e-3, ge=0, le=1)
    clip_norm: float | None = Field(default=1.0, gt=0)


Rule = tuple[str, Action]


class Mutation(_Frozen):
    """How a child comes to differ from its parent (METHOD section 4).

    learned: every action has its own, learned probability; else all have the global µ.
    clone: what becomes of a frozen component, by name; the first pattern that matches counts, and what none matches is
        mutated. adapters, hyperparameters: the same of insertions and of steps in the lists of values.
    clone_untrained: what came from a random root, and no task trained, is always cloned.
    """

    learned: bool = True
    clone: tuple[Rule, ...] = (("norm", "always"), ("*", "mutate"))
    adapters: Action = "mutate"
    hyperparameters: Literal["never", "mutate"] = "mutate"
    clone_untrained: bool = True

    @field_validator("clone", mode="before")
    @classmethod
    def _ordered(cls, raw: Any) -> Any:
        """Rules written as a mapping, kept as pairs: their order counts, and a JSON store may not keep that of keys."""
        return tuple(raw.items()) if isinstance(raw, Mapping) else raw

    @field_validator("clone")
    @classmethod
    def _matchable(cls, rules: tuple[Rule, ...]) -> tuple[Rule, ...]:
        for pattern, _ in rules:
            if not possible(pattern):
                raise InvalidValue(
                    f"mutation.clone has {pattern!r}, which matches no component", did_you_mean(pattern, EXAMPLES)
                )
        return rules

    def clone_rule(self, name: str, layers: int) -> Action:
        """What becomes of a frozen component in a path of so many layers."""
        return next((action for pattern, action in self.clone if matches(pattern, name, layers)), "mutate")


class Method(_Frozen):
    """Everything that decides how a task is learnt."""

    name: str = Field(pattern=r"^\S(.*\S)?$")
    version: PositiveInt = 1
    description: str = ""
    root: str = ""
    """The root that the configuration is meant for, in words."""
    parents: Literal["mu2net-plus", "mu2net", "root"] = "mu2net-plus"
    budget: Budget
    batch: PositiveInt
    max_population: PositiveInt | None = None
    score: Score = Score()
    mutation: Mutation = Mutation()
    training: Training = Training()
    hyperparameters: Mapping[str, Hyperparameter]

    @field_validator("hyperparameters", mode="before")
    @classmethod
    def _complete(cls, raw: Any) -> Any:
        if not isinstance(raw, Mapping):
            raise InvalidValue(
                "hyperparameters is not a mapping", "write one line a hyperparameter, `name: {default, values}`"
            )
        given = {name: parse(name, value) for name, value in raw.items()}
        for name in DOMAINS:
            if name not in given:
                raise InvalidValue(
                    f"hyperparameters.{name} is missing",
                    "give it, or take all from another method: `extends: mu2net-plus`",
                )
        return {name: given[name] for name in DOMAINS}

    def resolved(self) -> "Method":
        """The method as it is carried out: its budget resolved."""
        return self.model_copy(update={"budget": self.budget.resolved()})

    def space(self, architecture: Architecture) -> dict[str, Choices]:
        """The choices of every hyperparameter for paths of an architecture, in the order mutation decides on them."""
        return {name: self.hyperparameters[name].choices(name, architecture) for name in DOMAINS}

    @property
    def fingerprint(self) -> str:
        """A hash of everything that decides; names, version and descriptions are not part of it."""
        texts = {"name", "version", "description", "root"}
        return content_id(self.resolved().model_dump(mode="json", exclude=texts))[:8]

    @property
    def label(self) -> str:
        """How results name the method: `mu2net-plus@characters v1 #ab12cd34`."""
        return f"{self.name} v{self.version} #{self.fingerprint}"

    def to_yaml(self) -> str:
        """The method as text that reads back to an equal one."""
        plain = self.model_dump(mode="json")
        plain["mutation"]["clone"] = dict(plain["mutation"]["clone"])
        return yaml.safe_dump(plain, sort_keys=False, allow_unicode=True, width=120, default_flow_style=None)
