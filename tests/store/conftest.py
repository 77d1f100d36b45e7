from collections.abc import Iterator
from pathlib import Path

import pytest

from ramet.store.folder import Store
from ramet.store.objects import FolderObjects, Objects
from tests.store.examples import make_system


@pytest.fixture
def store(tmp_path: Path) -> Iterator[Store]:
    """A system with one root and the task `digits`."""
    made = make_system(tmp_path / "colony")
    yield made
    made.catalog.close()


@pytest.fixture(params=[FolderObjects])
def objects(request: pytest.FixtureRequest, tmp_path: Path) -> Objects:
    """Every kind of object store, empty: what is tested of one is tested of all."""
    made: Objects = request.param(tmp_path / "objects")
    (tmp_path / "objects").mkdir()
    return made
