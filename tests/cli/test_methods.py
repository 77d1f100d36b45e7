from pathlib import Path

import pytest

from tests.cli.helpers import refused, run, run_json


def test_presets_are_listed() -> None:
    listed = run_json("method", "list")
    methods = {"finetune", "freeze_bottom:N", "adapters:D", "linear_probe", "munet", "mu2net", "mu2net-plus"}
    assert listed["methods"].keys() >= methods
    assert listed["sizes"].keys() >= {"seconds", "minutes", "hour", "large"}
    assert not listed["methods"].keys() & listed["sizes"].keys()
    text = run("method", "list").stdout
    first, second = text.split("\n\n")
    assert all(name in first for name in listed["methods"])
    assert all(name in second for name in listed["sizes"])


@pytest.mark.parametrize("name", ["mu2net-plus", "mu2net@characters", "freeze_bottom:2", "large"])
def test_what_show_prints_is_a_method(name: str, tmp_path: Path) -> None:
    file = tmp_path / "method.yaml"
    file.write_text(run("method", "show", name, "--set", "budget.cycles=7").stdout)
    assert "cycles: 7" in file.read_text()
    assert run("method", "show", file).stdout == file.read_text()
    assert run("method", "validate", file).stdout.endswith("is a method\n")


@pytest.mark.parametrize(
    ("text", "named"),
    [
        ("extends: mu2net\nbatch: 0\n", "batch"),
        ("extends: mu2net\nspeed: 3\n", "speed"),
        ("extends: mu3net\n", "mu3net"),
        ("name: [", "YAML"),
        ("name: lonely\n", "budget"),
    ],
)
def test_a_file_that_is_no_method_is_refused(text: str, named: str, tmp_path: Path) -> None:
    file = tmp_path / "method.yml"
    file.write_text(text)
    assert named in refused("method", "validate", file)


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["mu2nett"], "mu2net"),
        (["missing.yaml"], "missing.yaml"),
        (["freeze_bottom"], "freeze_bottom:N"),
        (["mu2net", "--set", "batch=none"], "batch"),
        (["mu2net", "--set", "batch"], "batch"),
    ],
)
def test_what_is_no_method_is_named(arguments: list[str], named: str) -> None:
    assert named in refused("method", "show", *arguments)


def test_a_file_that_is_no_text_is_refused(tmp_path: Path) -> None:
    file = tmp_path / "method.yaml"
    file.write_bytes(b"\xff\xfe\x00")
    assert "UTF-8" in refused("method", "validate", file)
