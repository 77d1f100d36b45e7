"""What every kind of object store keeps to, and the first kind: files of a folder, mapped by all who load them.

An object is the tensors of one component (or of the optimiser's momentum for it) as safetensors, never pickle. torch is
imported only where tensors are handled, so that listing, hashing, copying and deleting stay light.
"""
# ruff: noqa: D102 (Objects says what the methods do)

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from weakref import WeakValueDictionary

from ramet.base.errors import ObjectError
from ramet.base.files import TEMPORARY, refusals, temporary_name, write_whole

if TYPE_CHECKING:
    from torch import Tensor

ALWAYS = float("inf")
"""A time that everything is older than."""

SUFFIX = ".safetensors"
RESTORE = "`ramet verify` names what it affects, `ramet verify --from REMOTE` brings it back from a copy"

_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Entry:
    """A file or an object as a listing shows it: its name, its bytes, when it was last written (seconds since 1970)."""

    name: str
    size: int
    modified: float


class Objects(Protocol):
    """A place for tensors.

    An object never changes: its name is the SHA-256 of its bytes, so equal tensors are one object, and what is read
    under a name is what was put under it. An object is there wholly or not at all, whatever happened to who put it.
    All methods may be called from several threads and processes at once. One that needs the bytes of an object that is
    missing, truncated or altered raises ObjectError, one that cannot write (a full or read-only disk) StoreError.

    Who puts objects holds a lease of the catalog (or makes a new system) until a path that holds them is recorded
    there: until then nothing else keeps them from `gc`.
    """

    def put(self, tensors: "Mapping[str, Tensor]") -> str:
        """Keep tensors and return their digest. Putting again what is there only makes it count as new.

        The order of the names, strides, the device and shared memory make no difference to the digest. Of what could
        not be written nothing is left.
        """
        return self.write(serialized(tensors))

    def get(self, digest: str) -> "dict[str, Tensor]":
        """Return the tensors of an object, on the CPU, mapped into memory that all share: never write to them.

        The bytes are compared with the digest the first time in a process.
        """

    def write(self, data: bytes) -> str:
        """Keep an object's bytes and return their digest, as `put` does; a damaged copy that is there is replaced."""

    def read(self, digest: str) -> bytes:
        """Return the bytes of an object, compared with its name."""

    def renew(self, digest: str) -> bool:
        """Make an object count as new, as putting it again would, and say whether it is there and whole."""

    def __contains__(self, digest: str) -> bool:
        """Say whether there is such an object; its bytes are not looked at."""

    def entries(self) -> Iterator[Entry]:
        """Return all objects, in the order of their names."""

    def digests(self) -> Iterator[str]:
        """Return the names of all objects, in order."""
        return (entry.name for entry in self.entries())

    def delete(self, digest: str, *, before: float = ALWAYS) -> bool:
        """Delete an object that was last put before a time (seconds since 1970), and say whether it went.

        Judging and deleting are one step: an object that another process puts again meanwhile stays.
        """

    def sweep(self, *, before: float = ALWAYS) -> int:
        """Delete what writers that died before a time left half written, and return the bytes that this freed."""


