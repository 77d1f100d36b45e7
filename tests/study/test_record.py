import json
from dataclasses import replace
from pathlib import Path

import pytest

from ramet.base.errors import DataError
from ramet.study.record import file_of, read, write
from tests.study.made import DESIGN, record, records, study, written

ONE = record("evolved", "kmnist", 2, test_quality=0.1 + 0.2, accounted_params=1e6 / 3)


def test_a_study_reads_back_to_the_last_digit(tmp_path: Path) -> None:
    write(tmp_path, study([ONE]))
    found = read(tmp_path)
    assert found == study([ONE])
    assert found.design == DESIGN


def test_every_run_has_a_file_of_its_own(tmp_path: Path) -> None:
    changes = [{}, {"seed": 3}, {"task": "omniglot"}, {"alone": True}, {"variant": "finetune"}]
    write(tmp_path, study(replace(ONE, **change) for change in changes))  # type: ignore[arg-type]
    assert len(read(tmp_path).records) == len(changes)


def test_a_record_is_replaced_as_a_whole_and_only_if_it_differs(tmp_path: Path) -> None:
    write(tmp_path, study([replace(ONE, state="failed", error="no")]))
    write(tmp_path, study([ONE]))
    file = file_of(tmp_path, ONE)
    before = file.stat().st_mtime_ns
    write(tmp_path, study([ONE]))
    assert file.stat().st_mtime_ns == before
    assert sorted(found.name for found in tmp_path.rglob("*.*")) == ["kmnist.json", "study.json"]
    assert read(tmp_path).records == (ONE,)


def test_no_results(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no results"):
        read(tmp_path)


@pytest.mark.parametrize("text", ["{", "{}", '{"design": {}, "commit": "", "time": ""}', "[]"])
def test_a_damaged_study_is_named(text: str, tmp_path: Path) -> None:
    file = written(tmp_path, records()) / "study.json"
    file.write_text(text)
    with pytest.raises(DataError, match=r"study\.json is damaged: .*; delete it and run the benchmark again"):
        read(tmp_path)


def test_records_are_plain_json(tmp_path: Path) -> None:
    write(tmp_path, study([ONE]))
    text = file_of(tmp_path, ONE).read_text()
    assert json.loads(text, parse_constant=lambda text: 1 / 0)["tried"][2]["mutations"] == ["clone:block.1"]
