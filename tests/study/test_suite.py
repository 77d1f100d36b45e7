import math
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramet.base.errors import InvalidValue, UnknownName
from ramet.method.document.presets import load
from ramet.study.suite import choose_tasks, choose_variants, names, shrunk, suite

SUITES = {
    "demo": 3, "large-124": 124, "mccb": 8, "reference-cpu": 4, "vdd": 10, "vtab-1k": 25, "vtab-full": 23,
}  # fmt: skip
BASELINES = ("finetune", "freeze_bottom:2", "adapters:32", "linear_probe")


def test_the_packaged_suites() -> None:
    assert {name: len(suite(name).task_names) for name in names()} == SUITES


@pytest.mark.parametrize("name", SUITES)
def test_a_recipe_says_what_it_is(name: str) -> None:
    found = suite(name)
    recipe = found.recipe
    assert recipe.name == name
    assert recipe.command.startswith(f"ramet benchmark run {name}")
    assert all((recipe.title, recipe.paper, recipe.expect, recipe.root))
    assert (recipe.judge, recipe.tolerant, recipe.remeasure) == ("test_quality", True, True)
    assert set(found.reported) <= set(found.task_names)
    assert not next(iter(recipe.variants.values())).frontier  # all others are compared with it


@pytest.mark.parametrize("name", SUITES)
@pytest.mark.parametrize("scale", [1.0, 0.001])
def test_every_variant_of_a_suite_has_the_same_budget(name: str, scale: float) -> None:
    found = suite(name)
    design = found.design(choose_variants(found, ["all"]), scale=scale)
    assert len({variant.limits.examples for variant in design.variants}) == 1
    assert len({variant.limits.validation_examples for variant in design.variants}) == 1


@pytest.mark.parametrize(
    ("name", "budget"),
    [
        ("mccb", 160 * 4 * 51_200),
        ("vdd", 320 * 4 * 51_200),
        ("large-124", 384 * 8 * 100_000),
        ("reference-cpu", 16 * 4 * 4_096),
    ],
)
def test_the_papers_budgets(name: str, budget: int) -> None:
    found = suite(name)
    assert found.design(choose_variants(found, ())).variants[0].limits.examples == budget


def test_points_of_a_family_differ() -> None:
    for name in names():
        found = suite(name)
        variants = found.design(choose_variants(found, ["all"])).variants
        assert len({(v.family, v.point) for v in variants}) == len(variants)
        assert len({v.method_label for v in variants}) == len(variants)


@pytest.mark.parametrize("method", ["mu2net-plus", *BASELINES])
def test_the_whole_scale_changes_nothing(method: str) -> None:
    assert shrunk(load(f"{method}@characters"), 1.0) == {}


def test_a_scale_shrinks_children_and_examples_alike() -> None:
    changes = shrunk(load("mu2net-plus@characters"), 0.01)
    assert changes == {
        "budget.cycles": "4",
        "budget.samples_per_cycle": "4",
        "budget.examples_per_validation": "5120",
        "budget.validation_examples": "1000",
        "batch": "64",
    }


@given(st.floats(1e-5, 1.0, exclude_max=True))
def test_what_is_left_is_near_the_scale_and_never_nothing(scale: float) -> None:
    whole = load("mu2net-plus@characters")
    small = load("mu2net-plus@characters", shrunk(whole, scale))
    children = small.budget.cycles * small.budget.samples_per_cycle
    assert children >= 1
    assert abs(children - math.sqrt(scale) * 160) <= 0.5 + small.budget.cycles / 2
    assert small.budget.examples_per_validation >= small.batch >= 64
    assert small.budget.validation_examples >= 1000
    assert small.budget.validations == whole.budget.validations


@pytest.mark.parametrize("scale", [0.0, -1.0, 1.5, math.nan])
def test_a_scale_is_a_part(scale: float) -> None:
    with pytest.raises(InvalidValue, match="no part of the budget"):
        shrunk(load("mu2net-plus@characters"), scale)


