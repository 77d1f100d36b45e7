import json
import subprocess
import sys
from dataclasses import replace
from itertools import combinations, pairwise
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramet.base.errors import DataError, InvalidValue, UnknownName
from ramet.tasks.cache import check_name
from ramet.tasks.labels import RULES
from ramet.tasks.papers import SUITES, PapersTask, Slice, default_row, entries, find, is_prepared, members, parse

ENTRIES = list(entries().values())


@pytest.mark.parametrize(
    ("suite", "count"),
    [("mccb", 8), ("vdd", 10), ("vtab-1k", 25), ("vtab-full", 23), ("tfds", 63), ("large-124", 76 + 23 + 25)],
)
def test_suites_have_their_tasks(suite: str, count: int) -> None:
    assert len({entry.name for entry in members(suite)}) == count


def test_every_task_is_of_one_suite() -> None:
    assert len(entries()) == 129
    assert sum(len(members(suite)) for suite in SUITES if suite != "large-124") == 129
    others = [entry for entry in members("large-124") if not entry.suite.startswith("vtab")]
    assert len(others) == 76


def test_a_row() -> None:
    assert find("emnist/letters") == PapersTask(
        name="emnist/letters", suite="mccb", dataset="emnist/letters", train="default", validation="default",
        test="default", label="label", classes=None, in_large=True, reported_test_accuracy=0.9503, note="",
    )  # fmt: skip


@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_rows_make_sense(entry: PapersTask) -> None:
    assert check_name(entry.name) == entry.name
    assert entry.reported_test_accuracy is None or 0.5 < entry.reported_test_accuracy <= 1
    assert entry.label in RULES or entry.label.isidentifier()
    assert (entry.suite == "vtab-1k") == entry.name.endswith("/1k")


@pytest.mark.parametrize("available", [["train"], ["train", "test"], ["train", "validation", "test"]], ids=len)
@pytest.mark.parametrize("entry", ENTRIES, ids=lambda entry: entry.name)
def test_train_validation_and_test_share_no_example(entry: PapersTask, available: list[str]) -> None:
    row = entry.row or default_row(available, entry.dataset)
    taken = [(part.dataset, part.split, part.of(50_001)) for parts in row.values() for part in parts]
    assert all(len(rows) for _, _, rows in taken)
    for (*one, here), (*other, there) in combinations(taken, 2):
        assert one != other or here.stop <= there.start or there.stop <= here.start


@pytest.mark.parametrize(
    ("name", "words"),
    [("cifar", "did you mean cifar10"), ("clevr/count", "clevr/count_all"), ("zzz", "`ramet task papers` lists them")],
)
def test_a_mistyped_task_is_told_the_near_ones(name: str, words: str) -> None:
    with pytest.raises(UnknownName, match=f"no task '{name}'; .*{words}"):
        find(name)


def test_an_unknown_suite_is_told_the_suites() -> None:
    with pytest.raises(UnknownName, match="no suite 'vtab'; did you mean vtab-1k or vtab-full"):
        members("vtab")


def prepared(data_dir: Path, folder: str, file_format: str = "array_record") -> None:
    (data_dir / folder).mkdir(parents=True)
    (data_dir / folder / "dataset_info.json").write_text(json.dumps({"fileFormat": file_format}))


