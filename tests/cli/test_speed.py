import json
from collections.abc import Iterator, Sequence
from pathlib import Path

import pytest

from ramet.benchmarks.speed import measure
from ramet.benchmarks.speed.report import Report, Say
from tests.benchmarks.speed.test_report import MARKDOWN, REPORT
from tests.cli.helpers import refused, run


@pytest.fixture(autouse=True)
def asked(monkeypatch: pytest.MonkeyPatch) -> list[tuple[Sequence[str], measure.Settings]]:
    """What was asked for; the answer is always the same report."""
    calls: list[tuple[Sequence[str], measure.Settings]] = []

    def fake(names: Sequence[str], settings: measure.Settings, say: Say) -> Iterator[Report]:
        calls.append((tuple(names), settings))
        say("measuring")
        yield REPORT

    monkeypatch.setattr(measure, "run", fake)
    return calls


def test_a_table_is_printed_and_json_kept(tmp_path: Path) -> None:
    result = run("benchmark", "speed", "memory", "--output", tmp_path / "out")
    assert Report.from_json((tmp_path / "out" / "speed.json").read_text()) == REPORT
    assert MARKDOWN in result.stdout
    assert result.stderr == "measuring\n"


def test_json(tmp_path: Path) -> None:
    result = run("benchmark", "speed", "memory", "--output", tmp_path, "--json")
    assert [Report(**plain) for plain in json.loads(result.stdout)] == [REPORT]


def test_the_documentation_is_filled(tmp_path: Path) -> None:
    document = tmp_path / "page.md"
    places = "<!-- memory --><!-- end of memory -->\n"
    document.write_text(f"<!-- speed --><!-- end of speed -->\n{places}")
    run("benchmark", "speed", "memory", "--output", tmp_path, "--fill", document)
    assert document.read_text() == f"<!-- speed -->\n{MARKDOWN}<!-- end of speed -->\n{places}"


def test_a_document_without_a_place_is_refused_before_anything_is_measured(
    tmp_path: Path, asked: list[tuple[Sequence[str], measure.Settings]]
) -> None:
    document = tmp_path / "page.md"
    document.write_text("# Title\n")
    assert "no place for memory" in refused(
        "benchmark", "speed", "memory", "--output", tmp_path / "out", "--fill", document
    )
    assert asked == []
    assert not (tmp_path / "out").exists()


@pytest.mark.parametrize(
    ("name", "names"), [("startup", ("startup",)), ("all", ("generation", "memory", "startup", "scale"))]
)
def test_names_and_options_reach_the_benchmarks(
    name: str, names: tuple[str, ...], tmp_path: Path, asked: list[tuple[Sequence[str], measure.Settings]]
) -> None:
    run("benchmark", "speed", name, "--output", tmp_path, "--repeats", 7, "--tasks", 9, "--model", "vit_small_patch16")
    assert asked == [(names, measure.Settings(7, 9, "vit_small_patch16"))]


def test_an_unknown_benchmark_is_refused() -> None:
    assert "generation" in run("benchmark", "speed", "sped", code=2).stderr
