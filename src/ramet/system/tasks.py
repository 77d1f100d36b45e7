"""The tasks of a system: `for task in system.tasks`, `system.tasks["digits"]`, `system.tasks.add(...)`."""

from collections.abc import Iterator
from pathlib import Path as FilePath
from typing import TYPE_CHECKING, Any

from ramet.base.errors import InvalidValue, UnknownName
from ramet.base.progress import QUIET, Progress
from ramet.base.records import Task
from ramet.results import Listing
from ramet.store.folder import Store

if TYPE_CHECKING:
    from ramet.system.versions import Versions


class Tasks:
    """All tasks of a system, by name; a task is of the whole system, its path of a branch."""

    def __init__(self, store: Store, versions: "Versions") -> None:
        self._store = store
        self._versions = versions

    def __iter__(self) -> Iterator[Task]:
        return iter(self._store.catalog.tasks.all())

    def __len__(self) -> int:
        return len(self._store.catalog.tasks.all())

    def __contains__(self, name: object) -> bool:
        try:
            return isinstance(name, str) and bool(self[name])
        except UnknownName:
            return False

    def __getitem__(self, name: str) -> Task:
        """Return the task of a name.

        Raises:
            UnknownName: there is none.
        """
        return self._store.catalog.tasks.get(name)

    def __repr__(self) -> str:
        return f"<tasks of {self._store.name}: {', '.join(task.name for task in self) or 'none'}>"

    def listed(self, *, removed: bool = False) -> Listing[Task]:
        """Return all tasks as a listing; with those that were removed, if asked for."""
        return Listing(self._store.catalog.tasks.all(removed=removed), _row)

    def to_frame(self) -> Any:
        """Return the tasks as a pandas DataFrame (see Listing.to_frame)."""
        return self.listed().to_frame()

    def _repr_html_(self) -> str:
        return self.listed()._repr_html_()

    def add(
        self,
        name: str,
        source: str | FilePath,
        *,
        max_side: int | None = None,
        validation: float | None = None,
        test: float | None = None,
        skip_bad_images: bool = False,
        progress: Progress = QUIET,
        **options: Any,
    ) -> Task:
        """Add a task, decode its images once into the system's cache, and return it.

        Args:
            name: letters, digits, `.`, `_`, `-` and `/`.
            source: a folder of class folders, `csv:FILE`, `npz:FILE`, `hf:NAME`, `tfds:NAME`, `papers:NAME` or
                `demo:NAME`.
            max_side: larger images are kept at this many pixels a side (default: a seventh more than
                the largest root's image size, 256 for 224).
            validation: the fraction of train to take for a validation split that is missing (default 0.05).
            test: the same for a missing test split.
            skip_bad_images: leave images out that cannot be decoded, and count them, instead of refusing the task.
            progress: told how many images are decoded.
            options: the source's own.

        Raises:
            InvalidValue: a task of that name is there, the name is not allowed, or an option is not.
            DataError: the source cannot be used as a task; nothing is added.
        """
        from ramet.tasks import data

        if name in self:
            raise InvalidValue(f"there is a task {name!r} already", "choose another name, or remove that one first")
        largest = max(path.architecture.image_size for path in self._store.catalog.paths.roots().values())
        task = data.add(
            self._store.folder,
            name,
            source,
            max_side=data.side_for(largest) if max_side is None else max_side,
            validation=validation,
            test=test,
            skip_bad_images=skip_bad_images,
            progress=progress,
            **options,
        )
        self._store.catalog.tasks.add(task)
        return task

    def remove(self, name: str) -> None:
        """Take a task off the branch; what other tasks hold of its components stays, and so does its history.

        The task itself is removed unless another branch publishes or evolves it.

        Raises:
            UnknownName: there is no such task.
            InvalidValue: it is only on other branches.
            Busy: another process works on it.
        """
        from ramet.tasks.data import remove_cache

        branch = self._versions.branch
        with self._store.catalog.leases.hold(self[name].name, branch=branch):
            self._store.catalog.versions.remove(name, branch=branch)
            if name not in self:
                remove_cache(self._store.folder, name)


def _row(task: Task) -> dict[str, object]:
    return {"task": task.name, "classes": len(task.classes), **task.splits, "source": task.source}
