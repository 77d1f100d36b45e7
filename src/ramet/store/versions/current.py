"""The branch that a working folder is on: its name and a newline in the file HEAD; main where there is no such file."""

from pathlib import Path

from ramet.base.errors import StoreError
from ramet.base.files import refusals, write_whole
from ramet.store.versions.commits import MAIN

_HEAD = "HEAD"


def current_branch(folder: Path) -> str:
    """Return the name of the branch; that there is one of that name is not checked.

    Raises:
        StoreError: the file cannot be read.
    """
    file = folder / _HEAD
    try:
        with refusals(f"cannot read {file}"):
            return file.read_text(encoding="utf-8").strip() or MAIN
    except StoreError as error:
        if isinstance(error.__cause__, FileNotFoundError):
            return MAIN
        raise
    except UnicodeDecodeError as error:
        raise StoreError(f"{file} is damaged", "delete it, then `ramet switch` to a branch") from error


def set_current_branch(folder: Path, branch: str) -> None:
    """Put a working folder on a branch.

    Raises:
        StoreError: the file cannot be written.
    """
    write_whole(folder / _HEAD, f"{branch}\n".encode())
