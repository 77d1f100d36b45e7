from pathlib import Path

import pytest

from ramet.base.errors import RametError
from ramet.method.document.presets import load
from ramet.study import Design, read
from tests.study.conftest import FILE, written


def refused(folder: Path, text: str) -> RametError:
    with pytest.raises(RametError) as error:
        read(written(folder, text))
    return error.value


def test_a_file_says_all_that_decides(design: Design) -> None:
    assert (design.name, design.control, design.task_names, design.seeds) == ("mu", "learned", ("one", "two"), (0, 1))
    assert [slot.branch for slot in design.slots()] == ["mu/learned/0", "mu/fixed/0", "mu/learned/1", "mu/fixed/1"]
    learned, fixed = (load(variant.method) for variant in design.variants)
    assert learned.mutation.learned
    assert not fixed.mutation.learned
    assert {m.budget.examples for m in (learned, fixed)} == {2 * 2 * 96}
    assert {m.batch for m in (learned, fixed)} == {32}


def test_a_design_is_the_same_after_being_kept_as_json(design: Design) -> None:
    assert Design.model_validate(design.model_dump(mode="json")) == design


def test_a_methods_file_is_looked_for_beside_the_experiments(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("extends: munet\nname: mine\nversion: 2\n")
    design = read(written(tmp_path, FILE.replace("method: munet", "method: mine.yaml")))
    assert design.variant("fixed").method_label.startswith("mine v2 #")


def test_new_tasks_and_the_rest_may_be_written_out(tmp_path: Path) -> None:
    text = FILE.replace("[one, two]", "[{name: greek, source: 'demo:greek', test: 0.2, options: {limit: 5}}, one]")
    design = read(written(tmp_path, text.replace("seeds: 2", "seeds: [4, 7]\ncontrol: fixed\nmetrics: [test_quality]")))
    assert [(task.name, task.source) for task in design.tasks] == [("greek", "demo:greek"), ("one", "")]
    assert (design.seeds, design.control, design.metrics) == ((4, 7), "fixed", ("test_quality",))


WRONG = [
    ("name: mu", "name: [mu", 2, "not YAML"),
    ("name: mu", "name: mu/1", 1, "name"),
    ("name: mu", "", 1, "name is missing"),
    ("tasks: [one, two]", "tasks: []", 3, "tasks"),
    ("tasks: [one, two]", "tasks: [one, one]", 3, "'one' is there twice"),
    ("tasks: [one, two]", "tasks:\n- one\n- {name: x, sorce: y}", 5, "no field tasks.1.sorce; did you mean source?"),
    ("seeds: 2", "seeds: 0", 4, "seeds"),
    ("seeds: 2", "seeds: [0, 0]", 4, "0 is there twice"),
    ("seeds: 2", "seeds: [-1]", 4, "seeds.0"),
    ("seeds: 2", "sedes: 2", 4, "no field sedes; did you mean seeds?"),
    ("seeds: 2", "control: none", 4, "control is 'none', which is no variant"),
    ("seeds: 2", "metrics: [speed]", 4, "metrics.0"),
    ("seeds: 2", "name: other", 4, "'name' is there twice"),
    ("    method: munet", "    metod: munet", 9, "variants.fixed.method is missing"),
    ("    method: munet", "    method: mnet", 10, "variants.fixed: no method or size is called 'mnet'; did you mean"),
    ("    method: munet", "    method: gone.yaml", 9, "cannot read"),
    ("set: {mu: [0.3]}", "set: {mi: 1}", 11, "variants.fixed: a method has no setting 'mi'"),
    ("set: {mu: [0.3]}", "set: {mu: 7}", 11, "variants.fixed: hyperparameters.mu.default is 7"),
    ("set: {mu: [0.3]}", "set: 7", 11, "variants.fixed.set"),
    ("set: {mu: [0.3]}", "set: {budget.cycles: 3}", 9, "fixed may train on 576 examples a task, learned on 384"),
    ("  learned: mu2net-plus\n", "", 7, "variants: there is one only; give two"),
    ("  fixed:", "  fi/xed:", 9, "variants.fi/xed"),
]  # fmt: skip


@pytest.mark.parametrize(("old", "new", "line", "words"), WRONG)
def test_what_is_wrong_is_told_with_file_line_and_field(
    tmp_path: Path, old: str, new: str, line: int, words: str
) -> None:
    text = FILE.replace(old, new, 1)
    assert text != FILE
    error = refused(tmp_path, text)
    assert f"experiment.yaml:{line}: " in error.problem
    assert words in str(error)
    assert error.remedy
    assert "\n" not in str(error)


def test_a_budget_of_its_own_is_said(tmp_path: Path) -> None:
    design = read(written(tmp_path, FILE.replace("set: {mu: [0.3]}", "set: {budget.cycles: 3}\n    budget: own")))
    assert [variant.limits.examples for variant in design.variants] == [384, 576]


@pytest.mark.parametrize("text", ["", "[]", "a", "variants: 3"])
def test_what_is_no_experiment_is_refused(tmp_path: Path, text: str) -> None:
    assert "experiment.yaml:1: " in refused(tmp_path, text).problem


def test_a_file_that_is_not_there() -> None:
    with pytest.raises(RametError, match=r"cannot read the experiment nowhere\.yaml"):
        read("nowhere.yaml")


def test_what_is_wrong_in_a_methods_file_is_named_with_its_own_line(tmp_path: Path) -> None:
    (tmp_path / "mine.yaml").write_text("extends: munet\nname: mine\nmax_population: many\n")
    error = refused(tmp_path, FILE.replace("method: munet", "method: mine.yaml"))
    assert "experiment.yaml:10: variants.fixed: " in error.problem
    assert "mine.yaml:3: max_population is 'many'" in error.problem
