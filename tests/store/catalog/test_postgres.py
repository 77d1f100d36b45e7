"""What only a catalog in PostgreSQL has: its URL, a server that may be away, and a schema that may be in use."""

import json
from collections.abc import Callable
from pathlib import Path

import pytest

from ramet.base.errors import InvalidValue, StoreError
from ramet.store.care import check
from ramet.store.catalog.catalog import Catalog
from ramet.store.catalog.database import Database
from ramet.store.catalog.postgres import catalog_url
from ramet.store.folder import create, open_store
from tests.store.examples import a_path, make_system


@pytest.mark.parametrize("url", ["postgresql://me@host:5433/name", "postgresql://host/name?sslmode=require"])
def test_a_url_is_kept_as_it_is(url: str) -> None:
    assert catalog_url(url) == url
    assert catalog_url(url.replace("postgresql", "postgresql+psycopg")) == url


@pytest.mark.parametrize("url", ["postgresql://me:secret@host/name", "postgresql://host/name?password=secret"])
def test_a_password_is_never_kept(url: str) -> None:
    with pytest.raises(InvalidValue, match="has a password") as error:
        catalog_url(url)
    assert "secret" not in str(error.value)
    assert "PGPASSWORD" in error.value.remedy


@pytest.mark.parametrize("url", ["", "name", "mysql://host/name", "postgresql://host:port/name"])
def test_what_is_no_url_of_postgresql_is_refused(url: str) -> None:
    with pytest.raises(InvalidValue, match="is no URL of PostgreSQL"):
        catalog_url(url)


def test_a_system_says_where_its_catalog_is(new_url: Callable[[], str], tmp_path: Path) -> None:
    url = new_url()
    store = make_system(tmp_path / "colony", catalog=url)
    store.catalog.close()
    kept = json.loads((tmp_path / "colony" / "ramet.json").read_text())["catalog"]
    assert catalog_url(url) == kept
    assert sorted(file.name for file in (tmp_path / "colony").iterdir()) == ["objects", "ramet.json"]
    with pytest.raises(StoreError, match="already exists") as error:
        make_system(tmp_path / "other", catalog=url)
    assert "holds a catalog already" in error.value.remedy
    assert check(open_store(tmp_path / "colony").catalog) == []


def test_a_system_that_was_not_finished_leaves_no_tables(new_url: Callable[[], str], tmp_path: Path) -> None:
    url = new_url()

    def fail_half_way() -> None:
        with create(tmp_path / "colony", "colony", catalog=url) as made:
            made.catalog.paths.add_root("vit", a_path(None))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        fail_half_way()
    assert check(make_system(tmp_path / "colony", catalog=url).catalog) == []


def test_a_server_that_is_away_is_explained(tmp_path: Path) -> None:
    with pytest.raises(StoreError, match="refuses: connection") as error:
        Catalog(f"postgresql://postgres@/postgres?host={tmp_path}").versions.head()
    assert "check that the server runs" in error.value.remedy


def test_a_connection_that_was_cut_is_made_anew(new_url: Callable[[], str]) -> None:
    catalog = Catalog.create(new_url())
    with Database(catalog.database.address).reading() as connection:
        others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
        connection.exec_driver_sql(f"{others} AND usename = 'postgres'")
    assert catalog.versions.published() == {}
    catalog.close()
