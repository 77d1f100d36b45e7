from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ramet.base.errors import InvalidValue, RametError, UnknownName
from ramet.method.document import presets
from ramet.method.document.reading import from_yaml, overlay, setting
from tests.method.helpers import method


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
    ],
)
def test_setting(key: str, text: str, expected: dict[str, Any]) -> None:
    assert setting(key, text) == expected


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
        ("batch", "[", InvalidValue, "the value of 'batch' is not YAML"),
        ("batch", "2026-13-45", InvalidValue, "the value of 'batch' is not YAML"),
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
        ("mutation.clone.block.*", "maybe", InvalidValue, "mutation.clone is 'maybe'; it should be 'always'"),
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
    ],
)
def test_a_wrong_override_names_key_value_and_remedy(
    key: str, text: str, error: type[RametError], message: str
) -> None:
    with pytest.raises(error) as caught:
        presets.load("characters", {key: text})
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
        ("extends: [munet]", "no method is called"),
        ("extends: munet\nbudget: 3", "budget is 3; write its fields as a mapping"),
        ("name: alone", "budget is missing; give it, or take it from another method with `extends: NAME`"),
        ("- a\n- b", "is no mapping of fields"),
        ("a: b: c", "is not YAML"),
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


def test_from_yaml_names_what_it_read() -> None:
    with pytest.raises(InvalidValue, match="the thing is not YAML"):
        from_yaml("{", "the thing")


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
