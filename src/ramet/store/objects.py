"""A system's tensors: immutable objects, each named by the SHA-256 of its bytes.

An object is the tensors of one component (or of the optimiser's momentum for it) as safetensors, never pickle. torch is
imported only where tensors are handled, so that listing, hashing and deleting stay light.
"""

import hashlib
import os
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Protocol
from weakref import WeakValueDictionary

from ramet.errors import ObjectError
from ramet.store.disk import TEMPORARY, refusals, temporary_name, write_whole

if TYPE_CHECKING:
    from torch import Tensor

ALWAYS = float("inf")
"""A time that everything is older than."""

_SUFFIX = ".safetensors"
_DIGEST = re.compile(r"[0-9a-f]{64}")


class Objects(Protocol):
    """Where tensors are kept.

    An object never changes: its name is the SHA-256 of its bytes, so equal tensors are one object, and what is read
    under a name is what was put under it. An object is there wholly or not at all, whatever happened to who put it.
    All methods may be called from several threads and processes at once.

    Who puts objects holds a lease of the catalog (or makes a new system) until a path that holds them is recorded
    there: until then nothing else keeps them from `gc`.
    """

    def put(self, tensors: "Mapping[str, Tensor]") -> str:
        """Keep tensors and return their digest. Putting again what is there only makes it count as new.

        The order of the names, strides, the device and shared memory make no difference to the digest.

        Raises:
            StoreError: the tensors could not be written (full or read-only disk); nothing of them is left.
        """
        ...

    def get(self, digest: str) -> "dict[str, Tensor]":
        """The tensors of an object, on the CPU, mapped into memory and shared by all who get it: never write to them.

        The bytes are compared with the digest the first time in a process.

        Raises:
            ObjectError: there is no such object, or it is damaged.
        """
        ...

    def __contains__(self, digest: str) -> bool:
        """Whether there is such an object; its bytes are not looked at."""
        ...

    def size(self, digest: str) -> int:
        """Bytes that an object takes.

        Raises:
            ObjectError: there is no such object.
        """
        ...

    def modified(self, digest: str) -> float:
        """When an object was last put, in seconds since 1970.

        Raises:
            ObjectError: there is no such object.
        """
        ...

    def digests(self) -> Iterator[str]:
        """The names of all objects, in order."""
        ...

    def check(self, digest: str) -> None:
        """Read an object anew and compare its bytes with its name.

        Raises:
            ObjectError: it is missing, truncated or altered.
        """
        ...

    def delete(self, digest: str, *, before: float = ALWAYS) -> bool:
        """Delete an object that was last put before a time (seconds since 1970), and say whether it went.

        Judging and deleting are one step: an object that another process puts again meanwhile stays.
        """
        ...

    def sweep(self, *, before: float = ALWAYS) -> int:
        """Delete what writers that died before a time left half written, and return the bytes that this freed."""
        ...


