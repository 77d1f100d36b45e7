"""A system's folder: what is where in it, and how a system comes to be and is opened.

ramet.json        format version, name and date of the system; written last, so it marks a whole one
catalog.sqlite    tasks, paths, history and refs, unless ramet.json names a PostgreSQL database for them
objects/          tensors, unless ramet.json names another place for them
cache/            decoded images of tasks, and copies of objects kept elsewhere; may be deleted at any time
"""

import json
import os
import socket
import time
from collections.abc import Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ramet.base.errors import StoreError
from ramet.base.files import TEMPORARY, refusals, write_whole
from ramet.store.catalog.catalog import Catalog
from ramet.store.catalog.database import Address, Clock
from ramet.store.catalog.leases import ensure_none
from ramet.store.catalog.migrations import upgrade
from ramet.store.catalog.postgres import catalog_url
from ramet.store.catalog.schema import metadata
from ramet.store.objects import FolderObjects, Objects, objects_at
from ramet.store.objects.fsspec import Place
from ramet.store.versions.history import at_time

FORMAT = 1
"""The version of the format on disk that this ramet writes and reads."""

_MARK, _CATALOG, _OBJECTS = "ramet.json", "catalog.sqlite", "objects"
COPIES = "cache/.objects"
"""Where in a system's folder copies of objects are that are kept elsewhere."""


@dataclass(frozen=True, slots=True)
class Store:
    """An open system: its folder, its name, when it was made (ISO 8601), its catalog and its objects."""

    folder: Path
    name: str
    created: str
    catalog: Catalog
    objects: Objects


@contextmanager
def create(
    folder: Path, name: str, *, objects: str | None = None, catalog: str | None = None, clock: Clock = time.time
) -> Iterator[Store]:
    """Make a new system: it is there when the block, which adds its roots, ends without an error; then open it.

    What a block that failed leaves behind is no system, and the same call starts anew. objects is the URL of the place
    for its objects, catalog that of the PostgreSQL database for its catalog; both are in the folder by default.

    Raises:
        InvalidValue: the catalog's URL is none.
        StoreError: the folder holds a system or other files, or cannot be written; or the place for objects, or the
            database, is in use.
    """
    database = None if catalog is None else catalog_url(catalog)
    url = None if objects is None else _claimed(objects, folder)
    draft = folder / f".{_CATALOG}{TEMPORARY}"
    with refusals(f"cannot make a system in {folder}"):
        folder.mkdir(parents=True, exist_ok=True)
        _clear(folder, draft)
        if url is None:
            (folder / _OBJECTS).mkdir(exist_ok=True)
    created, made = at_time(clock()), Catalog.create(database or draft, clock=clock)
    try:
        yield Store(folder, name, created, made, _objects(folder, url))
    except BaseException:
        with made.database.writing() as connection:
            metadata.drop_all(connection)
        raise
    finally:
        made.close()
    if database is None:
        with refusals(f"cannot make a system in {folder}"):
            os.replace(draft, folder / _CATALOG)
    elsewhere = {kind: at for kind, at in (("objects", url), ("catalog", database)) if at is not None}
    _write_mark(folder, {"format": FORMAT, "name": name, "created": created, **elsewhere})


def open_store(folder: Path, *, clock: Clock = time.time) -> Store:
    """Open a system.

    Raises:
        StoreError: there is none in the folder, or one of a newer format, or it cannot be read.
    """
    mark = _read_mark(folder)
    if mark["format"] != FORMAT:
        raise _other_format(folder, mark["format"])
    catalog = Catalog(_catalog(folder, mark), clock=clock)
    catalog.versions.head()  # so that a database that cannot be read is noticed here
    return Store(folder, mark["name"], mark["created"], catalog, _objects(folder, mark.get("objects")))


def migrate(folder: Path) -> int:
    """Bring a system of an older format, which is returned, to this ramet's; killed anywhere, the same call finishes.

    Raises:
        StoreError: there is no system, or one of a newer format, or it is damaged or cannot be written.
        Busy: a process works on it.
    """
    mark = _read_mark(folder)
    if mark["format"] not in range(1, FORMAT + 1):
        raise _other_format(folder, mark["format"])
    with closing(Catalog(_catalog(folder, mark))) as catalog:
        with catalog.database.reading() as connection:
            ensure_none(connection, time.time())
        upgrade(catalog.database)
    if mark["format"] != FORMAT:
        _write_mark(folder, {**mark, "format": FORMAT})
    return int(mark["format"])


def is_system(folder: Path) -> bool:
    """Say whether there is a system in a folder, of whatever format."""
    return (folder / _MARK).is_file()


def _other_format(folder: Path, format: object) -> StoreError:
    remedy = f"run `ramet -C {folder} migrate`" if format in range(1, FORMAT) else "use a newer ramet"
    return StoreError(f"{folder} has format {format}, this ramet reads {FORMAT}", remedy)


def _catalog(folder: Path, mark: dict[str, Any]) -> Address:
    if "catalog" in mark:
        return str(mark["catalog"])
    if not (folder / _CATALOG).is_file():
        raise StoreError(f"{folder} has lost its {_CATALOG}", "bring the file back from a copy of the system")
    return folder / _CATALOG


def _objects(folder: Path, url: str | None) -> Objects:
    return FolderObjects(folder / _OBJECTS) if url is None else objects_at(url, folder / COPIES)


def _claimed(url: str, folder: Path) -> str:
    """Return the URL of a place for a new system's objects: its alone, as its gc deletes what it finds there."""
    if "://" not in url:
        url = Path(url).expanduser().resolve().as_uri()
    place = Place(url)
    claim = json.dumps({"system": str(folder), "host": socket.gethostname()}, indent=2).encode() + b"\n"
    before = place.read(_MARK)
    if before not in (None, claim):
        raise StoreError(f"{url} holds the objects of another system ({place.at(_MARK)})", "choose another place")
    if before is None and next(place.files(), None) is not None:
        raise StoreError(f"{url} is not empty", "choose an empty place or a new one")
    place.write(_MARK, claim)
    return url


def _write_mark(folder: Path, mark: dict[str, Any]) -> None:
    write_whole(folder / _MARK, (json.dumps(mark, indent=2) + "\n").encode())


def _read_mark(folder: Path) -> dict[str, Any]:
    file = folder / _MARK
    with refusals(f"cannot read {file}"):
        try:
            mark = json.loads(file.read_bytes())
        except (FileNotFoundError, NotADirectoryError):
            remedy = "make one with `ramet init`, or name another folder"
            raise StoreError(f"{folder} is no ramet system", remedy) from None
        except ValueError:
            mark = None
    if not isinstance(mark, dict) or not {"format", "name", "created"} <= mark.keys():
        raise StoreError(f"{file} is damaged", "bring the file back from a copy of the system")
    return mark


def _clear(folder: Path, draft: Path) -> None:
    """Make sure that a system may be made in a folder, and take away an unfinished one's catalog."""
    if (folder / _MARK).exists():
        raise StoreError(f"{folder} is a system already", "open it, or choose another folder")
    for leftover in folder.glob(f"{draft.name}*"):
        leftover.unlink()
    others = sorted(file.name for file in folder.iterdir() if file.name != _OBJECTS)
    if others:
        raise StoreError(f"{folder} is not empty: it holds {others[0]!r}", "choose an empty folder or a new one")
