"""Connections to a catalog's database: transactions that are whole or not at all, and errors that a user can act on.

SQLite runs in WAL mode, where readers and a writer do not wait for each other; writers queue up for at most `wait`
seconds. A write transaction takes the writer's lock when it begins, never half way, so it cannot fail for having read
a state that another writer has changed since.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, create_engine, event
from sqlalchemy.engine import URL
from sqlalchemy.exc import DatabaseError, IntegrityError, StatementError

from ramet.errors import RametError, StoreError
from ramet.store.codec import dumps, loads

_REMEDIES = {
    "locked": "another process keeps it busy: wait for it and run the same command again",
    "readonly": "make the system's folder writable for your user, or work on a copy of it",
    "unable to open": "make the system's folder readable and writable for your user, or work on a copy of it",
    "full": "free some space (`ramet gc` drops what nothing holds) and run the same command again",
    "malformed": "the file is damaged: bring it back from a copy of the system",
    "not a database": "the file is damaged: bring it back from a copy of the system",
    "no such table": "the file is damaged: bring it back from a copy of the system",
}


class Database:
    """A SQLite file.

    Args:
        file: where it is.
        wait: seconds that a writer waits for another one.
    """

    def __init__(self, file: Path, *, wait: float = 30.0) -> None:
        self.file = file
        url = URL.create("sqlite", database=str(file))
        self._engine = create_engine(
            url, json_serializer=dumps, json_deserializer=loads, connect_args={"timeout": wait}
        )
        self._writer = self._engine.execution_options(begin="BEGIN IMMEDIATE")
        event.listen(self._engine, "connect", _prepare)
        event.listen(self._engine, "begin", _begin)

    @contextmanager
    def reading(self) -> Iterator[Connection]:
        """A connection that sees one state of the catalog.

        Raises:
            StoreError: the catalog cannot be read.
        """
        with self._explained(), self._engine.begin() as connection:
            yield connection

    @contextmanager
    def writing(self) -> Iterator[Connection]:
        """A connection whose changes are all there when the block ends, or none if it raises.

        Raises:
            StoreError: the catalog cannot be written.
        """
        with self._explained(), self._writer.begin() as connection:
            yield connection

    def close(self) -> None:
        """Close the connections; using the database again opens new ones."""
        self._engine.dispose()

    @contextmanager
    def _explained(self) -> Iterator[None]:
        try:
            yield
        except IntegrityError:  # a caller's mistake, not the disk's
            raise
        except DatabaseError as error:
            cause = str(error.orig)
            remedy = next((r for sign, r in _REMEDIES.items() if sign in cause), "check the disk and the file")
            raise StoreError(f"the catalog {self.file} refuses: {cause}", remedy) from error
        except StatementError as error:
            if isinstance(error.orig, RametError):  # of the JSON serializer
                raise error.orig from None
            raise


def _prepare(connection: Any, _record: Any) -> None:
    connection.isolation_level = None  # the driver would otherwise begin transactions of its own
    connection.execute("PRAGMA journal_mode = WAL")
    connection.execute("PRAGMA foreign_keys = ON")
    connection.execute("PRAGMA synchronous = FULL")  # a commit outlives a power cut


def _begin(connection: Connection) -> None:
    connection.exec_driver_sql(connection.get_execution_options().get("begin", "BEGIN"))
