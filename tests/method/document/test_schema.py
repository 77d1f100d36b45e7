from typing import Any, ClassVar

import pytest
from pydantic import Field, ValidationError

from ramet.base.errors import InvalidValue, RametError, UnknownName
from ramet.base.records import Value, content_id
from ramet.method.document import presets
from ramet.method.document.hyperparameters import DOMAINS, Domain, Hyperparameter
from ramet.method.document.presets import load
from ramet.method.document.schema import PATTERNS, STEPS, Budget, Method, Training, matches, possible, score_part
from ramet.method.parts import Part, plain, register
from ramet.method.world import SizeAndCompute
from tests.method.helpers import BASE, TINY, method

BUDGET = {
    "cycles": 5, "samples_per_cycle": 32, "validations": 4, "examples_per_validation": 51200,
    "validation_examples": 5120,
}  # fmt: skip


def test_a_method_cannot_change() -> None:
    with pytest.raises(ValidationError):
        method().batch = 3
    with pytest.raises(ValidationError):
        method().budget.cycles = 3


def test_a_single_run_spends_the_same_budget_on_one_child() -> None:
    single = Budget.model_validate({**BUDGET, "single_run": True}).resolved()
    assert (single.cycles, single.samples_per_cycle, single.generation, single.validations) == (1, 1, 1, 5 * 32 * 4)
    assert method("finetune@characters").resolved().budget == single


def test_any_other_budget_is_carried_out_as_it_is() -> None:
    assert method().budget.resolved() == method().budget


def test_the_space_is_in_the_order_of_decisions_whatever_the_text_was() -> None:
    shuffled = method().model_dump(mode="json")
    shuffled["hyperparameters"] = dict(reversed(shuffled["hyperparameters"].items()))
    found = presets.load(shuffled)
    assert list(found.space(TINY)) == list(DOMAINS)
    assert found == method()


def test_the_space_is_the_roots() -> None:
    assert method("minutes").space(BASE)["layers"].default == 12
    assert method("minutes").space(TINY)["layers"].default == 3


@pytest.mark.parametrize(
    ("changed", "same"),
    [
        ({}, True),
        ({"name": "x", "description": "y", "version": "2", "root": "z"}, True),
        ({"opt.lr": "0.01"}, True),
        ({"opt.lr": "0.02"}, False),
        ({"budget.cycles": "6"}, False),
        ({"mutation.clone.head": "never"}, False),
    ],
)
def test_the_fingerprint_is_of_what_decides(changed: dict[str, str], same: bool) -> None:
    assert (presets.load("characters", changed).fingerprint == method().fingerprint) is same


def test_a_method_carried_out_has_the_fingerprint_of_the_method() -> None:
    assert method("finetune").resolved().fingerprint == method("finetune").fingerprint


GOLDEN = {
    "mu2net-plus@minutes": "d7f57231",
    "mu2net@characters": "cf23b14f",
    "adapters:16@large": "dd14d053",
}


@pytest.mark.parametrize("name", GOLDEN)
def test_a_method_s_fingerprint_is_what_it_always_was(name: str) -> None:
    assert method(name).fingerprint == GOLDEN[name]


def test_a_hand_made_method_s_fingerprint_is_the_hash_of_what_has_no_default() -> None:
    hyperparameters = {name: h.model_dump(mode="json") for name, h in method().hyperparameters.items()}
    budget = {"cycles": 1, "samples_per_cycle": 2, "validations": 3}
    budget |= {"examples_per_validation": 4, "validation_examples": 5}
    made = {"name": "made", "description": "x", "budget": budget, "batch": 8, "hyperparameters": hyperparameters}
    decides = {"budget": budget, "batch": 8, "hyperparameters": hyperparameters}
    assert presets.load(made).fingerprint == content_id(decides)[:8]
    assert presets.load({**made, "mutation": {}, "score": {"factor": 1.0}}).fingerprint == content_id(decides)[:8]
    lower = presets.load({**made, "score": {"factor": 0.5}, "mutation": {"learned": False}})
    decides |= {"score": {"factor": 0.5}, "mutation": {"learned": False}}
    assert lower.fingerprint == content_id(decides)[:8]


