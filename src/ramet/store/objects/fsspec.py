"""A place for files behind a URL (fsspec), such as memory or an object store like S3, and objects that are files there.

Files are there wholly or not at all, on every backend: in a folder, and wherever an upload may break off, they are
written beside their place and renamed; object stores have an upload wholly or not at all.
"""
# ruff: noqa: D102 (Objects says what the methods of FsspecObjects do)

import math
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, Any
from urllib.request import url2pathname

from ramet.base.errors import ObjectError, StoreError, UnknownName
from ramet.base.files import TEMPORARY, temporary_name, write_whole
from ramet.store.objects.objects import (
    ALWAYS,
    SUFFIX,
    Entry,
    FolderObjects,
    Objects,
    compared,
    digest_of,
    file_name,
    is_digest,
    missing,
    serialized,
)

if TYPE_CHECKING:
    from torch import Tensor

DELETING = ".deleting"
"""How the name of the mark ends that stands beside an object while somebody judges whether it goes."""

_STALE_SECONDS = 60.0  # after these a mark is that of somebody who died

# Backends where an upload that breaks off leaves nothing.
_WHOLE_UPLOADS = {"memory", "s3", "s3a", "gs", "gcs", "az", "abfs", "abfss", "adl", "oss", "r2"}
# What backends call the time at which a file was last written.
_TIMES = ("mtime", "LastModified", "last_modified", "modified", "updated", "created")
# What S3 answers to a conditional write that somebody else was ahead of.
_OVERTAKEN = ("PreconditionFailed", "ConditionalRequestConflict")


class Place:
    """The files below a URL such as `s3://bucket/prefix`, `memory://name` or `file:///folder` (the latter's is folder).

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

    def file(self, name: str) -> Entry | None:
        """Return what is known of a file without reading it, or None if there is no such file."""
        with self._asking(f"cannot read {self.at(name)}"):
            try:
                found = self._fs.info(self._path(name))
            except (FileNotFoundError, NotADirectoryError):
                return None
        return self._file(found) if found["type"] == "file" else None

    def files(self, below: str = "") -> Iterator[Entry]:
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

    def _file(self, found: dict[str, Any]) -> Entry:
        path = self._fs._strip_protocol(found["name"])
        written = next((found[key] for key in _TIMES if found.get(key) is not None), None)
        return Entry(path[len(self._root) + 1 :], int(found["size"] or 0), _seconds(written))

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


class FsspecObjects(Objects):
    """Objects as files `ab/abcd....safetensors` below a URL.

    Tensors are mapped from a folder of copies, which is filled by what is got and put, and may be emptied at any time.

    Object stores have no step that judges and deletes. So who deletes puts a mark beside the object first, and who
    puts looks for the mark afterwards, and puts again once it is gone: as long as what was written is what is read next
    (S3 promises it), nothing that was put is lost. What cannot be promised: somebody who stands still for more than a
    minute between judging and deleting counts as dead, and may then delete what was put meanwhile. Where the backend
    tells times in whole seconds, an object is kept if it may be from the second in question.
    """

    def __init__(self, place: Place, copies: Path) -> None:
        self.place = place
        self._copies = FolderObjects(copies)

    def put(self, tensors: "Mapping[str, Tensor]") -> str:
        data = serialized(tensors)
        self._copies.write(data)
        return self.write(data)

    def get(self, digest: str) -> "dict[str, Tensor]":
        try:
            return self._copies.get(digest)
        except ObjectError:  # there is no copy yet, or a damaged one
            self._copies.write(self.read(digest))
            return self._copies.get(digest)

    def write(self, data: bytes) -> str:
        digest = digest_of(data)
        name = file_name(digest)
        self.place.write(name, data)
        while (mark := self.place.file(name + DELETING)) is not None:
            time.sleep(0.05)
            if time.time() - mark.modified > _STALE_SECONDS:
                self.place.delete(mark.name)
            self.place.write(name, data)
        return digest

    def read(self, digest: str) -> bytes:
        name = file_name(digest)
        data = self.place.read(name)
        if data is None:
            raise missing(digest, self.place.at(name))
        return compared(digest, data, self.place.at(name))

    def renew(self, digest: str) -> bool:
        try:
            self.write(self.read(digest))
        except ObjectError:
            return False
        return True

    def __contains__(self, digest: str) -> bool:
        return self.place.file(file_name(digest)) is not None

    def entries(self) -> Iterator[Entry]:
        for file in self.place.files():
            digest = file.name[3:].removesuffix(SUFFIX)
            if is_digest(digest) and file.name == file_name(digest):
                yield replace(file, name=digest)

    def delete(self, digest: str, *, before: float = ALWAYS) -> bool:
        name = file_name(digest)
        mark = name + DELETING
        self.place.write(mark, b"")
        try:
            file = self.place.file(name)
            if file is None or _latest(file.modified) > before:
                return False
            gone = self.place.delete(name)
        finally:
            self.place.delete(mark)
        self._copies.delete(digest)
        return gone

    def sweep(self, *, before: float = ALWAYS) -> int:
        unfinished = (file for file in self.place.files() if file.name.endswith((TEMPORARY, DELETING)))
        old = [file for file in unfinished if file.modified < before]
        return sum(file.size for file in old if self.place.delete(file.name)) + self._copies.sweep(before=before)


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


def _latest(modified: float) -> float:
    """Return the end of the moment that a backend's time stands for: a whole second, or the time itself."""
    return modified + 1 if modified == math.floor(modified) else math.nextafter(modified, ALWAYS)
