"""A catalog in a SQLite file, in WAL mode: readers and a writer do not wait for each other, writers queue up.

A file in a folder that cannot be written is read as it is: no lock, no WAL file and no shared memory can be made there.
"""

import os
import shutil
import sqlite3
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, NullPool, Pool, create_engine, event

from ramet.store.catalog.codec import dumps, loads

WRITER = {"writing": True}  # the options of a writer's connection

_DAMAGED = "the file is damaged: bring it back from a copy of the system"
_FULL = "free some space (`ramet gc --delete` drops what nothing holds) and run the same command again"
_REMEDIES = {
    "locked": "another process keeps it busy: wait for it and run the same command again",
    "readonly": "make the system's folder writable for your user, or work on a copy of it",
    "unable to open": "make the system's folder readable and writable for your user, or work on a copy of it",
    "full": _FULL,
    "malformed": _DAMAGED,
    "not a database": _DAMAGED,
    "no such table": _DAMAGED,
    "no such column": _DAMAGED,
}

_LITTLE = 1 << 20  # bytes of free space that a disk is full with: SQLite needs some beside a transaction's


def engine(file: Path, wait: float, pool: type[Pool]) -> Engine:
    """Return what connects to a file, where a writer waits `wait` seconds for another one."""
    reading = not os.access(file.parent, os.W_OK, effective_ids=os.access in os.supports_effective_ids)
    connect = partial(_connect_to_read if reading else _connect, file, timeout=wait, check_same_thread=False)
    # How a file that others may write can be read is found out anew each time.
    kind = NullPool if reading else pool
    made = create_engine("sqlite://", creator=connect, poolclass=kind, json_serializer=dumps, json_deserializer=loads)
    event.listen(made, "connect", _prepare_to_read if reading else _prepare)
    event.listen(made, "begin", _begin)
    event.listen(made, "close", _roll_back)  # SQLAlchemy closes what Ctrl-C came upon
    return made


def end(driver: Any) -> None:
    """Roll back and close the driver's connection."""
    _roll_back(driver)
    driver.close()


def unchecked(connection: Connection) -> None:
    """Let a connection, which is closed after its use, move tables that others refer to."""
    connection.detach()
    driver: Any = connection.connection.dbapi_connection
    driver.execute("PRAGMA foreign_keys = OFF")


def damage(connection: Connection) -> list[str]:
    """Return what is wrong with the file, and the references to rows that are not there."""
    found = connection.exec_driver_sql("PRAGMA integrity_check").scalars().all()
    dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return [*(line for line in found if line != "ok"), *(f"{row[0]} refers to a missing {row[2]}" for row in dangling)]


def remedy(error: BaseException | None, file: Path) -> str:
    """Return what to do about an error of the driver."""
    if "disk I/O" in str(error) and shutil.disk_usage(file.parent).free < _LITTLE:
        return f"the disk is full: {_FULL}"
    return next((remedy for sign, remedy in _REMEDIES.items() if sign in str(error)), "check the disk and the file")


def _roll_back(driver: Any, _record: object = None) -> None:
    with suppress(sqlite3.ProgrammingError):  # it is closed already
        driver.rollback()  # closing is not enough while an error holds on to a cursor


def _connect(file: Path, *, timeout: float, check_same_thread: bool) -> sqlite3.Connection:
    made = sqlite3.connect(file, timeout=timeout, check_same_thread=check_same_thread)
    try:
        made.execute("SELECT 1 FROM sqlite_master").fetchall()
    except sqlite3.OperationalError as error:
        made.close()
        if error.sqlite_errorcode & 0xFF != sqlite3.SQLITE_IOERR:
            raise
        # A full disk has no room for the memory that processes share. Alone, this one needs none, and can look and
        # say which objects may go; others wait for it meanwhile.
        made = sqlite3.connect(file, timeout=timeout, check_same_thread=check_same_thread)
        made.execute("PRAGMA locking_mode = EXCLUSIVE")
    return made


def _connect_to_read(file: Path, *, timeout: float, check_same_thread: bool) -> sqlite3.Connection:
    # Where there is no WAL, all is in the file; where there is one, its writer's shared memory is beside it.
    how = "mode=ro" if file.with_name(f"{file.name}-wal").exists() else "immutable=1"
    uri = f"{file.absolute().as_uri()}?{how}"
    return sqlite3.connect(uri, uri=True, timeout=timeout, check_same_thread=check_same_thread)


def _prepare(connection: Any, record: Any) -> None:
    _prepare_to_read(connection, record)
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")  # a commit outlives a power cut


def _prepare_to_read(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver would otherwise begin transactions of its own


def _begin(connection: Connection) -> None:
    # A writer takes the lock when it begins, so it cannot fail for having read what another has changed since.
    writing = connection.get_execution_options().get("writing")
    connection.exec_driver_sql("BEGIN IMMEDIATE" if writing else "BEGIN")
