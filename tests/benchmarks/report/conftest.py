from pathlib import Path

import pytest
from ramet.benchmarks.report.runs import gather
from ramet.benchmarks.report.summary import Summary, summarise
from ramet.benchmarks.report.write import write_report

from tests.benchmarks.report.examples import TERMS, records, written


@pytest.fixture(scope="session")
def summary() -> Summary:
    """Of a benchmark of which every run is done."""
    return summarise(gather(TERMS, records()))


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of its report."""
    folder = tmp_path_factory.mktemp("benchmark") / "tiny"
    write_report(written(folder, records()), folder / "report")
    return folder / "report"