@pytest.mark.parametrize(
    ("task", "folders", "expected"),
    [
        ("mnist", ["mnist/3.0.1"], True),
        ("mnist", ["mnist/incomplete.3.0.1"], False),
        ("mnist", ["fashion_mnist/3.0.1"], False),
        ("emnist/digits", ["emnist/digits/3.0.0"], True),
        ("emnist/digits", ["emnist/letters/3.0.0"], False),
        ("dtd", ["dtd/3.0.1"], True),
        ("dtd", ["dtd/4.0.0"], False),
        ("sun397/1k", ["sun397/tfds/4.0.0"], True),
        ("imagenette", ["imagenette/full-size-v2/1.0.0"], True),
        ("cifar10", ["cifar10/3.0.2"], False),
        ("cifar10", ["cifar10/3.0.2", "cifar10_1/v4/1.1.0"], True),
    ],
)
def test_prepared_data_is_found(
    task: str, folders: list[str], expected: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    for folder in folders:
        prepared(tmp_path, folder)
    assert is_prepared(find(task), tmp_path) == expected
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    assert is_prepared(find(task)) == expected


def test_another_format_is_not_prepared(tmp_path: Path) -> None:
    prepared(tmp_path, "mnist/3.0.1", "tfrecord")
    assert not is_prepared(find("mnist"), tmp_path)
    assert not is_prepared(find("mnist"), tmp_path / "nowhere")


def test_nothing_heavy_is_loaded() -> None:
    code = (
        "import sys\n"
        "from ramet.tasks.papers import entries\n"
        "print(len(entries()), sorted({'numpy', 'torch', 'PIL', 'tensorflow_datasets'} & sys.modules.keys()))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["129", "[]"]


COUNTS = st.integers(0, 10**7)
PLACES = {
    "train": [("train", 0, 999)],
    "train_00": [("train_00", 0, 999)],
    "validation": [("validation", 0, 999)],
    "test": [("test", 0, 999)],
    "small1": [("small1", 0, 999)],
    "small2": [("small2", 0, 999)],
    "train[:800]": [("train", 0, 800)],
    "train[20%:]": [("train", 199, 999)],
    "train[:20%]": [("train", 0, 199)],
    "train[:60%]": [("train", 0, 599)],
    "train[60%:80%]": [("train", 599, 799)],
    "train[60%:60%+200]": [("train", 599, 799)],
    "train[:80%]": [("train", 0, 799)],
    "train[80%:]": [("train", 799, 999)],
    "train[80%:90%]": [("train", 799, 899)],
    "train[80%:80%+200]": [("train", 799, 999)],
    "train[:90%]": [("train", 0, 899)],
    "train[90%:]": [("train", 899, 999)],
    "train[90%:90%+200]": [("train", 899, 999)],
    "train[:98%]": [("train", 0, 979)],
    "train[98%:]": [("train", 979, 999)],
    "train[:5%]": [("train", 0, 49)],
    "train[5%:10%]": [("train", 49, 99)],
    "train[10%:]": [("train", 99, 999)],
    "train[:10000]": [("train", 0, 999)],
    "train[10000:20000]": [("train", 999, 999)],
    "train[20000:]": [("train", 999, 999)],
    "validation[:200]": [("validation", 0, 200)],
    "validation[:50%]": [("validation", 0, 499)],
    "validation[50%:]": [("validation", 499, 999)],
    "test[:200]": [("test", 0, 200)],
    "test[:50%]": [("test", 0, 499)],
    "test[50%:]": [("test", 499, 999)],
    "test[:5%]": [("test", 0, 49)],
    "test[5%:10%]": [("test", 49, 99)],
    "test[10%:]": [("test", 99, 999)],
    "test[:10000]": [("test", 0, 999)],
    "test[10000:]": [("test", 999, 999)],
    "trainA[10%:]+trainB[10%:]": [("trainA", 99, 999), ("trainB", 99, 999)],
    "trainA[:10%]+trainB[:10%]": [("trainA", 0, 99), ("trainB", 0, 99)],
    "testA+testB": [("testA", 0, 999), ("testB", 0, 999)],
    "cifar10_1:test": [("test", 0, 999)],
    "imagenet_v2:test": [("test", 0, 999)],
}
"""Every expression of the papers' list, on splits of 999 examples."""


@pytest.mark.parametrize(("text", "places"), PLACES.items())
def test_expressions_of_the_papers(text: str, places: list[tuple[str, int, int]]) -> None:
    found = [(part.split, part.of(999)) for part in parse(text)]
    assert found == [(split, range(start, stop)) for split, start, stop in places]


def test_every_expression_of_the_papers_is_tested() -> None:
    assert {e for entry in entries().values() for e in (entry.train, entry.validation, entry.test)} == {
        *PLACES,
        "default",
    }


def test_another_data_set_is_named_before_its_split() -> None:
    assert [part.dataset for part in parse("cifar10_1:test+test+v2/b.1:test[:1]")] == ["cifar10_1", None, "v2/b.1"]


@given(COUNTS, st.lists(st.integers(1, 99), unique=True).map(sorted))
def test_parts_between_percentages_are_disjoint_and_cover_the_split(count: int, percents: list[int]) -> None:
    bounds = ["", *(f"{percent}%" for percent in percents), ""]
    parts = [parse(f"train[{a}:{b}]")[0].of(count) for a, b in pairwise(bounds)]
    assert (parts[0].start, parts[-1].stop) == (0, count)
    assert all(one.stop == other.start for one, other in pairwise(parts))


@given(COUNTS, st.integers(0, 100), st.integers(0, 10**7))
def test_bounds_are_rounded_down_and_stay_in_the_split(count: int, percent: int, more: int) -> None:
    place = count * percent // 100
    assert parse(f"train[{percent}%:]")[0].of(count).start == place
    assert parse(f"train[{percent}%:{percent}%+{more}]")[0].of(count) == range(place, min(count, place + more))
    assert len(parse(f"train[:{more}]")[0].of(count)) == min(count, more)


@pytest.mark.parametrize(
    ("available", "row"),
    [
        (["train", "validation", "test"], ["train", "validation", "test"]),
        (["train", "test", "unlabelled"], ["train[5%:]", "train[:5%]", "test"]),
        (["validation", "train"], ["train[5%:]", "validation", "train[:5%]"]),
        (["train"], ["train[10%:]", "train[5%:10%]", "train[:5%]"]),
    ],
)
def test_the_default_takes_what_is_missing_from_train(available: list[str], row: list[str]) -> None:
    expected = dict(zip(("train", "validation", "test"), map(parse, row), strict=True))
    assert {s: [p.of(999) for p in parts] for s, parts in default_row(available, "x").items()} == {
        s: [p.of(999) for p in parts] for s, parts in expected.items()
    }


def test_the_default_needs_a_train_split() -> None:
    with pytest.raises(DataError, match=r"tfds:x has no train split \(its splits: test\); "):
        default_row(["test"], "tfds:x")


def test_rows() -> None:
    assert find("emnist/letters").row is None
    assert replace(find("mnist"), train="train", validation="small1", test="small2").row == {
        "train": (Slice("train"),), "validation": (Slice("small1"),), "test": (Slice("small2"),)
    }  # fmt: skip


@pytest.mark.parametrize(
    "text", ["", "train[20%]", "train[a:]", "train[:2%%]", "train[-5:]", "train[:+3]", "a b", "train+"]
)
def test_what_is_no_expression(text: str) -> None:
    with pytest.raises(InvalidValue) as raised:
        parse(text)
    assert raised.value.remedy
