"""docs/methodology.md quotes what the commands printed, and its experiments can be read."""

import re
from pathlib import Path

import pytest

from ramet.study.reading import read

HOME = Path(__file__).parents[2]
FILES = HOME / "benchmarks" / "methodology"
SEGMENTS = ("a-score", "b-mu", "c-space", "d-parents")
AGAIN = {"g-score": ("a-score", range(3, 11)), "e-mu": ("b-mu", range(3, 11)), "f-bold": ("d-parents", range(6))}
"""What was asked again, with its seeds."""


@pytest.mark.parametrize("name", [*SEGMENTS, *AGAIN])
def test_its_files_are_experiments_on_one_budget(name: str) -> None:
    design = read(FILES / f"{name}.yaml")
    before, seeds = AGAIN.get(name, (name, range(3)))
    assert (design.name, design.seeds) == (name, tuple(seeds))
    assert design.task_names == read(FILES / f"{before}.yaml").task_names
    assert len(design.task_names) == 6
    assert {variant.limits.examples for variant in design.variants} == {12 * 1536}
    report = (FILES / f"{name}.txt").read_text(encoding="utf-8")
    for variant in design.variants:
        assert re.search(rf"^{variant.name} +colony v1 #", report, re.MULTILINE), "the report is of these variants"


def test_its_quotations_are_of_the_reports() -> None:
    page = (HOME / "docs" / "methodology.md").read_text(encoding="utf-8")
    quoted = re.findall(r"```\n\$ ramet experiment report (\S+)\n(.*?)```", page, flags=re.DOTALL)
    assert [name for name, _ in quoted] == ["a-score", "g-score", "b-mu", "e-mu", "c-space", "d-parents", "f-bold"]
    for name, text in quoted:
        left = iter((FILES / f"{name}.txt").read_text(encoding="utf-8").splitlines())
        for line in text.splitlines():
            assert line == "[...]" or line in left, f"{name}.txt does not say this, or not there: {line}"


def test_the_segments_tasks_are_two_dozen() -> None:
    first = {"digits", "mnist", "bangla", "fashion"}
    assert len(first.union(*(read(FILES / f"{name}.yaml").task_names for name in SEGMENTS))) == 24
