import json
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest

from ramet.base.errors import InvalidValue, StoreError
from ramet.store.care import check
from ramet.store.catalog.catalog import Catalog
from ramet.store.folder import create, open_store
from tests.store.examples import a_path, a_task, make_system


def names(folder: Path) -> list[str]:
    return sorted(file.name for file in folder.iterdir())


def test_a_system_is_what_its_format_says_and_no_file_more(tmp_path: Path) -> None:
    with create(tmp_path / "deep" / "colony", "garden", clock=lambda: 0.0) as made:
        made.catalog.paths.add_root("vit", a_path(None))
    folder = tmp_path / "deep" / "colony"
    assert names(folder) == ["catalog.sqlite", "objects", "ramet.json"]
    assert json.loads((folder / "ramet.json").read_text()) == {
        "format": 1,
        "name": "garden",
        "created": "1970-01-01T00:00:00+00:00",
    }
    store = open_store(folder)
    assert (store.folder, store.name, store.created) == (folder, "garden", "1970-01-01T00:00:00+00:00")
    assert store.catalog.paths.roots() == {"vit": a_path(None)}
    store.catalog.tasks.add(a_task())
    store.catalog.close()
    assert names(folder) == ["catalog.sqlite", "objects", "ramet.json"]


def test_an_unfinished_system_is_none_and_is_made_anew(tmp_path: Path) -> None:
    folder = tmp_path / "colony"

    def fail_half_way() -> None:
        with create(folder, "colony") as made:
            made.catalog.paths.add_root("vit", a_path(None))
            made.catalog.paths.add_root("vit", a_path(None))

    with pytest.raises(InvalidValue):
        fail_half_way()
    with pytest.raises(StoreError, match="no ramet system"):
        open_store(folder)
    with create(folder, "colony") as made:
        made.catalog.paths.add_root("vit", a_path(None, agent="another"))
    assert open_store(folder).catalog.paths.roots()["vit"].agent == "another"
    assert names(folder) == ["catalog.sqlite", "catalog.sqlite-shm", "catalog.sqlite-wal", "objects", "ramet.json"]


def test_a_system_is_never_made_over_something_else(tmp_path: Path) -> None:
    make_system(tmp_path / "colony")
    (tmp_path / "photos").mkdir()
    (tmp_path / "photos" / "rose.jpg").touch()
    (tmp_path / "file").touch()
    for folder, problem in (("colony", "is a system already"), ("photos", "'rose.jpg'"), ("file", "File exists")):
        with pytest.raises(StoreError, match=problem), create(tmp_path / folder, "colony"):
            pytest.fail("it began")
    (tmp_path / "colony" / "ramet.json").unlink()
    with pytest.raises(StoreError, match=r"holds 'catalog\.sqlite'"), create(tmp_path / "colony", "colony"):
        pytest.fail("it began")


def without_mark(folder: Path) -> None:
    (folder / "ramet.json").unlink()


def with_newer_format(folder: Path) -> None:
    (folder / "ramet.json").write_text('{"format": 2, "name": "colony", "created": ""}')


def with_broken_mark(folder: Path) -> None:
    (folder / "ramet.json").write_text('{"format": 1')


def with_foreign_mark(folder: Path) -> None:
    (folder / "ramet.json").write_text("[1]")


def without_catalog(folder: Path) -> None:
    (folder / "catalog.sqlite").unlink()


def with_foreign_catalog(folder: Path) -> None:
    (folder / "catalog.sqlite").write_bytes(b"something else entirely " * 100)


def with_empty_catalog(folder: Path) -> None:
    (folder / "catalog.sqlite").write_bytes(b"")


def with_scrambled_catalog(folder: Path) -> None:
    data = (folder / "catalog.sqlite").read_bytes()
    (folder / "catalog.sqlite").write_bytes(data[:100] + b"\xff" * (len(data) - 100))


@pytest.mark.parametrize(
    ("damage", "problem", "remedy"),
    [
        (without_mark, "no ramet system", "ramet init"),
        (with_newer_format, "format 2, this ramet reads 1", "newer ramet"),
        (with_broken_mark, "ramet.json is damaged", "copy of the system"),
        (with_foreign_mark, "ramet.json is damaged", "copy of the system"),
        (without_catalog, "lost its catalog.sqlite", "copy of the system"),
        (with_foreign_catalog, "not a database", "copy of the system"),
        (with_empty_catalog, "no such table", "copy of the system"),
        (with_scrambled_catalog, "malformed", "copy of the system"),
    ],
)
def test_what_cannot_be_opened_says_why_and_what_to_do(
    tmp_path: Path, damage: Callable[[Path], None], problem: str, remedy: str
) -> None:
    make_system(tmp_path).catalog.close()
    damage(tmp_path)
    with pytest.raises(StoreError, match=problem) as error:
        open_store(tmp_path)
    assert remedy in error.value.remedy


@pytest.mark.parametrize("folder", ["absent", "ramet.json"])
def test_a_folder_that_is_none_is_no_system(tmp_path: Path, folder: str) -> None:
    (tmp_path / "ramet.json").touch()
    with pytest.raises(StoreError, match="no ramet system"):
        open_store(tmp_path / folder)


@contextmanager
def as_nobody() -> Iterator[None]:
    """Run as a user without rights, since root may write everywhere."""
    if os.name == "nt" or os.geteuid() != 0:
        yield
        return
    os.seteuid(65534)
    try:
        yield
    finally:
        os.seteuid(0)


def test_a_folder_without_write_permission_is_refused() -> None:
    # Not below tmp_path: its parents are closed to other users.
    with TemporaryDirectory() as name:
        folder = Path(name) / "colony"
        store = make_system(folder)
        store.catalog.close()
        for path in (Path(name), folder, folder / "objects", *(folder / "objects").iterdir()):
            path.chmod(0o555)
        try:
            with as_nobody():
                with pytest.raises(StoreError, match="writable"):
                    open_store(folder).catalog.tasks.add(a_task("letters"))
                with pytest.raises(StoreError, match=r"Permission denied.*writable"):
                    store.objects.put({})
                with pytest.raises(StoreError, match=r"Permission denied.*writable"):
                    store.objects.delete(next(store.objects.digests()))
                with pytest.raises(StoreError, match="Permission denied"), create(Path(name) / "other", "other"):
                    pytest.fail("it began")
        finally:
            for path in (Path(name), folder, folder / "objects", *(folder / "objects").iterdir()):
                path.chmod(0o755)


def test_a_full_database_is_explained_and_keeps_what_it_had(tmp_path: Path) -> None:
    from sqlalchemy import event
    from sqlalchemy.pool import Pool

    make_system(tmp_path).catalog.close()

    def limit(connection: object, _record: object) -> None:
        connection.execute("PRAGMA max_page_count = 1")  # type: ignore[attr-defined]

    event.listen(Pool, "connect", limit)
    try:
        full = Catalog(tmp_path / "catalog.sqlite")
        with pytest.raises(StoreError, match=r"full.*free some space"):
            full.paths.add_root("large", a_path(None, mu={f"hp:{i}": float(i) for i in range(1000)}))
    finally:
        event.remove(Pool, "connect", limit)
    assert check(open_store(tmp_path).catalog) == []