class LongBudget(Budget):
    patience: int = 3


class LongTraining(Training):
    average: tuple[float, ...] = (0.9,)


class LongScore(SizeAndCompute):
    memory: float | None = None


class LongMethod(Method):
    budget: LongBudget
    training: LongTraining = Field(default_factory=LongTraining)
    registers: int = 0


def grown(registers: int = 0, **of_score: float) -> Method:
    plain = method().model_dump()
    return LongMethod.model_validate(
        {**plain, "registers": registers, "score": LongScore(**{**plain["score"], **of_score})}
    )


def test_a_new_setting_with_a_default_changes_no_fingerprint() -> None:
    assert "patience" in grown().model_dump()["budget"]
    assert "memory" in grown().model_dump()["score"]
    assert grown().fingerprint == method().fingerprint
    assert grown(registers=1).fingerprint != method().fingerprint
    assert grown(memory=1.0).fingerprint != method().fingerprint


def test_the_order_of_clone_rules_counts() -> None:
    rules = [["norm", "always"], ["*", "never"]]
    plain = method().model_dump(mode="json")
    one, other = (presets.load({**plain, "mutation": {**plain["mutation"], "clone": r}}) for r in (rules, rules[::-1]))
    assert one.fingerprint != other.fingerprint
    assert (one.mutation.clone_rule("norm", 3), other.mutation.clone_rule("norm", 3)) == ("always", "never")


def test_what_no_rule_matches_is_mutated() -> None:
    only = Method.model_validate({**method().model_dump(), "mutation": {"clone": {"norm": "always"}}})
    assert only.mutation.clone_rule("block.0", 3) == "mutate"


def test_the_label_names_method_version_and_content() -> None:
    assert method().label == f"mu2net-plus@characters v1 #{method().fingerprint}"
    assert len(method().fingerprint) == 8


def test_yaml_keeps_clone_rules_readable() -> None:
    assert "clone: {norm: always, '*': never}" in method("linear_probe").to_yaml()


MODULE = f"parts: [{__name__}]\nextends: mu2net-plus@quick\n"


@register("hyperparameter", "opt.decay")
class Decay(Hyperparameter):
    domain: ClassVar[Domain | None] = Domain(float, 0.0, 1.0)
    default: Value = 0.1
    values: tuple[Value, ...] | str = (0.0, 0.1, 0.2)


@register("schedule", "decaying")
class Decaying(Part):
    hyperparameters: ClassVar[tuple[type[Hyperparameter], ...]] = (Decay,)
    power: float = 1.0

    def factor(self, step: int, total: int, hyperparameters: Any, start: float) -> float:
        return 1.0


def test_every_setting_is_written() -> None:
    document = method().model_dump(mode="json")
    assert document.keys() == Method.model_fields.keys()
    assert (document["parents"], document["pruning"], document["parts"]) == ("mu2net-plus", "best", [])
    assert document["training"] == {
        "warmup_start": 1e-3, "clip_norm": 1.0, "schedule": "cosine", "augmentations": [], "head": "zero",
        "precision": "device",
    }  # fmt: skip
    assert document["mutation"]["steps"] == [*STEPS]


@pytest.mark.parametrize(
    ("text", "default", "values"),
    [
        ("", 0.1, (0.0, 0.1, 0.2)),
        ("hyperparameters: {opt.decay: 0.2}", 0.2, (0.0, 0.1, 0.2)),
        ("hyperparameters: {opt.decay: [0.1, 0.5]}", 0.1, (0.1, 0.5)),
        ("hyperparameters: {opt.decay: {default: 0.5, values: 0.0..1.0 step 0.5}}", 0.5, (0, 0.5, 1)),
    ],
)
def test_a_part_brings_its_hyperparameter(text: str, default: float, values: tuple[float, ...]) -> None:
    found = load(f"{MODULE}training: {{schedule: decaying}}\n{text}\n")
    assert list(found.hyperparameters) == [*DOMAINS, "opt.decay"]
    decay = found.hyperparameters["opt.decay"]
    assert (decay.default, decay.values) == (default, values)
    assert found.space(TINY)["opt.decay"].default == default
    assert load(found.to_yaml()) == found
    assert load(found.model_dump(mode="json")) == found


