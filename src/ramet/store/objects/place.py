"""A place for files behind a URL (fsspec): a folder, memory, or an object store such as S3.

Files are there wholly or not at all, on every backend: in a folder, and wherever an upload may break off, they are
written beside their place and renamed; object stores have an upload wholly or not at all.
"""

import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import Any
from urllib.request import url2pathname

from ramet.base.errors import StoreError, UnknownName
from ramet.base.files import temporary_name, write_whole

_WHOLE_UPLOADS = {"memory", "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "r2"}
"""Backends where an upload that breaks off leaves nothing."""

_TIMES = ("mtime", "LastModified", "last_modified", "modified", "updated", "created")
"""What backends call the time at which a file was last written."""

_OVERTAKEN = ("PreconditionFailed", "ConditionalRequestConflict")
"""What S3 answers to a conditional write that somebody else was ahead of."""


@dataclass(frozen=True, slots=True)
class File:
    """A file of a place: its name below the place, its bytes, and when it was written (seconds since 1970)."""

    name: str
    size: int
    modified: float


class Place:
    """The files below a URL.

    Args:
        url: such as `s3://bucket/prefix`, `memory://name` or `file:///folder`; folder is the latter's.

    Raises:
        UnknownName: no installed package reads such URLs.
    """

    def __init__(self, url: str) -> None:
        self.url = url.rstrip("/")
        self._fs, self._root = _opened(self.url)
        names = {self._fs.protocol} if isinstance(self._fs.protocol, str) else set(self._fs.protocol)
        self.folder = Path(self._root) if "file" in names else None
        self._whole_uploads = bool(names & _WHOLE_UPLOADS)
        self._conditional = "s3" in names

    def at(self, name: str) -> str:
        """Return the URL of a file, for messages."""
        return f"{self.url}/{name}"

    def read(self, name: str) -> bytes | None:
        """Return a file's bytes, or None if there is no such file."""
        with self._asking(f"cannot read {self.at(name)}"):
            try:
                data: bytes = self._fs.cat_file(self._path(name))
            except (FileNotFoundError, NotADirectoryError):
                return None
        return data

    def write(self, name: str, data: bytes) -> None:
        """Write a file whole."""
        path = self._path(name)
        if self.folder is not None:
            write_whole(Path(path), data)
            return
        with self._asking(f"cannot write {self.at(name)}"):
            if self._whole_uploads:
                self._fs.pipe_file(path, data)
                return
            beside = str(temporary_name(PurePosixPath(path)))
            self._fs.makedirs(self._fs._parent(path), exist_ok=True)
            try:
                self._fs.pipe_file(beside, data)
                self._fs.mv(beside, path)
            except BaseException:
                with suppress(OSError):
                    self._fs.rm_file(beside)
                raise

    def swap(self, name: str, old: bytes | None, new: bytes) -> bool:
        """Write a file if it is still what it was (None: not there), and say whether it was.

        This is one step in a folder and on S3 (conditional writes). On other backends somebody who writes the same file
        in the same instant may be overwritten.
        """
        if self.folder is None:
            return self._compared(name, old, new)
        from filelock import FileLock

        lock = Path(self._path(f".{name.rpartition('/')[2]}.lock"))
        with self._asking(f"cannot write {self.at(name)}"):
            lock.parent.mkdir(parents=True, exist_ok=True)
            with FileLock(lock):
                return self._compared(name, old, new)

    def delete(self, name: str) -> bool:
        """Delete a file, and say whether there was one."""
        with self._asking(f"cannot delete {self.at(name)}"):
            try:
                # Some object stores answer a deletion of nothing as one of something.
                there = self._fs.exists(self._path(name))
                self._fs.rm_file(self._path(name))
            except FileNotFoundError:
                return False
        return bool(there)

    def file(self, name: str) -> File | None:
        """Return what is known of a file without reading it, or None if there is no such file."""
        with self._asking(f"cannot read {self.at(name)}"):
            try:
                found = self._fs.info(self._path(name))
            except (FileNotFoundError, NotADirectoryError):
                return None
        return self._file(found) if found["type"] == "file" else None

    def files(self, below: str = "") -> Iterator[File]:
        """Return all files below a folder of the place, in the order of their names."""
        with self._asking(f"cannot list {self.at(below)}"):
            try:
                found = self._fs.find(self._path(below), detail=True)
            except FileNotFoundError:
                found = {}
        for _, file in sorted(found.items()):
            yield self._file(file)

    def _path(self, name: str) -> str:
        return f"{self._root}/{name}".rstrip("/")

    def _file(self, found: dict[str, Any]) -> File:
        path = self._fs._strip_protocol(found["name"])
        written = next((found[key] for key in _TIMES if found.get(key) is not None), None)
        return File(path[len(self._root) + 1 :], int(found["size"] or 0), _seconds(written))

    def _compared(self, name: str, old: bytes | None, new: bytes) -> bool:
        condition: dict[str, Any] = {}
        if self._conditional:
            # The mark of the content is asked for first: whoever writes after that makes it out of date.
            with self._asking(f"cannot read {self.at(name)}"):
                there = self._fs.exists(self._path(name))
                tag = self._fs.info(self._path(name))["ETag"] if there else None
            condition = {"IfMatch": tag} if tag else {"IfNoneMatch": "*"}
        if self.read(name) != old:
            return False
        if not self._conditional:
            self.write(name, new)
            return True
        with self._asking(f"cannot write {self.at(name)}"):
            try:
                self._fs.pipe_file(self._path(name), new, **condition)
            except OSError as error:
                if not any(refusal in repr(error.__cause__) for refusal in _OVERTAKEN):
                    raise
                return False
        return True

    @contextmanager
    def _asking(self, problem: str) -> Iterator[None]:
        """Explain what a backend refuses: each raises errors of its own library."""
        try:
            yield
        except StoreError:
            raise
        except Exception as error:
            raise _refused(problem, error) from error


def _opened(url: str) -> tuple[Any, str]:
    from fsspec import filesystem
    from fsspec.core import url_to_fs

    scheme, _, rest = url.partition("://")
    if scheme == "file":  # fsspec would read %20, and :: in a folder's name, its own way
        return filesystem("file"), url2pathname(rest).rstrip("/")
    try:
        fs, root = url_to_fs(url, use_listings_cache=False)
    except ImportError as error:
        extra = "pip install 'ramet[s3]'" if scheme in ("s3", "s3a") else "install the package that fsspec names for it"
        raise UnknownName(f"{url}: nothing here reads {scheme}:// ({error})", extra) from error
    except ValueError as error:
        raise UnknownName(f"{url}: {error}", "name a URL such as s3://bucket/prefix or file:///folder") from error
    except Exception as error:  # some backends connect at once, and each raises errors of its own library
        raise _refused(f"cannot open {url}", error) from error
    return fs, root.rstrip("/")


def _seconds(written: Any) -> float:
    """Return a backend's time as seconds since 1970; a file whose time is not told counts as new."""
    if isinstance(written, str):
        written = datetime.fromisoformat(written)
    if isinstance(written, datetime):
        return written.timestamp()
    return time.time() if written is None else float(written)


def _refused(problem: str, error: Exception) -> StoreError:
    reason = (getattr(error, "strerror", None) or str(error) or type(error).__name__).splitlines()[0]
    remedy = "check the URL and the network, and run the same command again"
    if isinstance(error, PermissionError) or "credentials" in str(error).lower():
        remedy = "check your rights there and the credentials in the environment"
    elif isinstance(error, FileNotFoundError):
        remedy = "make the bucket or the folder first, or check its name"
    return StoreError(f"{problem}: {reason}", remedy)
