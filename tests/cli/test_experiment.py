import json
from pathlib import Path

import ramet
from ramet import study
from ramet.study.run import begin
from tests.cli.helpers import refused, run, run_json

FILE = """\
name: width
description: Narrow adapters.
tasks: [digits, {name: fresh, source: 'demo:ogham'}]
set: {batch: 64}
budget: {cycles: 1, samples_per_cycle: 2, generation: 2, validations: 1, examples_per_validation: 64}
variants:
  wide: mu2net-plus
  narrow: {method: mu2net-plus, set: {adapter_width: [8]}}
"""


def written(folder: Path, text: str = FILE) -> Path:
    file = folder / "width.yaml"
    file.write_text(text)
    return file


def test_an_experiment_from_its_file_to_the_merge(seedbed: Path, tmp_path: Path) -> None:
    assert "no experiments yet" in run("experiment", "list", folder=seedbed).stderr
    file = written(tmp_path)
    lines = run("experiment", "run", file, folder=seedbed).stderr.splitlines()
    assert lines[0] == "[1/4] wide, seed 0, digits"
    assert any(line.startswith("wide, seed 0, digits: validation ") for line in lines)
    assert sum("digits (1 of 4): mu2net-plus" in line or "digits (3 of 4): mu2net-plus" in line for line in lines) == 2
    assert any(line.endswith("left") for line in lines)
    assert lines[-1] == f"next: ramet -C {seedbed} experiment report width"
    assert "done already" in run("experiment", "run", file, folder=seedbed).stderr

    assert run_json("experiment", "list", folder=seedbed)[0]["tasks"] == ["digits", "fresh"]
    assert "width/narrow/0" in run("experiment", "show", "width", folder=seedbed).stdout
    assert run_json("experiment", "show", "width", folder=seedbed)["trials"][1]["children"] == 4

    page = tmp_path / "page.html"
    shown = run("experiment", "report", "width", "--html", page, folder=seedbed)
    assert "narrow is not told apart from wide" in shown.stdout
    assert "Mutations that survived" in shown.stdout
    assert page.read_text().count("<svg") == 8
    found = run_json("experiment", "report", "width", folder=seedbed)
    assert found == json.loads(json.dumps(found))
    assert len(found["records"]) == 4

    merged = run_json("experiment", "merge", "width", "--tasks", "digits", folder=seedbed)
    assert [task["task"] for task in merged["tasks"]] == ["digits"]
    assert "fresh" in run("experiment", "merge", "width", folder=seedbed).stdout
    assert "nothing to do" in run("experiment", "merge", "width", folder=seedbed).stderr
    assert "experiment width: fresh from" in run("log", folder=seedbed).stdout
    assert run("experiment", "drop", "width", folder=seedbed).stdout.startswith("2 branches of width dropped")
    run("gc", "--delete", folder=seedbed)
    assert run_json("experiment", "report", "width", folder=seedbed) == found
    assert "dropped" in run("experiment", "list", folder=seedbed).stdout
    run("verify", "--quality", folder=seedbed)


def test_what_fails_is_told_with_exit_code_1(seedbed: Path, tmp_path: Path) -> None:
    diverging = FILE.replace("[8]", "[8], opt.lr: [100], training.clip_norm: null, batch: 4").replace("digits, ", "")
    result = run("experiment", "run", written(tmp_path, diverging), folder=seedbed, code=1)
    assert "narrow, seed 0, fresh: failed: no child learned fresh" in result.stderr
    assert "1 run could not be done" in result.stderr
    assert "no child learned fresh" in run("experiment", "report", "width", folder=seedbed).stdout


def test_what_is_wrong_is_refused_and_the_system_unchanged(seedbed: Path, tmp_path: Path) -> None:
    def unchanged() -> tuple[object, ...]:
        system = ramet.open(seedbed)
        return list(system.tasks), system.versions.branches(), system.store.catalog.experiments.all()

    before = unchanged()
    for old, new, words in (
        ("mu2net-plus\n", "mu2\n", "width.yaml:7: variants.wide: no method or size is called 'mu2'"),
        ("[8]", "[0.5]", "width.yaml:8: variants.narrow: hyperparameters.adapter_width.default is 0.5"),
        ("name: width", "name: [", "width.yaml:3: not YAML"),
        ("digits,", "digitz,", "experiment 'width', tasks: no task is called 'digitz'; did you mean digits"),
        ("demo:ogham", "demo:none", "experiment 'width', tasks: "),
        ("name: width", "name: width\nbase: mian", "no branch is called 'mian'"),
    ):
        assert words in refused("experiment", "run", written(tmp_path, FILE.replace(old, new, 1)), folder=seedbed)
        assert unchanged() == before
    for command in (("report", "x"), ("show", "x"), ("merge", "x"), ("drop", "x")):
        assert "no experiment is called 'x'" in refused("experiment", *command, folder=seedbed)


def test_an_experiment_is_never_edited(seedbed: Path, tmp_path: Path) -> None:
    system = ramet.open(seedbed)
    begin(system, study.read(written(tmp_path)))
    line = refused("experiment", "run", written(tmp_path, FILE.replace("[8]", "[16]")), folder=seedbed)
    assert line == (
        "error: there is an experiment 'width' with another content, and one is never edited; "
        "give a change another name"
    )
    assert "no trial of experiment 'width' has ended" in refused("experiment", "merge", "width", folder=seedbed)
