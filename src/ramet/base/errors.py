"""The errors a user can meet: each names what is wrong and what to do about it.

A command prints one as a single line and exits with code 2. Anything else that is raised is a bug.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager


class RametError(Exception):
    """A fault that a user can mend, with its remedy.

    Args:
        problem: one sentence that names the value or the file at fault.
        remedy: one sentence on what to do.
        field: where in a document or in settings the fault is, such as ("variants", "wide", "method"), for whoever
            knows the document's file and lines; empty where it is about none.
    """

    def __init__(self, problem: str, remedy: str = "", *, field: Sequence[str | int] = ()) -> None:
        self.problem = problem
        self.remedy = remedy
        self.field = tuple(field)
        super().__init__(f"{problem}; {remedy}" if remedy else problem)


@contextmanager
def within(*field: str | int) -> Iterator[None]:
    """Put the way to a part of a document before the field of every RametError raised inside (see RametError.field)."""
    try:
        yield
    except RametError as error:
        error.field = (*field, *error.field)
        raise


class UnknownName(RametError):
    """A task, path, commit, branch, tag, method, source or hyperparameter that is not there."""


class InvalidValue(RametError):
    """A value outside what is allowed."""


class PartError(RametError):
    """A part of a method that is not ramet's own fails, or answers with what is no answer."""


class DataError(RametError):
    """A task's images, labels or splits cannot be used, or changed since they were added."""


class CheckpointError(RametError):
    """A root's weights cannot be read as a vision transformer."""


class ObjectError(RametError):
    """A stored object is missing, truncated or not what its name says."""


class StoreError(RametError):
    """The system's folder or catalog cannot be read or written."""


class Busy(RametError):
    """Another process holds the task's lease."""


class Conflict(RametError):
    """Tasks, by their names, that were changed on both sides of a merge, or again after what is to be undone."""

    def __init__(self, problem: str, remedy: str, tasks: Sequence[str]) -> None:
        super().__init__(problem, remedy)
        self.tasks = tuple(tasks)
