from typing import Any, ClassVar

import pytest

from ramet.base.errors import InvalidValue, RametError, UnknownName
from ramet.base.records import Value
from ramet.method.document.assembly import score_part
from ramet.method.document.hyperparameters import DOMAINS, Domain, Hyperparameter
from ramet.method.document.presets import load
from ramet.method.document.schema import STEPS, Method
from ramet.method.parts import Part, plain, register
from ramet.method.score import SizeAndCompute
from tests.method.helpers import TINY, method

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
        "warmup_start": 1e-3, "clip_norm": 1.0, "schedule": "cosine", "augmentations": []
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
