"""Leases: one process at a time evolves a task.

A lease is a row with its holder and the time it ends; the holder puts the end off while it lives. A lease that ended,
or whose process is gone from this machine, may be taken by the next one.
"""

import os
import secrets
import socket
import threading
from collections.abc import Collection
from contextlib import suppress
from datetime import datetime
from typing import Any
from weakref import WeakValueDictionary, ref

from sqlalchemy import Connection, Row, delete, insert, select, update

from ramet.base.errors import Busy, StoreError
from ramet.store.catalog.database import Clock, Database, Part
from ramet.store.catalog.schema import leases
from ramet.store.versions.commits import MAIN

LEASE_SECONDS = 60.0


class Leases(Part):
    """A catalog's leases."""

    def hold(self, task: str, *, branch: str = MAIN, seconds: float = LEASE_SECONDS) -> "Lease":
        """Return the right to work on a task, to be held during a `with` block; a thread renews it.

        It outlives a holder that dies on another machine by `seconds`; one that dies on this machine loses it at once.

        Raises:
            Busy: another process holds it (on entering the block).
        """
        return Lease(self._database, self._clock, task, branch, seconds)

    def branches(self, task: str) -> list[str]:
        """Return the branches on which somebody holds the lease of a task, by name."""
        with self._database.reading() as connection:
            found = connection.execute(select(leases).where(leases.c.task == task).order_by(leases.c.branch))
            return [row.branch for row in found if _alive(row, self._clock())]

    def oldest(self) -> float | None:
        """Return since when the oldest living lease is held (seconds since 1970), or None if there is none."""
        with self._database.reading() as connection:
            found = connection.execute(select(leases))
            return min((row.since for row in found if _alive(row, self._clock())), default=None)


class Lease:
    """A lease that a block of this process holds, unless it was lost: who stood still for too long loses it.

    Where Ctrl-C keeps a block from giving its lease back, the same thread may take it again.
    """

    def __init__(self, database: Database, clock: Clock, task: str, branch: str, seconds: float) -> None:
        self.branch, self.task = branch, task
        self.token, self.host, self.pid = secrets.token_hex(16), socket.gethostname(), os.getpid()
        self.lost, self.ended = threading.Event(), threading.Event()
        self.thread = threading.get_ident()
        self._database, self._clock, self._seconds = database, clock, seconds
        self._keeper: threading.Thread | None = None

    def ensure(self) -> None:
        """Raise Busy if the lease is no longer held: what was done under it must not be recorded."""
        if self.lost.is_set():
            raise Busy(f"the lease of task {self.task!r} was lost to another process", "let that one finish")

    def __enter__(self) -> "Lease":
        now = self._clock()
        _OURS[self.token] = self
        try:
            with self._database.writing() as connection:
                _take(connection, self, now, now + self._seconds)
            # It must not keep the block alive: a block that is left without its end loses its lease.
            about = (ref(self), self.token, self.ended, self.lost, self._seconds, self._database, self._clock)
            self._keeper = threading.Thread(target=_keep, args=about, daemon=True)
            self._keeper.start()
        except BaseException:
            self.__exit__()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self.ended.set()
        if self._keeper is not None and self._keeper.is_alive():
            self._keeper.join()
        # What the block was left by matters more than a lease that nobody can give back: it ends by itself.
        with suppress(StoreError):
            _delete(self._database, self.token)
        _OURS.pop(self.token, None)


_OURS: WeakValueDictionary[str, Lease] = WeakValueDictionary()
"""The leases of this process, by their tokens."""


def _keep(
    block: "ref[Lease]",
    token: str,
    ended: threading.Event,
    lost: threading.Event,
    seconds: float,
    database: Database,
    clock: Clock,
) -> None:
    """Put a lease's end off until its block ends; notice when somebody else has taken it."""
    while not ended.wait(seconds / 3):
        with suppress(StoreError):  # the catalog is busy: there is time for another attempt
            if block() is None:
                _delete(database, token)
                return
            with database.writing() as connection:
                own = leases.c.token == token
                kept = connection.execute(update(leases).where(own).values(expires=clock() + seconds)).rowcount
            if not kept:
                lost.set()
                return


def _delete(database: Database, token: str) -> None:
    with database.writing() as connection:
        connection.execute(delete(leases).where(leases.c.token == token))


def ensure_none(connection: Connection, now: float, branches: Collection[str] | None = None) -> None:
    """Raise Busy if somebody works on the system, or on some branches of it."""
    for row in connection.execute(select(leases).order_by(leases.c.since)):
        if (branches is None or row.branch in branches) and _alive(row, now) and not _left_by_us(row):
            raise _busy(row)


def _take(connection: Connection, lease: Lease, now: float, expires: float) -> None:
    of_task = (leases.c.branch == lease.branch) & (leases.c.task == lease.task)
    row = connection.execute(select(leases).where(of_task)).one_or_none()
    if row is not None and _alive(row, now):
        if not _left_by_us(row):
            raise _busy(row)
        left = _OURS[row.token]
        left.ended.set()
        left.lost.set()
    connection.execute(delete(leases).where(of_task))
    own = {name: getattr(lease, name) for name in ("branch", "task", "token", "host", "pid")}
    connection.execute(insert(leases).values(**own, since=now, expires=expires))


def _busy(row: Row[Any]) -> Busy:
    since = datetime.fromtimestamp(row.since).astimezone().isoformat(" ", "seconds")
    problem = f"task {row.task!r} is being worked on by process {row.pid} on {row.host} since {since}"
    return Busy(problem, "wait for it to finish, or stop it, and run the same command again")


def _alive(row: Row[Any], now: float) -> bool:
    if row.expires <= now:
        return False
    if row.host != socket.gethostname():
        return True
    return row.token in _OURS if row.pid == os.getpid() else _runs(row.pid)


def _left_by_us(row: Row[Any]) -> bool:
    """Say whether this very thread took a lease: then it has left the block that held it, by Ctrl-C."""
    ours = _OURS.get(row.token)
    return ours is not None and (ours.pid, ours.thread) == (os.getpid(), threading.get_ident())


def _runs(pid: int) -> bool:
    """Say whether a process of this machine runs."""
    if os.name == "nt":  # no signal there asks without acting; the lease's end decides
        return True
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:  # it runs, as another user
        pass
    return True
