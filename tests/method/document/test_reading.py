from pathlib import Path as FilePath
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ramet.base.errors import InvalidValue, RametError, UnknownName
from ramet.method.document import presets
from ramet.method.document.reading import nested, overlay, setting
from tests.method.helpers import TINY, method


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
