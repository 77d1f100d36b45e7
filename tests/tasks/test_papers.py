import json
import subprocess
import sys
from itertools import combinations
from pathlib import Path

import pytest

from ramet.base.errors import UnknownName
from ramet.tasks.labels import RULES
from ramet.tasks.names import check_name
from ramet.tasks.papers import SUITES, PapersTask, entries, find, is_prepared, members
from ramet.tasks.slices import default_row, parse_row

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
    row = parse_row(entry.train, entry.validation, entry.test) or default_row(available, entry.dataset)
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
