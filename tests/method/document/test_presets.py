import json
from pathlib import Path as FilePath
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ramet.base.errors import InvalidValue, RametError, UnknownName
from ramet.method.document import presets
from ramet.method.document.hyperparameters import DOMAINS
from ramet.method.document.presets import nested, overlay, setting
from ramet.method.parts import plain
from tests.method.helpers import BASE, TINY, method

METHODS = ["lean", "mu2net-plus", "mu2net", "munet", "finetune", "freeze_bottom:2", "adapters:16", "linear_probe"]
SIZES = ["seconds", "minutes", "hour", "characters", "decathlon", "large", "quick"]
ALL = [f"{m}@{size}" for m in METHODS for size in SIZES]


@pytest.mark.parametrize("name", ALL)
def test_every_preset_loads_and_reads_back(name: str) -> None:
    found = presets.load(name)
    assert found.name == name
    assert found.description
    assert presets.load(found.to_yaml()) == found
    assert presets.load(found.model_dump(mode="json")) == found
    assert presets.load(json.dumps(found.model_dump(mode="json"), sort_keys=True)) == found
    assert presets.load(found.resolved().to_yaml()).budget == found.budget.resolved()
    for architecture in (TINY, BASE):
        own = {"opt.adamw", "opt.weight_decay"} if name.startswith("lean") else set()
        assert set(found.space(architecture)) == {*DOMAINS, *own}


def test_no_two_are_alike() -> None:
    assert len({presets.load(name).fingerprint for name in ALL}) == len(ALL)


def test_methods_and_sizes_are_two_lists_of_what_load_takes() -> None:
    assert set(presets.methods()) == {name.replace(":2", ":N").replace(":16", ":D") for name in METHODS}
    assert list(presets.sizes()) == SIZES
    for name, description in {**presets.methods(), **presets.sizes()}.items():
        presets.load(name.replace(":N", ":1").replace(":D", ":8"))
        assert description
        assert "\n" not in description


def test_a_size_alone_is_mu2net_plus_at_it_and_a_method_alone_is_at_minutes() -> None:
    assert presets.load("characters") == presets.load("mu2net-plus@characters")
    assert presets.load("munet") == presets.load("munet@minutes")


def most_examples(size: str) -> int:
    return presets.load(size).budget.examples


def test_the_sizes_are_in_the_order_of_what_they_take() -> None:
    assert 20 * most_examples("seconds") < most_examples("minutes")
    assert 5 * most_examples("minutes") < most_examples("hour")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mu3net@large", "no method is called 'mu3net'; did you mean"),
        ("mu3net", "no method or size is called 'mu3net'; did you mean"),
        ("minuets", "did you mean minutes"),
        ("standard", "no method or size is called 'standard'; choose one of adapters:D, "),
        ("second", "did you mean seconds"),
        ("munet@char", "no size is called 'char'; choose one of"),
        ("munet@characers", "did you mean characters"),
        ("@characters@quick", "no method is called"),
        ("minutes@quick", "no method is called 'minutes'"),
        ("finetune:3", "write finetune"),
        ("freeze_bottom", "write freeze_bottom:N"),
        ("freeze_bottom:-1", "give a whole number of at least 0"),
        ("adapters:x", "give a whole number of at least 0"),
        ("adapters:0", "hyperparameters.adapter_width.default is 0"),
        ("method.yaml", "no method or size is called 'method.yaml'"),
    ],
)
def test_a_wrong_name_is_an_error_with_a_remedy(name: str, message: str) -> None:
    with pytest.raises((UnknownName, InvalidValue)) as caught:
        presets.load(name)
    assert message in str(caught.value)
    assert caught.value.remedy