def test_small_batches_stay() -> None:
    assert shrunk(load("mu2net-plus@large"), 0.01)["batch"] == "16"


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ((), ("mu2net-plus", "mu2net", "munet", "finetune", "freeze_bottom:2", "adapters:32", "linear_probe")),
        (("finetune", "mu2net-plus"), ("finetune", "mu2net-plus")),
        (("mu2net-plus-s.9", "freeze_bottom:1"), ("mu2net-plus-s.9", "freeze_bottom:1")),
        (("linear_probe", "linear_probe"), ("linear_probe",)),
    ],
)
def test_methods_by_name(wanted: tuple[str, ...], chosen: tuple[str, ...]) -> None:
    assert tuple(choose_variants(suite("demo"), wanted)) == chosen


def test_all_methods() -> None:
    found = suite("demo")
    assert choose_variants(found, ["all"]) == found.recipe.variants


def test_tasks_keep_the_suites_order() -> None:
    assert choose_tasks(suite("demo"), ["greek", "digits"]) == ("digits", "greek")


def test_typos_are_told_what_was_meant() -> None:
    found = suite("demo")
    with pytest.raises(UnknownName, match="mccb"):
        suite("mcbc")
    with pytest.raises(UnknownName, match="greek"):
        choose_tasks(found, ["grek"])
    with pytest.raises(UnknownName, match="finetune"):
        choose_variants(found, ["finetun"])


def test_a_suites_settings_reach_the_method_and_the_users_come_last() -> None:
    found = suite("demo")
    method = found.method(found.recipe.variants["mu2net-plus"], 0.25, {"batch": "32"})
    assert method.score.params == 1.5e6
    assert method.batch == 32
    assert method.budget.samples_per_cycle == 4


def test_published_accuracies_are_the_recipes_or_the_catalogs() -> None:
    assert suite("mccb").reported["mnist"] == {"µNet": 0.968}
    large = suite("large-124").reported
    assert len(large) == 20
    assert large["malaria"] == {"µ2Net+ (ViT-L/16)": 0.9746}
    assert "emnist/letters" in large
    assert set(suite("vtab-full").reported) == {"caltech101", "dtd", "eurosat", "oxford_iiit_pet"}
    assert suite("vtab-1k").reported == {}


MINE = """\
name: mine
title: Mine
paper: None.
command: ramet benchmark run mine.yaml
expect: Anything.
root: random:vit_tiny_patch16@32x1
configuration: quick
tasks: [{name: digits, source: "demo:digits"}]
variants: {finetune: {method: finetune, set: {opt.lr: 0.02, opt.nesterov: true}}}
"""


def test_a_suite_of_ones_own(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text(MINE)
    found = suite(str(tmp_path / "mine.yaml"))
    assert [task.source for task in found.recipe.tasks] == ["demo:digits"]
    method = found.method(found.recipe.variants["finetune"])
    assert method.hyperparameters["opt.nesterov"].default is True


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (MINE.replace("name: mine\n", ""), "mine.yaml:1: name is missing"),
        (MINE.replace("root: random:vit_tiny_patch16@32x1\n", ""), "mine.yaml:1: root is missing"),
        (MINE + "tsks: []\n", "mine.yaml:10: an experiment has no field tsks; did you mean tasks"),
        (
            MINE.replace("source:", "sorce:"),
            "mine.yaml:8: an experiment has no field tasks.0.sorce",
        ),
        ("- just a list\n", "mine.yaml:1: the file: "),
        ("name: [", "not YAML"),
        (b"\xff\xfe", "not UTF-8"),
        (None, "No such file"),
    ],
)
def test_a_recipe_with_a_fault_is_named(text: str | bytes | None, words: str, tmp_path: Path) -> None:
    file = tmp_path / "mine.yaml"
    if text is not None:
        file.write_bytes(text if isinstance(text, bytes) else text.encode())
    with pytest.raises((InvalidValue, UnknownName), match=words):
        suite(str(file))