class FolderObjects(Objects):
    """Objects as files `ab/abcd....safetensors` of a folder.

    Loaded tensors are private mappings of their file: pages are read when touched and shared by all processes, and a
    write to them could not reach the file. A mapping lives as long as somebody holds its tensors' dict.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._loaded: WeakValueDictionary[str, _Loaded] = WeakValueDictionary()
        self._checked: set[str] = set()

    def file(self, digest: str) -> Path:
        """Return the file of an object, there or not."""
        return self.folder / file_name(digest)

    def write(self, data: bytes) -> str:
        digest = digest_of(data)
        if not self.renew(digest):
            write_whole(self.file(digest), data)
        return digest

    def read(self, digest: str) -> bytes:
        file = self.file(digest)
        try:
            data = file.read_bytes()  # whole: in pieces, threads wait for each other
        except FileNotFoundError:
            raise missing(digest, file) from None
        except OSError as error:
            raise ObjectError(f"{file} cannot be read: {error.strerror}", RESTORE) from error
        return compared(digest, data, file)

    def renew(self, digest: str) -> bool:
        with refusals(f"cannot write {self.file(digest)}"):
            try:
                os.utime(self.file(digest))
                self.read(digest)
            except (FileNotFoundError, ObjectError):
                return False
            return True

    def get(self, digest: str) -> "dict[str, Tensor]":
        loaded = self._loaded.get(digest)
        if loaded is None:
            if digest not in self._checked:
                self.read(digest)
                self._checked.add(digest)
            loaded = self._loaded.setdefault(digest, self._map(digest))
        return loaded

    def __contains__(self, digest: str) -> bool:
        return self.file(digest).is_file()

    def entries(self) -> Iterator[Entry]:
        for file in sorted(file for file in self.folder.glob(f"??/*{SUFFIX}") if is_digest(file.stem)):
            with suppress(FileNotFoundError):  # deleted meanwhile
                stat = file.stat()
                yield Entry(file.stem, stat.st_size, stat.st_mtime)

    def delete(self, digest: str, *, before: float = ALWAYS) -> bool:
        file, aside = self.file(digest), temporary_name(self.file(digest))
        with refusals(f"cannot delete {file}"):
            try:
                if file.stat().st_mtime >= before:
                    return False
                # Out of reach first, judged again then: from here on a put of the same bytes writes them anew.
                os.replace(file, aside)
            except FileNotFoundError:
                return False
            if aside.stat().st_mtime >= before:
                os.replace(aside, file)
                return False
            aside.unlink()
            return True

    def sweep(self, *, before: float = ALWAYS) -> int:
        freed = 0
        with refusals(f"cannot tidy {self.folder}"):
            for file in self.folder.glob(f"??/.*{TEMPORARY}"):
                with suppress(FileNotFoundError):  # its writer was alive and has just renamed it
                    stat = file.stat()
                    if stat.st_mtime < before and not self._put_back(file):
                        file.unlink()
                        freed += stat.st_size
        return freed

    def _put_back(self, aside: Path) -> bool:
        """Put an object back that somebody died over while judging it, and say whether it is one."""
        digest = aside.name[1:65]
        if not is_digest(digest) or self.file(digest).exists() or digest_of(aside.read_bytes()) != digest:
            return False
        os.replace(aside, self.file(digest))
        return True

    def _map(self, digest: str) -> "_Loaded":
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.file(digest), framework="pt", device="cpu") as file:
                return _Loaded({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 (it is no dict)
        except FileNotFoundError:
            raise missing(digest, self.file(digest)) from None
        except SafetensorError as error:
            raise ObjectError(f"object {digest} is damaged: {self.file(digest)}: {error}", RESTORE) from error


class _Loaded(dict[str, "Tensor"]):
    """A dict that can be held weakly."""


def digest_of(data: bytes) -> str:
    """Return the name of an object of these bytes."""
    return hashlib.sha256(data).hexdigest()


def is_digest(text: str) -> bool:
    """Say whether a text has the form of an object's name."""
    return bool(_DIGEST.fullmatch(text))


def file_name(digest: str) -> str:
    """Return an object's name below the place of all: `ab/abcd....safetensors`; what is no digest is an ObjectError."""
    if not is_digest(digest):
        raise ObjectError(f"{digest!r} is no digest", "give the 64 hexadecimal digits of a SHA-256")
    return f"{digest[:2]}/{digest}{SUFFIX}"


def compared(digest: str, data: bytes, where: object) -> bytes:
    """Return what was read of an object, if it is what the object's name says; else raise ObjectError."""
    if (found := digest_of(data)) != digest:
        raise ObjectError(f"object {digest} is damaged: {where} has the hash {found}", RESTORE)
    return data


def missing(digest: str, where: object) -> ObjectError:
    """Return the error for an object that is not there."""
    return ObjectError(f"object {digest} is missing: there is no {where}", RESTORE)


def serialized(tensors: "Mapping[str, Tensor]") -> bytes:
    """Return the bytes of an object: they depend on the tensors alone (metadata would be written in any order)."""
    import torch
    from safetensors.torch import save

    plain = torch.contiguous_format
    return save({name: tensors[name].detach().cpu().clone(memory_format=plain) for name in sorted(tensors)})
