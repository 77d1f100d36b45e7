import json
import subprocess
import sys
from pathlib import Path

import pytest

from ramet.base.errors import DataError, UnknownName
from ramet.tasks.sources.tensorflow_datasets import TfdsSource
from tests.tasks.examples import CLASSES, write_tfds


@pytest.fixture(scope="module")
def data_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("tfds")
    write_tfds(folder)
    return folder


@pytest.mark.parametrize("name", ["colours", "colours:1.0.0"])
def test_by_name(data_dir: Path, name: str) -> None:
    source = TfdsSource.open(name, data_dir=str(data_dir))
    assert source.classes == CLASSES
    assert source.uri == f"tfds:{data_dir}/colours/1.0.0"
    assert "dataset_info.json" in source.stamps()


def test_tensorflow_is_not_used(data_dir: Path) -> None:
    code = (
        "import sys\n"
        "from ramet.tasks.sources import open_source\n"
        f"source = open_source('tfds:colours', data_dir={str(data_dir)!r})\n"
        "print(sum(1 for _ in source.contents('train')), 'tensorflow' in sys.modules)"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["12", "False"]


def test_not_prepared(tmp_path: Path) -> None:
    with pytest.raises(DataError) as raised:
        TfdsSource.open("cmaterdb/bangla", data_dir=str(tmp_path))
    assert raised.value.problem == "tfds:cmaterdb/bangla is not prepared"
    assert f"tfds build cmaterdb/bangla --file_format=array_record --data_dir={tmp_path}" in raised.value.remedy


def test_the_environment_names_the_place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TFDS_DATA_DIR", str(tmp_path))
    with pytest.raises(DataError, match=f"--data_dir={tmp_path}"):
        TfdsSource.open("mnist")


def test_prepared_in_another_format(tmp_path: Path) -> None:
    folder = Path(write_tfds(tmp_path).removeprefix("tfds:"))
    info = json.loads((folder / "dataset_info.json").read_text())
    (folder / "dataset_info.json").write_text(json.dumps({**info, "fileFormat": "tfrecord"}))
    with pytest.raises(DataError) as raised:
        TfdsSource.open("colours", data_dir=str(tmp_path))
    assert "prepared as tfrecord" in raised.value.problem
    assert "tfds build colours --file_format=array_record" in raised.value.remedy


@pytest.mark.parametrize(
    ("option", "error", "words"),
    [
        ({"label": "species"}, UnknownName, "no column 'species'"),
        ({"label": "image"}, DataError, "'image' of .* is no class label"),
        ({"image": "label"}, DataError, "'label' of .* holds no images"),
    ],
)
def test_features_that_do_not_fit(data_dir: Path, option: dict[str, str], error: type[Exception], words: str) -> None:
    with pytest.raises(error, match=words):
        TfdsSource.open("colours", data_dir=str(data_dir), **option)
