import sys

import pytest

from ramet.base.errors import DataError
from ramet.base.extras import extra
from ramet.tasks.sources import open_source


def test_what_is_installed_is_imported() -> None:
    assert extra("json.decoder", "x").JSONDecoder


def test_what_is_missing_is_named() -> None:
    with pytest.raises(DataError, match=r'needs the library nolibrary; pip install "ramet\[some\]"'):
        extra("nolibrary.part", "some")


@pytest.mark.parametrize(
    ("source", "module", "name"),
    [
        ("hf:x", "datasets", "hf"),
        ("tfds:x", "tensorflow_datasets", "tfds"),
        ("papers:mnist", "tensorflow_datasets", "tfds"),
    ],
)
def test_sources_name_theirs(source: str, module: str, name: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, module, None)
    with pytest.raises(DataError, match=rf'needs the library {module}; pip install "ramet\[{name}\]"'):
        open_source(source)
