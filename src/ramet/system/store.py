"""The place of a system: its folder, its objects' care, and what travels between systems."""

from collections.abc import Iterator
from contextlib import closing, contextmanager, nullcontext
from pathlib import Path as FilePath
from typing import TYPE_CHECKING

from ramet.base.errors import InvalidValue
from ramet.base.progress import QUIET, Progress
from ramet.base.records import Path
from ramet.store.care import Fault, GcReport, gc, repair, verify
from ramet.store.exchange.bundle import read_bundle, take_bundle, write_bundle
from ramet.store.exchange.remote import Remote, open_remote
from ramet.store.exchange.transfer import Transfer, pull, push
from ramet.store.folder import COPIES, Store

if TYPE_CHECKING:
    from ramet.system.versions import Versions


class SystemStore:
    """The store of a system. Its catalog and objects are for the floors below; above, the facade's methods do.

    Attributes:
        folder: the system's folder.
        name: the name that it was made with.
        created: the time when it was made (ISO 8601, UTC).
    """

    def __init__(self, store: Store, versions: "Versions") -> None:
        self.opened = store
        self.catalog, self.objects = store.catalog, store.objects
        self.folder, self.name, self.created = store.folder, store.name, store.created
        self._versions = versions

    def verify(self, *, source: str | None = None, progress: Progress = QUIET) -> list[Fault]:
        """Check every object against its name, and return what is wrong with what it affects.

        Args:
            source: a remote that whole copies of damaged and missing objects are brought back from.
            progress: told how many objects are checked.

        Raises:
            UnknownName: there is no such remote.
        """
        with nullcontext() if source is None else self._remote(source) as remote:
            faults = verify(self.catalog, self.objects, progress=progress)
            return faults if remote is None else repair(faults, self.objects, remote.objects)

    def gc(self, *, delete: bool = False) -> GcReport:
        """Count the objects that no branch, tag, root or running agent leads to, and delete them if asked to."""
        return gc(self.catalog, self.objects, delete=delete)

    def push(self, remote: str, branch: str | None = None, *, progress: Progress = QUIET) -> Transfer:
        """Bring a branch, the one that the system is on by default, to a remote; only what is missing there travels.

        Args:
            remote: another system's folder, or a URL such as `s3://bucket/prefix` or `file:///folder`.
            branch: its name.
            progress: told how many objects have arrived.

        Raises:
            UnknownName: there is no such remote or branch.
            Conflict: the branch has commits there that it has not here.
        """
        with self._remote(remote) as there:
            return push(self.opened, there, branch or self._versions.branch, progress)

    def pull(self, remote: str, branch: str | None = None, *, progress: Progress = QUIET) -> Transfer:
        """Bring a remote's branch, of the name of the one that the system is on by default, into this system.

        It moves ahead here if it has nothing of its own; else what came is on the branch REMOTE/BRANCH, to be merged.
        Arguments are those of push.

        Raises:
            UnknownName: there is no such remote or branch.
            InvalidValue: a task here is another one than that of the same name there.
        """
        from ramet.tasks.cache import check_name

        with self._remote(remote) as there:
            chosen = branch or self._versions.branch
            return pull(self.opened, there, chosen, accept=lambda task: check_name(task.name), progress=progress)

    def export_task(self, task: str, directory: str | FilePath) -> int:
        """Write a task's path, with all that it needs, into a new folder, and return the bytes of its tensors.

        Raises:
            UnknownName: there is no such task, or it has no path yet.
            StoreError: the folder holds something, or cannot be written.
        """
        path = self._versions.published_path(task)
        return write_bundle(self.opened, path, FilePath(directory).expanduser().resolve())

    def import_task(self, directory: str | FilePath, name: str | None = None) -> Path:
        """Publish an exported path as a task's, by one commit; the task is added if it is not there.

        Args:
            directory: the folder that export_task wrote.
            name: of the task here; the one that it had by default.

        Raises:
            StoreError, ObjectError: the folder holds no exported path, or a damaged one.
            InvalidValue: there is a task of that name with other classes.
        """
        from ramet.tasks.cache import check_name

        bundle = read_bundle(FilePath(directory).expanduser().resolve())
        chosen = check_name(name or bundle.task.name)
        take_bundle(self.opened, bundle, chosen, self._versions.branch)
        return self._versions.published_path(chosen)

    @contextmanager
    def _remote(self, name: str) -> Iterator[Remote]:
        with closing(open_remote(name, self.folder / COPIES)) as remote:
            if remote.folder == self.folder:
                raise InvalidValue(f"{name!r} is this very system", "name another folder, or a URL")
            yield remote