# METHOD section 7, row by row
@pytest.mark.parametrize(
    ("name", "budget", "batch", "most", "score", "defaults"),
    [
        ("characters", (51200, 4, 5120, 5, 32), 512, None, (1.0, 1484162, 15e6), (0.1, 3, 32, 0.01, 0.1, 0.9, 32)),
        ("decathlon", (51200, 4, 5120, 10, 32), 128, None, (1.0, 85652738, 100e9), (0.1, 12, 32, 0.01, 0.1, 0.9, 80)),
        ("large", (100000, 8, 10000, 24, 16), 16, 16, (0.99, 2.2e9, 3.8e12), (0.2, 24, 32, 0.01, 0.05, 0.9, 384)),
        ("quick", (51200, 2, 5120, 8, 16), 512, 7, (0.99, 1e6, 1e6), (0.2, 0, 32, 0.01, 0.1, 0.9, 32)),
    ],
)
def test_reference_configurations(
    name: str,
    budget: tuple[int, ...],
    batch: int,
    most: int | None,
    score: tuple[float, ...],
    defaults: tuple[float, ...],
) -> None:
    found = method(name)
    b, s, h = found.budget, found.score, found.hyperparameters
    assert (b.examples_per_validation, b.validations, b.validation_examples, b.cycles, b.samples_per_cycle) == budget
    assert (found.batch, found.max_population) == (batch, most)
    assert plain(s) == dict(zip(("factor", "params", "flops"), score, strict=True))
    keys = ("mu", "layers", "adapter_width", "opt.lr", "opt.warmup", "opt.momentum", "data.image_size")
    assert tuple(h[key].default for key in keys) == defaults
    assert h["opt.nesterov"].default is False
    assert found.mutation.adapters == ("never" if name == "large" else "mutate")
    assert found.mutation.clone == (("norm", "always"), ("*", "mutate"))
    assert found.mutation.learned
    assert (found.training.warmup_start, found.training.clip_norm) == (1e-3, 1.0)
    augmentations = [h[key].default for key in DOMAINS if key.startswith("data.") and key != "data.image_size"]
    assert augmentations == [1.0, 1.0, False, 0.0, 0.0, 0.0, 0.0, 0.0]


DELTAS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
PIXELS = (16, 32, 48, 64, 80, 96, 112)


