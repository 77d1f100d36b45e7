import json
import platform
from pathlib import Path

import pytest
from benchmarks.speed.report import Report, filled

from ramet.base.errors import InvalidValue
from ramet.study.record import machine, versions

REPOSITORY = Path(__file__).parents[2]
MACHINE = {"cpu": "Abacus", "cores": 2, "memory, GB": 8.5, "load": 0.1, "system": "Linux x86_64"}
REPORT = Report(
    "speed", "How fast.", "Faster is better.",
    [
        {"what": "ramet", "steps": 1000, "s": 0.25, "at most": None},
        {"what": "other", "steps": 10, "s": 1.0, "at most": 2.0},
    ],
    "make bench", "2026-01-31", {"ramet": "0.1.0", "torch": "2.6"}, MACHINE,
)  # fmt: skip
MARKDOWN = """\
| what | steps | s | at most |
| --- | ---: | ---: | ---: |
| ramet | 1,000 | 0.25 |  |
| other | 10 | 1.0 | 2.0 |

Faster is better.

`make bench`, 2026-01-31: ramet 0.1.0, torch 2.6; Abacus, 2 cores, 8.5 GB of memory, load 0.1 when it began.
"""


def test_json_reads_back_to_an_equal_report() -> None:
    assert Report.from_json(REPORT.to_json()) == REPORT


def test_markdown() -> None:
    assert REPORT.to_markdown() == MARKDOWN


def test_a_table_takes_the_place_between_its_marks() -> None:
    text = "# Title\n<!-- speed -->\nold\n<!-- end of speed -->\nThe end.\n"
    expected = f"# Title\n<!-- speed -->\n{MARKDOWN}<!-- end of speed -->\nThe end.\n"
    assert filled(text, REPORT) == filled(filled(text, REPORT), REPORT) == expected


def test_a_text_without_the_place_is_refused() -> None:
    with pytest.raises(InvalidValue, match="no place for speed"):
        filled("# Title\n", REPORT)


def test_the_machine_is_described_but_not_named() -> None:
    found = machine()
    assert found.keys() == MACHINE.keys()
    assert found["cores"] >= 1
    assert found["memory, GB"] > 0
    assert platform.node() not in json.dumps(found)


def test_versions() -> None:
    assert list(versions()) == ["ramet", "torch", "Python"]


@pytest.mark.parametrize("name", ["generation", "memory", "startup", "scale"])
def test_the_documentation_has_a_place_and_quotes_what_was_measured(name: str) -> None:
    text = (REPOSITORY / "docs" / "benchmarks.md").read_text(encoding="utf-8")
    assert f"<!-- {name} -->" in text
    file = REPOSITORY / "benchmarks" / "speed" / f"{name}.json"
    if file.exists():
        assert filled(text, Report.from_json(file.read_text(encoding="utf-8"))) == text
