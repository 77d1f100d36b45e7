import json
from pathlib import Path

import pytest

from ramet.base.errors import InvalidValue
from ramet.study.figures import FIGURES
from ramet.study.parts import PARTS
from ramet.study.write import wanted, write_report
from tests.study.made import failed, written


def marks(*names: str) -> str:
    return "".join(f"<!-- {name} -->\nold\n<!-- end of {name} -->\n" for name in names)


def test_a_report_is_markdown_json_figures_and_a_page(reported: Path) -> None:
    figures = {f"{name}.{suffix}" for name in FIGURES for suffix in ("svg", "png")}
    assert {file.name for file in reported.iterdir()} == {"report.md", "report.json", "report.html", *figures}


def test_markdown_has_all_parts_and_figures_beside_it(reported: Path) -> None:
    text = (reported / "report.md").read_text(encoding="utf-8")
    assert text.startswith("# Tiny suite\n\n## Verdict\n\nµ2Net+, s = .9 is worse than µ2Net+")
    assert [line[3:] for line in text.splitlines() if line.startswith("## ")] == [
        title for name, (title, _) in PARTS.items() if name not in ("score", "faults")
    ]
    assert "![Test accuracy by task and variant](./accuracy.svg)" in text


def test_json_has_all_numbers(reported: Path) -> None:
    plain = json.loads((reported / "report.json").read_text(encoding="utf-8"))
    assert plain["design"]["name"] == "tiny"
    assert plain["variants"][0]["means"]["test_quality"]["mean"] == pytest.approx(0.8)
    assert plain["variants"][0]["transfer"]["backward"] == {"mean": 0.0, "half": 0.0, "n": 3}


def test_a_document_is_filled(reported: Path, tmp_path: Path) -> None:
    document = tmp_path / "results.md"
    document.write_text(f"# Results\n{marks('tiny:faults', 'tiny:matrix')}{marks('other:faults')}The end.\n")
    write_report(reported.parent, tmp_path / "results" / "tiny", document)
    text = document.read_text(encoding="utf-8")
    assert "<!-- tiny:faults -->\nThere is nothing to tell of this.\n<!-- end of tiny:faults -->" in text
    assert "](results/tiny/sharing.svg)" in text
    assert text.endswith(f"{marks('other:faults')}The end.\n")


@pytest.mark.parametrize(
    ("text", "problem"),
    [
        ("# Results\n", "no place for tiny; write <!-- tiny:PART -->"),
        (marks("other:size"), "no place for tiny"),
        (marks("tiny:siz"), "no part 'siz' of a report; .* verdict, overview, differences, frontier"),
        ("<!-- tiny:size -->", "no place for tiny:size"),
    ],
)
def test_a_document_without_good_places_is_refused_before_anything_is_written(
    text: str, problem: str, reported: Path, tmp_path: Path
) -> None:
    document = tmp_path / "results.md"
    document.write_text(text)
    with pytest.raises(InvalidValue, match=problem):
        write_report(reported.parent, tmp_path / "out", document)
    assert [file.name for file in tmp_path.iterdir()] == ["results.md"]
    assert document.read_text() == text


def test_wanted_parts() -> None:
    assert wanted(marks("tiny:size", "tiny:origin"), "tiny") == ("size", "origin")


def test_a_benchmark_of_faults_is_reported_too(tmp_path: Path) -> None:
    folder = written(tmp_path, [failed("evolved", "kmnist", 0)])
    write_report(folder, tmp_path / "report")
    assert {file.name for file in (tmp_path / "report").iterdir()} == {"report.md", "report.json", "report.html"}
    assert "ValueError: a | b" in (tmp_path / "report" / "report.html").read_text(encoding="utf-8")
