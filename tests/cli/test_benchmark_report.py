import json
import sys
from pathlib import Path

import pytest

from tests.cli.helpers import refused, run
from tests.study.made import records, written


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return written(tmp_path_factory.mktemp("results") / "tiny", records())


def test_the_overview_is_printed_and_the_report_written(folder: Path) -> None:
    result = run("benchmark", "report", folder)
    assert "| full fine-tuning | .770 ± .033 | .750 ± .033 |" in result.stdout
    assert result.stderr == f"written to {folder / 'report'}\n"
    assert (folder / "report" / "report.html").exists()


def test_json_and_a_document(folder: Path, tmp_path: Path) -> None:
    document = tmp_path / "results.md"
    document.write_text("<!-- tiny:faults --><!-- end of tiny:faults -->\n")
    result = run("benchmark", "report", folder, "--output", tmp_path / "out", "--fill", document, "--json")
    assert json.loads(result.stdout)["compared"]["tasks"] == ["emnist/digits", "kmnist", "omniglot"]
    assert result.stderr == f"written to {tmp_path / 'out'}, and into {document}\n"
    assert (
        document.read_text() == "<!-- tiny:faults -->\nThere is nothing to tell of this.\n<!-- end of tiny:faults -->\n"
    )


def test_a_folder_without_results_is_refused(tmp_path: Path) -> None:
    assert "holds no results; name the folder" in refused("benchmark", "report", tmp_path)
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("module", ["scipy.stats", "matplotlib"])
def test_a_missing_library_is_named_with_its_extra(
    module: str, folder: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    expected = f'needs the library {module}; pip install "ramet[report]"'
    assert expected in refused("benchmark", "report", folder, "--output", tmp_path / "out")
