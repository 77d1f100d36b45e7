import pytest
from pydantic import Field, ValidationError

from ramet.base.records import content_id
from ramet.method.document import presets
from ramet.method.document.hyperparameters import DOMAINS
from ramet.method.document.schema import Budget, Method, Training
from ramet.method.score import SizeAndCompute
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
