import json
import subprocess
import sys
from pathlib import Path

import pytest
from benchmarks.speed import memory

from tests.speed.conftest import ROOT, TASKS


def test_both_sides_are_measured_and_predict_the_same(scratch: Path) -> None:
    said: list[str] = []
    rows, note = memory.run(1, scratch, ROOT, TASKS, said.append)
    ours, theirs, ratio = rows
    assert [row[""] for row in rows] == ["one system of 3 tasks", "3 separate models", "ratio"]
    weights = sum(file.stat().st_size for file in (scratch / "separate").iterdir()) / 1e6
    assert theirs["disk, MB"] == pytest.approx(weights, abs=0.1)
    assert theirs["peak memory, MB"] >= weights  # every weight was read
    assert ratio["disk, MB"] == pytest.approx(ours["disk, MB"] / theirs["disk, MB"], abs=1e-3)
    assert all(value > 0 for row in rows for column, value in row.items() if column)
    assert float(note.rstrip(".").rpartition(" ")[2]) < 1e-5
    assert "2 of 3 blocks" in note
    assert len(said) == 3


def test_a_model_more_adds_only_what_it_does_not_share(scratch: Path) -> None:
    """Of a second LoadedPath of the same system, what the first holds is not held again."""
    code = f"""
import json, sys
from pathlib import Path
from benchmarks.speed import probe
models, _ = probe.SIDES["system"](Path({str(scratch / "colony")!r}))
held = open("/proc/self/maps").read()
mapped = [line.split()[-1] for line in held.splitlines() if ".safetensors" in line]
print(json.dumps([len(mapped), len(set(mapped))]))
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True)
    mappings, files = json.loads(done.stdout)
    assert mappings == files > 0


def test_it_says_where_it_can_be_measured(scratch: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(memory, "STATUS", scratch / "nowhere")
    with pytest.raises(memory.NotMeasured, match="Linux"):
        memory.run(1, scratch, ROOT, TASKS, lambda _: None)
