"""Writing a file whole or not at all, and what a disk's refusal means to the user."""

import errno
import os
import secrets
import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path, PurePath
from typing import TypeVar

from ramet.base.errors import StoreError

TEMPORARY = ".tmp"
"""How the name of a file ends while it is not a whole file of its folder: not yet, or no more."""

AnyPath = TypeVar("AnyPath", bound=PurePath)

_SPACE = "free some space (`ramet gc` drops what nothing holds) and run the same command again"
_RIGHTS = "make the folder readable and writable for your user"
_REMEDIES = {
    errno.ENOSPC: _SPACE,
    errno.EDQUOT: _SPACE,
    errno.EFBIG: _SPACE,
    errno.EROFS: "the file system is read-only: work on a writable copy of the system",
    errno.EACCES: _RIGHTS,
    errno.EPERM: _RIGHTS,
}


@contextmanager
def refusals(problem: str) -> Iterator[None]:
    """Turn an OSError inside the block into a StoreError: `<problem>: no space left on device`."""
    try:
        yield
    except OSError as error:
        remedy = _REMEDIES.get(error.errno or 0, "check the disk and run the same command again")
        raise StoreError(f"{problem}: {error.strerror or error}", remedy) from error


def temporary_name(path: AnyPath) -> AnyPath:
    """A hidden name beside a file that no other process uses."""
    return path.with_name(f".{path.name}.{secrets.token_hex(4)}{TEMPORARY}")


def write_whole(path: Path, data: bytes) -> None:
    """Write a file so that a reader, or a crash at any moment, sees all of it or nothing.

    Raises:
        StoreError: the disk is full, read-only or failing; nothing is left behind.
    """
    temporary = temporary_name(path)
    with refusals(f"cannot write {path}"):
        _make_folder(path.parent)
        try:
            with temporary.open("xb") as file:
                file.write(data)
                file.flush()
                os.fsync(file.fileno())
            os.replace(temporary, path)
        except BaseException:
            with suppress(OSError):
                temporary.unlink()
            raise
        _sync_names(path.parent)


@contextmanager
def whole_folder(folder: Path) -> Iterator[Path]:
    """Give a new folder that takes the place of another one when the block ends well, and is gone when it fails.

    The caller holds a lock on the folder's name: what a killed process left of one is cleared.
    """
    partial = folder.with_name(f".{folder.name}{TEMPORARY}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        yield partial
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
        _sync_names(folder.parent)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


def _make_folder(folder: Path) -> None:
    if not folder.is_dir():
        _make_folder(folder.parent)
        folder.mkdir(exist_ok=True)
        _sync_names(folder.parent)


def _sync_names(folder: Path) -> None:
    """Make the names in a folder outlive a power cut."""
    if os.name == "nt":  # a folder cannot be opened there
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
