"""Connections to a catalog's database: transactions that are whole or not at all, and errors that a user can act on.

A writer has the database for itself from the beginning of its transaction; a reader sees one state of it. Ctrl-C may
come between any two instructions, where not even a `finally` is sure to run: a transaction that it left open is rolled
back when its thread next uses the database.
"""

import sys
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager, suppress
from pathlib import Path
from typing import Any, Protocol

from sqlalchemy import Connection, Engine, Pool
from sqlalchemy.exc import DBAPIError, IntegrityError, StatementError
from sqlalchemy.pool import ConnectionPoolEntry

from ramet.base.errors import InvalidValue, RametError, StoreError
from ramet.store.catalog import postgres, sqlite

Clock = Callable[[], float]
"""Seconds since 1970."""

Address = Path | str
"""Where a catalog is: the file of SQLite, or the URL of PostgreSQL."""


class _Kind(Protocol):
    """The part of a database that sqlite and postgres do each in its own way."""

    WRITER: Mapping[str, Any]

    def end(self, driver: Any) -> None: ...
    def unchecked(self, connection: Connection) -> None: ...
    def damage(self, connection: Connection) -> list[str]: ...
    def remedy(self, error: BaseException | None, address: Any) -> str: ...


class Connections(Pool):
    """As many connections as are asked for, without a lock: that of other pools could be left held by Ctrl-C."""

    def __init__(self, creator: Any, **options: Any) -> None:
        super().__init__(creator, **options)
        self._idle: deque[ConnectionPoolEntry] = deque()

    def _do_get(self) -> ConnectionPoolEntry:
        try:
            return self._idle.pop()
        except IndexError:
            return self._create_connection()

    def _do_return_conn(self, record: ConnectionPoolEntry) -> None:
        self._idle.append(record)

    def dispose(self) -> None:
        """Close the connections that nobody uses."""
        with suppress(IndexError):
            while True:
                self._idle.pop().close()

    def recreate(self) -> "Connections":
        """Return an empty pool like this one."""
        return Connections(self._creator, pre_ping=self._pre_ping, dialect=self._dialect, _dispatch=self.dispatch)


class _Open(threading.local):
    """The connection that a thread has a transaction on, and the driver's own."""

    now: tuple[Connection, Any] | None = None


class Database:
    """A catalog's database. A thread has one transaction at a time: beginning another one gives the first up.

    A writer waits `wait` seconds for another one.
    """

    def __init__(self, address: Address, *, wait: float = 30.0) -> None:
        self.address = address
        self._kind: _Kind = sqlite if isinstance(address, Path) else postgres
        made = sqlite.engine if isinstance(address, Path) else postgres.engine
        self._engine: Engine = made(address, wait, Connections)  # type: ignore[arg-type]
        self._writer = self._engine.execution_options(**self._kind.WRITER)
        self._open = _Open()

    def reading(self) -> AbstractContextManager[Connection]:
        """Open a connection that sees one state of the catalog.

        Raises:
            StoreError: the catalog cannot be read.
        """
        return self._transaction(self._engine)

    def writing(self) -> AbstractContextManager[Connection]:
        """Open a connection whose changes are all there when the block ends, or none if it raises.

        Raises:
            StoreError: the catalog cannot be written.
            InvalidValue: a value is none that the database can keep.
        """
        return self._transaction(self._writer)

    @contextmanager
    def altering(self) -> Iterator[Connection]:
        """Open a connection for changes of the tables themselves, in transactions that the block begins and commits.

        SQLite does not check references meanwhile: `damage` says which ones lead nowhere.

        Raises:
            StoreError: the catalog cannot be written.
        """
        with self._connected(self._writer) as connection:
            self._kind.unchecked(connection)
            yield connection

    def damage(self, connection: Connection) -> list[str]:
        """Return what is wrong with the database itself."""
        return self._kind.damage(connection)

    def close(self) -> None:
        """Close the connections; using the database again opens new ones."""
        self._give_up()
        self._engine.dispose()

    @contextmanager
    def _transaction(self, engine: Engine) -> Iterator[Connection]:
        with self._connected(engine) as connection:
            transaction = connection.begin()
            yield connection
            transaction.commit()

    @contextmanager
    def _connected(self, engine: Engine) -> Iterator[Connection]:
        with self._explained():
            self._give_up()
            connection = engine.connect()
            driver = connection.connection.dbapi_connection
            self._open.now = connection, driver
            try:
                yield connection
            except BaseException:
                # Not used again: a cursor that the error holds on to would keep its view of the data.
                if self._open.now is not None and self._open.now[1] is driver:  # else the garbage collector is late
                    self._give_up()
                raise
            self._open.now = None  # all is committed, so that nothing is left open even where closing is cut off
            connection.close()

    def _give_up(self) -> None:
        """Close the connection of the transaction that this thread has open, if any; closing rolls it back."""
        if self._open.now is not None:
            connection, driver = self._open.now
            self._kind.end(driver)
            with suppress(Exception):  # cut off anywhere, its state may be any
                connection.invalidate()
            self._open.now = None

    @contextmanager
    def _explained(self) -> Iterator[None]:
        outside = sys.exception()
        try:
            yield
        except IntegrityError:  # a caller's mistake, not the disk's
            raise
        except (DBAPIError, AssertionError) as error:
            if (pressed := _pressed(error, outside)) is not None:
                raise pressed from None
            if not isinstance(error, DBAPIError):
                raise
            cause, remedy = " ".join(str(error.orig).split()), self._kind.remedy(error.orig, self.address)
            raise StoreError(f"the catalog {self.address} refuses: {cause}", remedy) from error
        except StatementError as error:
            if isinstance(error.orig, RametError):  # of the JSON serializer
                raise error.orig from None
            raise
        except UnicodeEncodeError as error:
            raise InvalidValue(f"{error.object!r} is no text that can be kept", "rename it, in UTF-8") from error
        except OverflowError as error:
            raise InvalidValue("a number is too large for the catalog", "give one of 64 bits") from error


class Part:
    """A part of a catalog; clock tells seconds since 1970."""

    def __init__(self, database: Database, clock: Clock = time.time) -> None:
        self._database = database
        self._clock = clock


def _pressed(error: BaseException, outside: BaseException | None) -> KeyboardInterrupt | None:
    """Return the Ctrl-C that led to an error of SQLAlchemy's own tidying up, if one did.

    outside was being handled when the transaction began, and is no cause of the error.
    """
    cause: BaseException | None = error
    while cause is not None and cause is not outside:
        if isinstance(cause, KeyboardInterrupt):
            return cause
        cause = cause.__context__
    return None
