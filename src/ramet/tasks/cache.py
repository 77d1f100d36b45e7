"""The decoded images of a task on disk: `cache/TASK/`, one memory-mapped array of images and one of labels a split.

cache/cmaterdb+bangla/train.images.npy   uint8 RGB (N, H, W, 3)
cache/cmaterdb+bangla/train.labels.npy   int64 (N,)
cache/cmaterdb+bangla/source.json        the stamps of the source's files, to notice a change by
cache/cmaterdb+bangla/skipped.json       every image that could not be decoded, and why
cache/cmaterdb+bangla/task.json          the record of the task whose images these are
cache/cmaterdb+bangla/features.*.npy     their mean embedding by a root, once a part has asked for it
"""

import json
import os
import shutil
import struct
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from ramet.base.errors import StoreError
from ramet.base.files import write_whole
from ramet.base.records import Task, to_json
from ramet.tasks.images import Pixels
from ramet.tasks.sources.base import SPLITS

FORMAT = 1

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
        header = repr({"descr": "|u1", "fortran_order": False, "shape": (len(self.sizes), *size, 3)})
        magic = np.lib.format.magic(1, 0)
        text = header.ljust(_HEADER - len(magic) - 3) + "\n"
        self._file.seek(0)
        self._file.write(magic + struct.pack("<H", len(text)) + text.encode())
        self._file.flush()
        os.fsync(self._file.fileno())


def folder_of(system_folder: Path, name: str) -> Path:
    """Return where a task's images are; `/`, which parts a name, becomes `+`, which no name has."""
    return system_folder / "cache" / name.replace("/", "+")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Let only one process at a time build a task's cache; others wait here."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f".{folder.name}.lock")):
        yield


def check_space(folder: Path, images: int, size: tuple[int, int]) -> None:
    """Raise StoreError if that many images do not fit on the disk of a folder."""
    needed, free = images * (3 * size[0] * size[1] + 8), shutil.disk_usage(folder).free
    if needed > free:
        raise StoreError(
            f"{images} images of {size[0]}x{size[1]} need {needed / 1e9:.3g} GB, "
            f"and {folder.parent} has {free / 1e9:.3g} GB left",
            "free some space, or lower max_side",
        )


def write_record(folder: Path, task: Task, stamps: Mapping[str, str], skipped: Mapping[str, str]) -> None:
    """Write whose images these are, what the source's files were like, and which images were left out."""
    write_stamps(folder, stamps)
    (folder / "skipped.json").write_text(json.dumps(dict(skipped), indent=1))
    (folder / _RECORD).write_text(json.dumps({"format": FORMAT, "task": to_json(task)}))


def write_stamps(folder: Path, stamps: Mapping[str, str]) -> None:
    """Write what the source's files are like."""
    write_whole(folder / _STAMPS, json.dumps(dict(stamps)).encode())


def read_stamps(folder: Path) -> dict[str, str] | None:
    """Return what the source's files were like, if that is known."""
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
    return Split(
        images=np.load(folder / f"{split}.images.npy", mmap_mode="r"), labels=np.load(folder / f"{split}.labels.npy")
    )
