import json
import re
from html.parser import HTMLParser
from pathlib import Path

import pytest

from ramet import study
from ramet.base.errors import InvalidValue, StoreError
from ramet.study.figures import FIGURES
from ramet.study.parts import PARTS
from ramet.study.write import wanted, write_report
from ramet.system import System
from tests.study.made import a_design, a_report, failed, written

VOID = {"meta", "wbr", "br", "img", "link"}


class Reader(HTMLParser):
    """Checks that every element is closed, and collects ids, references and headings."""

    def __init__(self) -> None:
        super().__init__()
        self.open: list[str] = []
        self.tags: set[str] = set()
        self.ids: list[str] = []
        self.references: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.add(tag)
        for name, value in attrs:
            if name == "id":
                self.ids.append(value or "")
            if name in ("href", "src", "xlink:href", "srcset", "action"):
                self.references.append(value or "")
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)
        self.open.pop()

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop() == tag


@pytest.fixture(scope="module")
def html(reported: Path) -> str:
    return (reported / "report.html").read_text(encoding="utf-8")


@pytest.fixture(scope="module")
def read(html: str) -> Reader:
    reader = Reader()
    reader.feed(html)
    reader.close()
    return reader


def test_every_element_is_closed(read: Reader) -> None:
    assert read.open == []


def test_the_page_stands_alone(read: Reader, html: str) -> None:
    assert read.references
    assert all(reference.startswith(("#", "data:")) for reference in read.references)
    assert not {"script", "link", "img", "iframe"} & read.tags
    assert not re.search(r"@import|url\((?!#)", html)


def test_ids_are_unique_and_references_lead_somewhere(read: Reader, html: str) -> None:
    assert len(read.ids) == len(set(read.ids))
    used = {reference[1:] for reference in read.references if reference.startswith("#")} | set(
        re.findall(r"url\(#([^)]+)\)", html)
    )
    assert used <= set(read.ids)
    assert set(PARTS) - {"score", "faults"} <= set(read.ids)


def test_figures_take_the_colours_of_the_page(html: str) -> None:
    assert html.count("<svg") == 8
    assert not re.search("#1c2024|#d3d8de|#fefefe", html.partition("</style>")[2])
    assert "prefers-color-scheme: dark" in html
    assert "@media print" in html


def test_texts_are_escaped_and_marked(html: str) -> None:
    assert "<code>ramet benchmark run tiny --seeds 3</code>" in html
    assert '<th class="n">emnist/<wbr>digits</th>' in html


def test_the_page_of_a_system_stands_alone(system: System, tmp_path: Path) -> None:
    study.write_page(study.report(system, "mu"), tmp_path / "pages" / "mu.html")
    text = (tmp_path / "pages" / "mu.html").read_text()
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    assert all(reference.startswith(("#", "data:")) for reference in reader.references)
    assert not {"script", "link", "img", "iframe"} & reader.tags
    assert text.count("<svg") == 8
    assert "prefers-color-scheme: dark" in text
    assert not re.search("#1c2024|#d3d8de|#fefefe", text.partition("</style>")[2])
    assert [file.name for file in (tmp_path / "pages").iterdir()] == ["mu.html"]


@pytest.mark.parametrize("variants", [("a", "b"), tuple("abcdefghij")])
def test_equal_reports_give_equal_pages(variants: tuple[str, ...], tmp_path: Path) -> None:
    for name in ("one.html", "two.html"):
        study.write_page(a_report(a_design(*variants)), tmp_path / name)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_a_page_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write"):
        study.write_page(a_report(a_design("a", "b")), tmp_path / "file" / "page.html")


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