class FolderObjects:
    """Objects as files `ab/abcd....safetensors` of a folder (see Objects for the contract).

    Loaded tensors are private mappings of their file: pages are read when touched and shared by all processes, and a
    write to them could not reach the file. A mapping lives as long as somebody holds its tensors' dict.
    """

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self._loaded: WeakValueDictionary[str, _Loaded] = WeakValueDictionary()
        self._checked: set[str] = set()

    def file(self, digest: str) -> Path:
        """The file of an object, there or not."""
        if not _DIGEST.fullmatch(digest):
            raise ObjectError(f"{digest!r} is no digest", "give the 64 hexadecimal digits of a SHA-256")
        return self.folder / digest[:2] / f"{digest}{_SUFFIX}"

    def put(self, tensors: "Mapping[str, Tensor]") -> str:
        """See Objects.put."""
        data = _serialized(tensors)
        digest = hashlib.sha256(data).hexdigest()
        if not self._renew(digest):
            write_whole(self.file(digest), data)
        return digest

    def get(self, digest: str) -> "dict[str, Tensor]":
        """See Objects.get."""
        loaded = self._loaded.get(digest)
        if loaded is None:
            if digest not in self._checked:
                self.check(digest)
                self._checked.add(digest)
            loaded = self._loaded.setdefault(digest, self._map(digest))
        return loaded

    def __contains__(self, digest: str) -> bool:
        return self.file(digest).is_file()

    def size(self, digest: str) -> int:
        """See Objects.size."""
        return self._stat(digest).st_size

    def modified(self, digest: str) -> float:
        """See Objects.modified."""
        return self._stat(digest).st_mtime

    def digests(self) -> Iterator[str]:
        """See Objects.digests."""
        for file in sorted(self.folder.glob(f"??/*{_SUFFIX}")):
            if _DIGEST.fullmatch(file.stem):
                yield file.stem

    def check(self, digest: str) -> None:
        """See Objects.check."""
        try:
            with self.file(digest).open("rb") as file:
                found = hashlib.file_digest(file, "sha256").hexdigest()
        except FileNotFoundError:
            raise self._missing(digest) from None
        except OSError as error:
            raise ObjectError(f"{self.file(digest)} cannot be read: {error.strerror}", _RESTORE) from error
        if found != digest:
            raise ObjectError(f"object {digest} is damaged: {self.file(digest)} has the hash {found}", _RESTORE)

    def delete(self, digest: str, *, before: float = ALWAYS) -> bool:
        """See Objects.delete."""
        file, aside = self.file(digest), temporary_name(self.file(digest))
        with refusals(f"cannot delete {file}"):
            try:
                # Out of reach first, judged then: from here on a put of the same bytes writes them anew.
                os.replace(file, aside)
            except FileNotFoundError:
                return False
            if aside.stat().st_mtime >= before:
                os.replace(aside, file)
                return False
            aside.unlink()
            return True

    def sweep(self, *, before: float = ALWAYS) -> int:
        """See Objects.sweep."""
        freed = 0
        with refusals(f"cannot tidy {self.folder}"):
            for file in self.folder.glob(f"??/.*{TEMPORARY}"):
                try:
                    stat = file.stat()
                    if stat.st_mtime < before:
                        file.unlink()
                        freed += stat.st_size
                except FileNotFoundError:  # its writer was alive and has just renamed it
                    continue
        return freed

    def _renew(self, digest: str) -> bool:
        """Make an object count as new, if it is there and whole."""
        with refusals(f"cannot write {self.file(digest)}"):
            try:
                os.utime(self.file(digest))
                self.check(digest)
            except (FileNotFoundError, ObjectError):
                return False
            return True

    def _stat(self, digest: str) -> os.stat_result:
        try:
            return self.file(digest).stat()
        except FileNotFoundError:
            raise self._missing(digest) from None

    def _map(self, digest: str) -> "_Loaded":
        from safetensors import SafetensorError, safe_open

        try:
            with safe_open(self.file(digest), framework="pt", device="cpu") as file:
                return _Loaded({name: file.get_tensor(name) for name in file.keys()})  # noqa: SIM118 (it is no dict)
        except FileNotFoundError:
            raise self._missing(digest) from None
        except SafetensorError as error:
            raise ObjectError(f"object {digest} is damaged: {self.file(digest)}: {error}", _RESTORE) from error

    def _missing(self, digest: str) -> ObjectError:
        return ObjectError(f"object {digest} is missing: there is no {self.file(digest)}", _RESTORE)


_RESTORE = "`ramet verify` names the tasks it affects; bring the file back from a copy of the system"


class _Loaded(dict[str, "Tensor"]):
    """A dict that can be held weakly."""


def _serialized(tensors: "Mapping[str, Tensor]") -> bytes:
    """The bytes of an object: they depend on the tensors alone (metadata would be written in any order)."""
    import torch
    from safetensors.torch import save

    return save(
        {name: tensors[name].detach().cpu().clone(memory_format=torch.contiguous_format) for name in sorted(tensors)}
    )
