"""The decoded images of a task on disk: `cache/TASK/`, one memory-mapped array of images and one of labels a split.

cache/cmaterdb+bangla/train.images.npy   uint8 RGB (N, H, W, 3)
cache/cmaterdb+bangla/train.labels.npy   int64 (N,)
cache/cmaterdb+bangla/source.json        the stamps of the source's files, to notice a change by
cache/cmaterdb+bangla/skipped.json       every image that could not be decoded, and why
cache/cmaterdb+bangla/task.json          the record of the task whose images these are
cache/cmaterdb+bangla/features.*.npy     their mean embedding by a root, once a part has asked for it
cache/cmaterdb+bangla/fits.json          how well paths fit them, the same
"""

import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from ramet.base.errors import InvalidValue
from ramet.base.files import refusals, write_whole
from ramet.base.records import Task, to_json
from ramet.tasks.images import Pixels
from ramet.tasks.sources.base import SPLITS

FORMAT = 1
MAX_NAME = 100

_NAME_PART = re.compile(r"[A-Za-z0-9._-]+")
_RECORD, _STAMPS = "task.json", "source.json"
_HEADER = 128
"""Bytes before the first image in a file of images."""


@dataclass(frozen=True, slots=True)
class Split:
    """One split of a task: images uint8 RGB (N, H, W, 3), memory-mapped; labels int64 (N,), indices of Task.classes."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]


class Rows:
    """Images of whatever sizes, one after the other in a file; it is an .npy file if all are of one size.

    Not memory-mapped: there, a full disk would be the end of the process and not an error.
    """

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self._ends = [_HEADER]
        self.sizes: list[tuple[int, int]] = []
        file.seek(_HEADER)

    def append(self, pixels: Pixels) -> None:
        """Add an image (H, W, 3)."""
        self._file.write(pixels.tobytes())
        self._ends.append(self._ends[-1] + pixels.nbytes)
        self.sizes.append((pixels.shape[0], pixels.shape[1]))

    def read(self, row: int) -> Pixels:
        """Return an image again; no more can be appended then."""
        start, end = self._ends[row : row + 2]
        self._file.seek(start)
        return np.frombuffer(self._file.read(end - start), np.uint8).reshape(*self.sizes[row], 3)

    def finish(self, size: tuple[int, int]) -> None:
        """Make an array's file of images that are all of that height and width, and bring it to the disk."""
        array = {"descr": "|u1", "fortran_order": False, "shape": (len(self.sizes), *size, 3)}
        self._file.seek(0)
        np.lib.format.write_array_header_1_0(self._file, array)
        assert self._file.tell() == _HEADER
        self._file.flush()
        os.fsync(self._file.fileno())


def check_name(name: str) -> str:
    """Return the name if it can be a task's, wherever one is written (files, refs, URLs).

    Raises:
        InvalidValue: it is not parts of letters, digits, `.`, `_`, `-`, joined by `/` (cmaterdb/bangla), or starts with
            something else than a letter or digit, or is too long, or has a part `.` or `..`.
    """
    well_formed = all(_NAME_PART.fullmatch(part) and part not in (".", "..") for part in name.split("/"))
    if not well_formed or not name[0].isalnum() or len(name) > MAX_NAME:
        raise InvalidValue(
            f"{name!r} cannot be the name of a task",
            f"use letters, digits, '.', '_', '-' (and '/' between parts), starting with a letter or digit, "
            f"at most {MAX_NAME} characters",
        )
    return name


def folder_of(system_folder: Path, name: str) -> Path:
    """Return where a task's images are; `/`, which parts a name, becomes `+`, which no name has."""
    return system_folder / "cache" / name.replace("/", "+")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let only one process at a time write a task's cache; others wait here.

    Raises:
        StoreError: it cannot be written.
    """
    with refusals(f"the cache {folder} cannot be written"):
        folder.parent.mkdir(parents=True, exist_ok=True)
        with FileLock(folder.with_name(f".{folder.name}.lock")):
            yield


def write_record(folder: Path, task: Task, skipped: Mapping[str, str]) -> None:
    """Write whose images these are, and which were left out."""
    (folder / "skipped.json").write_text(json.dumps(dict(skipped), indent=1))
    (folder / _RECORD).write_text(json.dumps({"format": FORMAT, "task": to_json(task)}))


def write_stamps(folder: Path, stamps: Mapping[str, str]) -> None:
    """Write what the source's files are like."""
    write_whole(folder / _STAMPS, json.dumps(dict(stamps)).encode())


def read_stamps(folder: Path) -> dict[str, str] | None:
    """Return what the source's files were like when `write_stamps` was called, if that is known."""
    try:
        stamps: dict[str, str] = json.loads((folder / _STAMPS).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return stamps


def read_task(folder: Path) -> Task | None:
    """Return the task whose images are in the folder; None where there is no cache, or a part of it is gone or cut."""
    try:
        record = json.loads((folder / _RECORD).read_text())
        if record["format"] != FORMAT:
            return None
        task = Task(**{**record["task"], "classes": tuple(record["task"]["classes"])})
        splits = {split: open_split(folder, split) for split in SPLITS}
    except (OSError, ValueError, EOFError, KeyError, TypeError):
        return None
    height, width = task.options["size"]
    whole = all(
        split.images.shape == (task.splits[name], height, width, 3) and split.labels.shape == (task.splits[name],)
        for name, split in splits.items()
    )
    return task if whole else None


def open_split(folder: Path, split: str) -> Split:
    """Return the arrays of a split, the images memory-mapped."""
    images = np.load(folder / f"{split}.images.npy", mmap_mode="r")
    return Split(images, np.load(folder / f"{split}.labels.npy"))
