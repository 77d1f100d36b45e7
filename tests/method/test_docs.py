"""What docs/method.md shows is true."""

import re
import shlex
from pathlib import Path

import pytest

from ramet.method.document import presets

PAGE = (Path(__file__).parents[2] / "docs" / "method.md").read_text(encoding="utf-8")
COMMANDS = re.findall(r"^\$ (ramet evolve .*)$", PAGE, flags=re.MULTILINE)


def test_the_example_is_a_method() -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", PAGE, flags=re.DOTALL)
    found = presets.load(example)
    assert found.mutation.clone[:2] == (("block[-1:]", "always"), ("patch_embed", "never"))
    assert (found.hyperparameters["opt.lr"].default, found.hyperparameters["layers"].values) == (0.1, "0..root")


@pytest.mark.parametrize("command", [c for c in COMMANDS if ".yaml" not in c])
def test_commands_name_methods_and_settings_there_are(command: str) -> None:
    words = shlex.split(command)
    settings = [words[i + 1].partition("=") for i, word in enumerate(words) if word == "--set"]
    assert presets.load(words[words.index("--method") + 1], {key: text for key, _, text in settings})


@pytest.mark.parametrize("setting", re.findall(r"`--set ([^`]+=[^`]+)`", PAGE.split("## `--set`")[1]))
def test_settings_are_right(setting: str) -> None:
    parts = [part for part in shlex.split(setting) if part != "--set"]
    overrides = {key: text for key, _, text in (part.partition("=") for part in parts if "KEY" not in part)}
    assert presets.load("mu2net-plus", overrides)


@pytest.mark.parametrize("name", presets.sizes())
def test_the_table_of_sizes(name: str) -> None:
    found = presets.load(name)
    budget, score = found.budget, found.score
    (row,) = re.findall(rf"^\| `{name}` \|.*$", PAGE, flags=re.MULTILINE)
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[2] == f"{budget.cycles} x {budget.samples_per_cycle}"
    assert cells[3] == f"{budget.validations} x {budget.examples_per_validation:,}"
    assert cells[4] == str(found.batch)
    size = found.hyperparameters["data.image_size"].default
    assert cells[5].startswith("the root's" if size == "root" else str(size))
    units = [part.replace(",", "") for part in re.split(r", ", cells[6])]
    assert float(units[0]) == score.factor
    assert [None if unit == "off" else float(unit) for unit in units[1:]] == [score.params, score.flops]


def test_every_name_is_in_it() -> None:
    assert all(f"`{name}`" in PAGE for name in {**presets.methods(), **presets.sizes()})
