"""Objects as files of a folder, mapped into memory by all who load them."""

import os
from collections.abc import Iterator, Mapping
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING
from weakref import WeakValueDictionary

from ramet.base.errors import ObjectError
from ramet.base.files import TEMPORARY, refusals, temporary_name, write_whole
from ramet.store.objects.contract import ALWAYS, RESTORE, SUFFIX, Entry, digest_of, file_name, is_digest, serialized

if TYPE_CHECKING:
    from torch import Tensor


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
        """Return the file of an object, there or not."""
        return self.folder / file_name(digest)

    def put(self, tensors: "Mapping[str, Tensor]") -> str:
        """See Objects.put."""
        return self.write(serialized(tensors))

    def write(self, data: bytes) -> str:
        """See Objects.write."""
        digest = digest_of(data)
        if not self.renew(digest):
            write_whole(self.file(digest), data)
        return digest

    def read(self, digest: str) -> bytes:
        """See Objects.read."""
        try:
            data = self.file(digest).read_bytes()
        except OSError as error:
            raise self._unreadable(digest, error) from error
        self._compare(digest, digest_of(data))
        return data

    def renew(self, digest: str) -> bool:
        """See Objects.renew."""
        with refusals(f"cannot write {self.file(digest)}"):
            try:
                os.utime(self.file(digest))
                self.check(digest)
            except (FileNotFoundError, ObjectError):
                return False
            return True

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
        yield from (file.stem for file in self._files())

    def entries(self) -> Iterator[Entry]:
        """See Objects.entries."""
        for file in self._files():
            with suppress(FileNotFoundError):  # deleted meanwhile
                stat = file.stat()
                yield Entry(file.stem, stat.st_size, stat.st_mtime)

    def check(self, digest: str) -> None:
        """See Objects.check."""
        try:
            found = digest_of(self.file(digest).read_bytes())  # whole: in pieces, threads wait for each other
        except OSError as error:
            raise self._unreadable(digest, error) from error
        self._compare(digest, found)

    def delete(self, digest: str, *, before: float = ALWAYS) -> bool:
        """See Objects.delete."""
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
        """See Objects.sweep. An object that somebody died over while judging it is put back."""
        freed = 0
        with refusals(f"cannot tidy {self.folder}"):
            for file in self.folder.glob(f"??/.*{TEMPORARY}"):
                try:
                    stat = file.stat()
                    if stat.st_mtime < before and not self._put_back(file):
                        file.unlink()
                        freed += stat.st_size
                except FileNotFoundError:  # its writer was alive and has just renamed it
                    continue
        return freed

    def _put_back(self, aside: Path) -> bool:
        digest = aside.name[1:65]
        if not is_digest(digest) or self.file(digest).exists() or digest_of(aside.read_bytes()) != digest:
            return False
        os.replace(aside, self.file(digest))
        return True

    def _files(self) -> list[Path]:
        return sorted(file for file in self.folder.glob(f"??/*{SUFFIX}") if is_digest(file.stem))

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
            raise ObjectError(f"object {digest} is damaged: {self.file(digest)}: {error}", RESTORE) from error

    def _compare(self, digest: str, found: str) -> None:
        if found != digest:
            raise ObjectError(f"object {digest} is damaged: {self.file(digest)} has the hash {found}", RESTORE)

    def _unreadable(self, digest: str, error: OSError) -> ObjectError:
        if isinstance(error, FileNotFoundError):
            return self._missing(digest)
        return ObjectError(f"{self.file(digest)} cannot be read: {error.strerror}", RESTORE)

    def _missing(self, digest: str) -> ObjectError:
        return ObjectError(f"object {digest} is missing: there is no {self.file(digest)}", RESTORE)


class _Loaded(dict[str, "Tensor"]):
    """A dict that can be held weakly."""