def test_a_hyperparameter_is_there_where_it_is_named() -> None:
    found = load(f"{MODULE}hyperparameters: {{opt.decay: 0.2}}\n")
    assert found.hyperparameters["opt.decay"].default == 0.2
    assert "opt.decay" not in load(MODULE).hyperparameters
    assert load(MODULE, {"opt.decay": "0.0"}).hyperparameters["opt.decay"].default == 0.0
    assert load(MODULE, {"opt.decay.values": "[0.1]"}).hyperparameters["opt.decay"].values == (0.1,)


@pytest.mark.parametrize(
    ("text", "error", "message"),
    [
        ("hyperparameters: {opt.decay: 2}", InvalidValue, "opt.decay.default is 2; give a number from 0 to 1"),
        ("hyperparameters: {opt.decay: {step: 2}}", UnknownName, "hyperparameters.opt.decay has no 'step'"),
        ("hyperparameters: {opt.decoy: 2}", UnknownName, "hyperparameters has no 'opt.decoy'; did you mean opt.decay"),
        ("training: {schedule: {part: decaying, power: x}}", InvalidValue, "training.schedule.power is 'x'"),
        ("training: {augmentations: decaying}", InvalidValue, "training.augmentations is 'decaying'; write a list"),
        ("training: {augmentations: [decaying]}", UnknownName, "training.augmentations is 'decaying'"),
        ("mutation: {steps: [{part: clones, x: 1}]}", UnknownName, "'mutation.steps.x' is no field of a method"),
    ],
)
def test_what_is_wrong_is_named(text: str, error: type[RametError], message: str) -> None:
    with pytest.raises(error) as caught:
        load(f"{MODULE}{text}\n")
    assert message in str(caught.value)


def test_a_schedule_is_set_field_by_field() -> None:
    found = load(
        MODULE, {"training.schedule": "decaying", "training.schedule.power": "2", "training.clip_norm": "none"}
    )
    assert plain(found.training.schedule) == {"part": "decaying", "power": 2.0}  # type: ignore[arg-type]
    assert found.training.clip_norm is None


def test_a_recorded_score_is_read_by_itself() -> None:
    large = method("large")
    assert score_part({"score": large.model_dump(mode="json")["score"]}) == large.score
    assert score_part({"score": {"factor": 0.5}, "parts": []}) == SizeAndCompute(factor=0.5)
    with pytest.raises(UnknownName, match="score is 'nothing'"):
        score_part({"score": "nothing"})


def test_a_method_can_be_made_of_parts() -> None:
    base = {name: getattr(method(), name) for name in ("budget", "batch", "hyperparameters")}
    assert Method(name="made", **base, score=SizeAndCompute(factor=0.5)).score == SizeAndCompute(factor=0.5)


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("*", "head", True),
        ("norm", "norm", True),
        ("norm", "norm1", False),
        ("block.*", "block.11", True),
        ("block.*", "adapter.1", False),
        ("block.[0-3]", "block.2", True),
        ("block[3:]", "block.3", True),
        ("block[3:]", "block.2", False),
        ("block[3:]", "adapter.3", False),
        ("block[:2]", "block.1", True),
        ("block[:2]", "block.2", False),
        ("block[-2:]", "block.10", True),
        ("block[-2:]", "block.9", False),
        ("block[:]", "block.0", True),
        ("adapter[1:2]", "adapter.1", True),
        ("block[3:]", "norm", False),
        ("lora.*", "lora.7", True),
        ("lora[-1:]", "lora.11", True),
        ("lora[-1:]", "block.11", False),
    ],
)
def test_matches_in_a_path_of_twelve_layers(pattern: str, name: str, expected: bool) -> None:
    assert matches(pattern, name, 12) is expected


@pytest.mark.parametrize("pattern", PATTERNS)
def test_examples_are_possible(pattern: str) -> None:
    assert possible(pattern)


@pytest.mark.parametrize("pattern", ["blok.*", "block", "block[3]", "", "block[5:2]", "encoder.*", "norm[1:]"])
def test_patterns_of_nothing_are_not(pattern: str) -> None:
    assert not possible(pattern)