@pytest.mark.parametrize(
    ("name", "sizes", "layers"),
    [
        ("characters", PIXELS, "0..root"),
        ("decathlon", PIXELS, "0..root"),
        ("large", (224, 384), "0..root"),
        ("quick", (32, 48), (0, 1, 2, 3)),
        *((name, ("root",), "0..root") for name in ("seconds", "minutes", "hour")),
    ],
)
def test_ranges(name: str, sizes: tuple[object, ...], layers: object) -> None:
    values = {key: h.values for key, h in method(name).hyperparameters.items()}
    assert values == {
        "mu": tuple(round(0.02 * i, 2) for i in range(1, 16)),
        "layers": layers,
        "adapter_width": (32,) if name == "large" else (8, 16, 32, 64, 128),
        "data.image_size": sizes,
        "data.crop_area_min": (0.05, 0.5, 0.95, 1.0),
        "data.crop_aspect_min": (0.5, 0.75, 1.0),
        "data.flip": (False, True),
        **dict.fromkeys(["data.brightness", "data.contrast", "data.saturation", "data.hue", "data.jpeg"], DELTAS),
        "opt.lr": (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
        "opt.warmup": (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3),
        "opt.momentum": (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99),
        "opt.nesterov": (False, True),
    }


@pytest.mark.parametrize("name", ["munet", "mu2net"])
def test_the_older_methods(name: str) -> None:
    found = method(f"{name}@characters")
    h = found.hyperparameters
    assert (h["data.crop_area_min"].default, h["data.crop_aspect_min"].default, h["data.flip"].default) == (
        0.05,
        0.75,
        True,
    )
    assert not found.mutation.learned
    assert plain(found.score) == {"factor": 1.0, "params": 1484162, "flops": None}
    assert plain(found.parents) == ("mu2net" if name == "mu2net" else "mu2net-plus")
    assert (len(h["mu"].values) == 1) == (name == "munet")
    assert h["data.jpeg"].values == (0.0,)


@pytest.mark.parametrize("name", ["finetune", "freeze_bottom:2", "adapters:16", "linear_probe"])
@pytest.mark.parametrize("size", SIZES)
def test_baselines_spend_the_budget_of_the_method_on_one_child_of_the_root(name: str, size: str) -> None:
    found, full = method(f"{name}@{size}"), method(size).budget
    once = found.resolved().budget
    assert (once.cycles, once.samples_per_cycle, once.generation) == (1, 1, 1)
    assert once.validations == full.validations * full.cycles * full.samples_per_cycle
    assert once.examples_per_validation == full.examples_per_validation
    assert plain(found.parents) == "root"
    assert found.mutation.hyperparameters == "never"
    assert found.mutation.adapters == ("always" if name.startswith("adapters") else "never")


VARIANT = """
extends: mu2net@quick
name: wider-lr
version: 3
budget: {cycles: 2}
mutation:
  learned: true
  clone: {"block.*": always}
hyperparameters:
  mu: {default: 0.06, values: 0.02..0.10 step 0.04}
  opt.lr: {default: 1.0, values: [0.1, 1.0, 10.0]}
  opt.warmup: 0.3
"""


def test_a_document_extends_a_method_by_what_differs() -> None:
    found = presets.load(VARIANT)
    assert found.label.startswith("wider-lr v3 #")
    assert (found.budget.cycles, found.budget.samples_per_cycle) == (2, 16)
    assert found.mutation.clone == (("block.*", "always"), ("norm", "always"), ("*", "mutate"))
    assert found.hyperparameters["mu"].values == (0.02, 0.06, 0.1)
    assert found.hyperparameters["opt.lr"].values == (0.1, 1.0, 10.0)
    assert found.hyperparameters["opt.warmup"].default == 0.3
    assert found.hyperparameters["opt.warmup"].values == presets.load("quick").hyperparameters["opt.warmup"].values


@pytest.mark.parametrize(
    ("key", "text", "expected"),
    [
        ("budget.cycles", "3", {"budget": {"cycles": 3}}),
        ("max_population", "none", {"max_population": None}),
        ("mutation.learned", "no", {"mutation": {"learned": False}}),
        ("opt.lr", "0.02", {"hyperparameters": {"opt.lr": 0.02}}),
        ("hyperparameters.opt.lr", "[0.1, 0.2]", {"hyperparameters": {"opt.lr": [0.1, 0.2]}}),
        ("hyperparameters.opt.lr.default", "0.02", {"hyperparameters": {"opt.lr": {"default": 0.02}}}),
        ("opt.lr.values", "[0.1]", {"hyperparameters": {"opt.lr": {"values": [0.1]}}}),
        ("layers", "0..root", {"hyperparameters": {"layers": "0..root"}}),
        ("mutation.clone.block.*", "always", {"mutation": {"clone": {"block.*": "always"}}}),
        ("mutation.clone", '{"*": never}', {"mutation": {"clone": {"*": "never"}}}),
        ("training.schedule.part", "cosine", {"training": {"schedule": {"part": "cosine"}}}),
        ("opt.lr", "0.02!", {"hyperparameters": {"opt.lr": [0.02]}}),
        ("hyperparameters.layers", "root!", {"hyperparameters": {"layers": ["root"]}}),
        ("name", "wow!", {"name": "wow!"}),
        ("budget.cycles", 3, {"budget": {"cycles": 3}}),
        ("max_population", None, {"max_population": None}),
        ("opt.lr", (0.1, 0.2), {"hyperparameters": {"opt.lr": [0.1, 0.2]}}),
        ("data.flip", True, {"hyperparameters": {"data.flip": True}}),
    ],
)
def test_setting(key: str, text: Any, expected: dict[str, Any]) -> None:
    assert nested(*setting(key, text)) == expected


@pytest.mark.parametrize(
    ("overrides", "name", "default", "values"),
    [
        ({"opt.lr": "0.02"}, "opt.lr", 0.02, 12),
        ({"opt.lr": "[0.01, 0.02]"}, "opt.lr", 0.01, 2),
        ({"opt.lr": "[0.3]"}, "opt.lr", 0.3, 1),
        ({"opt.lr": "[0.3, 0.4]", "opt.lr.default": "0.4"}, "opt.lr", 0.4, 2),
        ({"opt.lr.default": "0.4", "opt.lr": "[0.3, 0.4]"}, "opt.lr", 0.4, 2),
        ({"opt.lr.values": "none"}, "opt.lr", 0.01, 1),
        ({"layers": "0..2", "layers.default": "2"}, "layers", 2, 3),
        ({"data.image_size": "root"}, "data.image_size", "root", 7),
        ({"mu": "0.3"}, "mu", 0.3, 15),
    ],
)
def test_a_hyperparameter_is_set_by_its_value_or_its_list(
    overrides: dict[str, str], name: str, default: Any, values: int
) -> None:
    found = presets.load("characters", overrides).hyperparameters[name]
    assert (found.default, len(found.values)) == (default, values)


@pytest.mark.parametrize(
    ("values", "texts"),
    [
        ({"opt.lr": 0.02, "batch": 16, "data.flip": True}, {"opt.lr": "0.02", "batch": "16", "data.flip": "true"}),
        ({"opt.lr": [0.3], "max_population": None}, {"opt.lr": "[0.3]", "max_population": "none"}),
        ({"opt.lr": "0.3!", "mutation.learned": False}, {"opt.lr": "[0.3]", "mutation.learned": "no"}),
        ({"score": {"part": "size-and-compute", "factor": 0.5}}, {"score.factor": "0.5"}),
        ({"mutation.steps": ("clones",), "layers": "root!"}, {"mutation.steps": "[clones]", "layers": "[root]"}),
    ],
)
def test_settings_are_values_or_their_yaml(values: dict[str, Any], texts: dict[str, str]) -> None:
    assert presets.load("characters", values) == presets.load("characters", texts)


def test_a_value_that_is_fixed_is_never_mutated() -> None:
    fixed = presets.load("characters", {"opt.lr": "0.37!"}).space(TINY)["opt.lr"]
    assert (fixed.default, fixed.fixed, fixed.nearest(0.01)) == (0.37, True, 0.37)


def test_a_fixed_hyperparameter_is_set_as_it_is() -> None:
    assert presets.load("munet", {"data.jpeg": "0.37"}).hyperparameters["data.jpeg"].values == (0.37,)


def test_a_clone_rule_that_is_added_comes_first() -> None:
    found = method(mutation__clone__norm="never", **{"mutation__clone__block[1:]": "always"})
    assert found.mutation.clone == (("block[1:]", "always"), ("norm", "never"), ("*", "mutate"))


@pytest.mark.parametrize(
    ("key", "text", "error", "message"),
    [
        ("cycles", "3", UnknownName, "a method has no setting 'cycles'; did you mean budget.cycles"),
        ("budget.cycels", "3", UnknownName, "did you mean budget.cycles"),
        ("opt.lrr", "3", UnknownName, "did you mean opt.lr"),
        ("opt.lr.step", "3", UnknownName, "a method has no setting 'opt.lr.step'"),
        ("zzz", "3", UnknownName, "`ramet method show NAME` shows all there are"),
        ("", "3", UnknownName, "a method has no setting"),
        ("batch", "[", InvalidValue, "the value of 'batch':1: not YAML"),
        ("batch", "2026-13-45", InvalidValue, "the value of 'batch': not YAML"),
        ("opt.lr", "9" * 400, InvalidValue, "hyperparameters.opt.lr.default is 999"),
        ("score.params", ".inf", InvalidValue, "score.params is inf"),
        ("name", '"a\\nb"', InvalidValue, "name is"),
        ("batch", "0", InvalidValue, "batch is 0; it should be greater than 0"),
        ("batch", "many", InvalidValue, "batch is 'many'"),
        ("budget", "3", UnknownName, "a method has no setting 'budget'; did you mean budget."),
        ("budget.cycles", "0", InvalidValue, "budget.cycles is 0; it should be greater than 0"),
        ("score.factor", "1.5", InvalidValue, "score.factor is 1.5; it should be less than or equal to 1"),
        ("score.flops", "-1", InvalidValue, "score.flops is -1"),
        ("training.clip_norm", "0", InvalidValue, "training.clip_norm is 0"),
        ("parents", "mother", UnknownName, "parents is 'mother', and no such part is known; choose one of mu2net-plus"),
        ("mutation.adapters", "on", InvalidValue, "mutation.adapters is True"),
        (
            "mutation.clone.block.*",
            "maybe",
            InvalidValue,
            "mutation.clone.block.* is 'maybe'; write always, never, mutate",
        ),
        (
            "mutation.clone.blok.*",
            "always",
            InvalidValue,
            "mutation.clone has 'blok.*', which matches no component; did you mean",
        ),
        ("opt.lr", "0.015", InvalidValue, "set opt.lr.default to one of 0.0001, 0.0002"),
        (
            "opt.lr",
            "[0.3, 0.4]",
            InvalidValue,
            "hyperparameters.opt.lr.default is 0.01, which is not one of its values",
        ),
        ("data.image_size", "0", InvalidValue, "give a whole number of at least 1, or root"),
        ("budget.cycles", "3!", InvalidValue, "budget.cycles is '3!'; it should be a valid integer"),
        ("opt.lr", "0..1!", InvalidValue, "hyperparameters.opt.lr.default is '0..1'"),
        ("batch", 2.5, InvalidValue, "batch is 2.5"),
        ("opt.lr", object, InvalidValue, "hyperparameters.opt.lr.default is <class 'object'>"),
    ],
)
def test_a_wrong_override_names_key_value_and_remedy(
    key: str, text: Any, error: type[RametError], message: str
) -> None:
    with pytest.raises(error) as caught:
        presets.load("characters", {key: text})
    assert caught.value.field == ("settings", key)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)
    assert caught.value.remedy


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ("extends: mu2net-plus\nbugdet: {cycles: 3}", "'bugdet' is no field of a method; did you mean budget?"),
        (
            "extends: mu2net-plus\nbudget: {cycels: 3}",
            "'budget.cycels' is no field of a method; did you mean budget.cycles",
        ),
        ("extends: mu2net-plus\nhyperparameters: [1]", "hyperparameters is not a mapping"),
        ("extends: mu2net-plus\nhyperparameters: {opt: {lr: 1}}", "hyperparameters has no 'opt'; did you mean"),
        ("extends: mu2net-plus\nhyperparameters: {3: 1}", "hyperparameters has no 3"),
        ("extends: mu2net-plus\nmutation: {clone: 3}", "mutation.clone is 3"),
        ("extends: [munet]", "no method or size is called"),
        ("extends: munet\nbudget: 3", "budget is 3; write its fields as a mapping"),
        ("name: alone", "budget is missing; give it, or take it from another method with `extends: NAME`"),
        ("- a\n- b", "is no mapping of fields"),
        ("a: b: c", "the method:1: not YAML"),
        ("", "is no mapping of fields"),
    ],
)
def test_a_wrong_document_is_one_line(document: str, message: str) -> None:
    with pytest.raises(RametError) as caught:
        presets.load(document)
    assert message in str(caught.value)
    assert "\n" not in str(caught.value)


