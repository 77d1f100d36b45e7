import json
from dataclasses import replace
from pathlib import Path

import pytest
from ramet.study.record import (
    Record,
    Standing,
    Terms,
    Variant,
    file_of,
    read,
    read_all,
    read_terms,
    write,
    write_terms,
)

from ramet.base.errors import DataError

VARIANT = Variant("adapters:8", "adapters of 8", "adapters", "width 8", "adapters:8@characters v1 #12345678")
RECORD = Record(
    suite="mccb",
    variant=VARIANT,
    task="cmaterdb/bangla",
    seed=2,
    order=1,
    setting="together",
    state="done",
    test=0.1 + 0.2,
    splits={"train": 4000},
    standings={"mnist": Standing(0.5, 1e6 / 3, {"norm": ("0123456789ab", 384)})},
    machine={"cpu": "a processor", "cores": 2, "load": 0.5},
)
TERMS = Terms(
    suite="mccb",
    title="Characters",
    paper="…",
    expect="…",
    command="ramet benchmark run mccb",
    root="random:vit_tiny_patch16@32x3",
    scale=0.25,
    budget=1000,
    tasks=("mnist", "cmaterdb/bangla"),
    variants=(VARIANT,),
    settings={"opt.lr": "0.05"},
    reported={"mnist": {"µNet": 0.968}},
)


def test_a_record_reads_back_to_the_last_digit(tmp_path: Path) -> None:
    write(tmp_path, RECORD)
    assert list(read_all(tmp_path)) == [RECORD]
    assert read(file_of(tmp_path, "adapters:8", 2, "cmaterdb/bangla", "together")) == RECORD


def test_terms_read_back(tmp_path: Path) -> None:
    write_terms(tmp_path, TERMS)
    assert read_terms(tmp_path) == TERMS


def test_every_run_has_a_file_of_its_own(tmp_path: Path) -> None:
    changes = [
        {},
        {"seed": 3},
        {"task": "cmaterdb-bangla"},
        {"setting": "alone"},
        {"variant": replace(VARIANT, name="x")},
    ]
    for change in changes:
        write(tmp_path, replace(RECORD, **change))  # type: ignore[arg-type]
    assert len(list(read_all(tmp_path))) == len(changes)


def test_a_record_is_replaced_as_a_whole(tmp_path: Path) -> None:
    write(tmp_path, replace(RECORD, state="failed", error="no"))
    write(tmp_path, RECORD)
    (file,) = [path for path in tmp_path.rglob("*") if path.is_file()]
    assert read(file) == RECORD


def test_no_results(tmp_path: Path) -> None:
    with pytest.raises(DataError, match="holds no results"):
        read_terms(tmp_path)
    assert list(read_all(tmp_path)) == []


def test_a_damaged_record_is_named(tmp_path: Path) -> None:
    write(tmp_path, RECORD)
    (file,) = tmp_path.rglob("*.json")
    file.write_text(file.read_text()[:-20])
    with pytest.raises(DataError, match=r"bangla\.json is damaged"):
        list(read_all(tmp_path))


def test_records_are_plain_json(tmp_path: Path) -> None:
    write(tmp_path, RECORD)
    (file,) = tmp_path.rglob("*.json")
    assert json.loads(file.read_text(), parse_constant=lambda text: 1 / 0)["variant"]["point"] == "width 8"
