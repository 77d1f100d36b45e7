from pathlib import Path

import pytest
from benchmarks.speed import scale
from benchmarks.speed.colony import grow, named

from ramet.store.care import check
from tests.speed.conftest import ROOT, TASKS


def test_every_measurement_has_its_row_at_every_size(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(scale, "RUNS_A_REPEAT", 1)
    monkeypatch.setattr(scale, "SIZES", (2, 4))
    said: list[str] = []
    rows, note = scale.run(1, scratch, ROOT, TASKS, said.append)
    of_catalogs, verify = rows[:-1], rows[-1]
    assert [(row["tasks"], row["at most"]) for row in of_catalogs] == [
        (tasks, limit) for limit in (1000.0, None, 50.0, 20.0, None, 10.0, None) for tasks in (2, 4)
    ]
    assert (verify["tasks"], verify["at most"]) == (TASKS, 1.67)
    assert all(0 <= row["lowest"] <= row["median"] <= row["highest"] for row in rows)
    assert "MB/s" in note


def test_a_catalog_without_objects_is_else_a_whole_one(tmp_path: Path) -> None:
    system = grow(tmp_path / "catalog", ROOT, TASKS, lambda _: None, named)
    assert check(system.store.catalog) == []
    assert [status.path is not None for status in system.status()] == [True] * TASKS
    assert len(system.versions.log()) == TASKS + 1
    missing = {fault.digest for fault in system.store.verify()}
    paths = system.store.catalog.versions.published().values()
    trained = [c for path in paths for c in path.components if c.name in path.trained]
    own = {digest for c in trained for digest in (c.digest, c.momentum)}
    assert missing == own