def test_a_missing_hyperparameter_is_named() -> None:
    plain = method().model_dump(mode="json")
    del plain["hyperparameters"]["opt.lr"]
    with pytest.raises(InvalidValue, match=r"hyperparameters\.opt\.lr is missing"):
        presets.load(plain)


def test_overlay_leaves_its_arguments_as_they_are() -> None:
    base = {"budget": {"cycles": 1}, "hyperparameters": {"opt.lr": {"default": 1, "values": [1]}}}
    top = {"budget": {"validations": 2}, "hyperparameters": {"opt.lr": 3}}
    before = repr((base, top))
    assert overlay(base, top) == {
        "budget": {"cycles": 1, "validations": 2},
        "hyperparameters": {"opt.lr": {"default": 3, "values": [1]}},
    }
    assert repr((base, top)) == before


# What is wrong, in which line of the file, and what is said of it; None: there is no line to name.
WRONG = [
    ("extends: quik", 1, "no method or size is called 'quik'"),
    ("- a", None, "is no mapping of fields"),
    ("batch: 3\nbatch: 4", 2, "'batch' is there twice"),
    ("extends: mu2net\nbugdet: {}", 2, "'bugdet' is no field of a method"),
    ("extends: mu2net\nbudget:\n  cycles: 3\n  cycels: 3", 4, "'budget.cycels' is no field of a method"),
    ("extends: mu2net\nbudget:\n  cycles: 0", 3, "budget.cycles is 0"),
    ("extends: mu2net\nbudget: 3", 2, "budget is 3"),
    ("\nname: alone", 1, "budget is missing"),
    ("extends: mu2net\nhyperparameters: [1]", 2, "hyperparameters is not a mapping"),
    ("extends: mu2net\nhyperparameters:\n  opt.lr: 0.1\n  opt.lrr: 1", 4, "hyperparameters has no 'opt.lrr'"),
    ("extends: mu2net\nhyperparameters:\n  opt.lr: 0.011", 3, "opt.lr.default is 0.011, which is not one of"),
    ("extends: mu2net\nhyperparameters:\n  opt.lr:\n    default: 0.1\n    values: [1]", 4, "opt.lr.default is 0.1"),
    ("extends: mu2net\nhyperparameters:\n  opt.lr:\n    default: 1\n    values: [x]", 5, "opt.lr.values is 'x'"),
    ("extends: mu2net\nhyperparameters:\n  opt.lr:\n    values: [1]\n    step: 2", 5, "opt.lr has no 'step'"),
    ("extends: mu2net\nscore:\n  params: 3\n  factor: 2", 4, "score.factor is 2"),
    ("extends: mu2net\nscore:\n  params: 3\n  part: x", 2, "score is 'x', and no such part is known"),
    ("extends: mu2net\nparents: mother", 2, "parents is 'mother'"),
    ("extends: mu2net\nmutation:\n  steps:\n  - clones\n  - clonse", 5, "mutation.steps is 'clonse'"),
    ("extends: mu2net\nmutation:\n  steps:\n  - part: clones\n    x: 1", 5, "'mutation.steps.x' is no field"),
    ("extends: mu2net\nmutation:\n  clone:\n    norm: never\n    blok.*: never", 5, "has 'blok.*', which matches"),
    ("extends: mu2net\nmutation:\n  clone:\n    norm: never\n    head: maybe", 5, "mutation.clone.head is 'maybe'"),
    ("extends: mu2net\nmutation:\n  learned: yes\n  clone: 3", 4, "mutation.clone is 3"),
    ("extends: mu2net\ntraining:\n  schedule: linear", 3, "training.schedule is 'linear'"),
    ("extends: mu2net\ntraining:\n  clip_norm: 0", 3, "training.clip_norm is 0"),
    ("extends: mu2net\nparts:\n- here.py\n- gone.py", 4, "parts: cannot read gone.py"),
    ("extends: mu2net\nparts:\n- bad.py", 3, "bad.py:2: ZeroDivisionError"),
    ("extends: mu2net\nparts: [strict.py]\nparents:\n  part: strict\n  x: 0", 3, "strict.py:7: KeyError"),
]
STRICT = """from pydantic import model_validator
from ramet.method.parts import Part, register
@register("parents", "strict")
class Strict(Part):
    x: int = 1
    @model_validator(mode="after")
    def _check(self): raise KeyError(self.x)
    def choose(self, among): return among.paths[0].id
"""


