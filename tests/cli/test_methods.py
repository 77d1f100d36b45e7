from pathlib import Path

import pytest

from tests.cli.helpers import refused, run, run_json


def test_presets_are_listed() -> None:
    listed = {method["name"] for method in run_json("method", "list")}
    baselines = {"finetune", "freeze_bottom:N", "adapters:D", "linear_probe", "munet", "mu2net"}
    assert listed >= baselines | {"mu2net-plus", "characters", "decathlon", "large", "quick"}
    text = run("method", "list").stdout
    assert all(name in text for name in listed)


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