@pytest.mark.parametrize(("text", "line", "message"), WRONG)
def test_a_file_s_error_names_the_line_of_its_field(
    text: str, line: int | None, message: str, tmp_path: FilePath
) -> None:
    for name, code in {"here.py": "", "bad.py": "\n1 / 0", "strict.py": STRICT}.items():
        (tmp_path / name).write_text(code)
    (tmp_path / "mine.yaml").write_text(text)
    with pytest.raises(RametError) as caught:
        presets.load(tmp_path / "mine.yaml")
    assert caught.value.problem.startswith(f"{tmp_path / 'mine.yaml'}" + (f":{line}: " if line else ""))
    assert message in caught.value.problem
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize(
    ("text", "overrides", "field"),
    [
        ("batch: 3", {"opt.lr": 0.011}, "opt.lr"),
        ("hyperparameters: {opt.lr: 0.1}", {"opt.lr.values": [0.2, 0.3]}, "opt.lr.values"),
        ("batch: 3", {"batch": 0, "opt.lr": 0.1}, "batch"),
        ("batch: 3", {"bach": 4}, "bach"),
        ("batch: 3", {"parts": ["gone.py"]}, "parts"),
        ("mutation: {clone: {head: never}}", {"mutation.clone.hed": "never"}, "mutation.clone.hed"),
        ("training: {schedule: cosine}", {"training.schedule": "linear"}, "training.schedule"),
    ],
)
def test_an_override_s_error_is_not_located_in_the_file(
    text: str, overrides: dict[str, Any], field: str, tmp_path: FilePath
) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text(f"extends: mu2net\n{text}\n")
    with pytest.raises(RametError) as caught:
        presets.load(file, overrides)
    assert str(tmp_path) not in str(caught.value)
    assert caught.value.field[:2] == ("settings", field)


def test_a_fault_of_the_file_is_located_there_whatever_is_set(tmp_path: FilePath) -> None:
    file = tmp_path / "mine.yaml"
    file.write_text("extends: mu2net\nbatch: 0\n")
    with pytest.raises(InvalidValue, match=r"mine\.yaml:2: batch is 0"):
        presets.load(file, {"opt.lr": 0.05})


def test_a_document_s_error_has_its_field() -> None:
    with pytest.raises(InvalidValue) as caught:
        presets.load({"extends": "mu2net", "budget": {"cycles": 0}})
    assert caught.value.field == ("method", "budget", "cycles")


KEYS = st.sampled_from(
    [
        "budget.cycles",
        "batch",
        "opt.lr",
        "layers",
        "mutation.clone",
        "mutation.clone.*",
        "score.params",
        "name",
        "parents",
    ]
)


@settings(max_examples=60, deadline=None)
@given(
    st.dictionaries(
        KEYS | st.text(max_size=6), st.text(max_size=8) | st.sampled_from(["1", "[1, 2]", "1..3", "always"])
    )
)
def test_any_overrides_give_a_method_or_an_error(overrides: dict[str, str]) -> None:
    try:
        found = presets.load("characters", overrides)
    except RametError as error:
        message = str(error)
        assert "\n" not in message
        return
    assert presets.load(found.to_yaml()) == found
