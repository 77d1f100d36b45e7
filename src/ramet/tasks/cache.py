"""The decoded images of a task on disk: `cache/TASK/`, one memory-mapped array of images and one of labels a split.

    cache/cmaterdb+bangla/train.images.npy   uint8 RGB (N, H, W, 3)
    cache/cmaterdb+bangla/train.labels.npy   int64 (N,)
    cache/cmaterdb+bangla/source.json        the stamps of the source's files, to notice a change by
    cache/cmaterdb+bangla/task.json          the record of the task whose images these are
    cache/cmaterdb+bangla/features.*.npy     their mean embedding by a root, once a part has asked for it

All are written into a hidden folder, renamed when it is complete: a process killed half-way leaves nothing that counts.
"""

import errno
import hashlib
import json
import os
import shutil
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import numpy.typing as npt
from filelock import FileLock

from ramet.base.errors import StoreError
from ramet.base.records import Task, to_json
from ramet.tasks.images import BadImage, Pixels, decode
from ramet.tasks.parallel import ordered_map
from ramet.tasks.sources.base import SPLITS, Content, Source

FORMAT = 1

_RECORD, _STAMPS = "task.json", "source.json"


@dataclass(frozen=True, slots=True)
class Split:
    """One split of a task: images uint8 RGB (N, H, W, 3), memory-mapped; labels int64 (N,), indices of Task.classes."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]


@dataclass(frozen=True, slots=True)
class Written:
    """What came out of writing: examples a split, test images that equal a training image, and bad images' reasons."""

    counts: Mapping[str, int]
    duplicates: int
    bad: Mapping[str, str]


def folder_of(system_folder: Path, name: str) -> Path:
    """Where a task's images are; `/`, which parts a name, becomes `+`, which no name has."""
    return system_folder / "cache" / name.replace("/", "+")


@contextmanager
def locked(folder: Path) -> Iterator[None]:
    """Only one process builds a task's cache at a time; others wait here."""
    folder.parent.mkdir(parents=True, exist_ok=True)
    with FileLock(folder.with_name(f".{folder.name}.lock")):
        yield


@contextmanager
def replaced(folder: Path) -> Iterator[Path]:
    """A new folder that takes the place of the cache folder when the block ends well, and is gone when it fails.

    What a killed process left of one is cleared; the lock must be held.
    """
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir()
    try:
        yield partial
        shutil.rmtree(folder, ignore_errors=True)
        partial.rename(folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)


@contextmanager
def writing(folder: Path) -> Iterator[None]:
    """Turns what goes wrong with the disk into a StoreError that names the folder."""
    try:
        yield
    except OSError as error:
        full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
        raise StoreError(
            f"the cache {folder} cannot be written: {error.strerror or error}",
            "free some space or lower max_side, and run it again" if full else "make the folder writable",
        ) from error


def check_space(folder: Path, images: int, size: tuple[int, int]) -> None:
    """Raises StoreError if that many images do not fit on the disk of a folder."""
    needed, free = images * (3 * size[0] * size[1] + 8), shutil.disk_usage(folder).free
    if needed > free:
        raise StoreError(
            f"{images} images of {size[0]}x{size[1]} need {needed / 1e9:.3g} GB, "
            f"and {folder.parent} has {free / 1e9:.3g} GB left",
            "free some space, or lower max_side",
        )


def write_images(
    folder: Path,
    source: Source,
    assigned: Mapping[str, Sequence[str]],
    size: tuple[int, int],
    report: Callable[[int], None],
) -> Written:
    """Decodes every image of a source into the folder's arrays.

    Args:
        folder: where to write.
        source: where the images come from.
        assigned: for each split of the source, the split that each of its examples goes to.
        size: height and width of all images.
        report: is told the number of images decoded.
    """
    counts = Counter(to for places in assigned.values() for to in places)
    labels: dict[str, list[int]] = {split: [] for split in counts}
    digests: dict[str, list[bytes]] = {split: [] for split in counts}
    bad: dict[str, str] = {}

    def work(content: Content) -> tuple[Pixels, bytes] | BadImage:
        try:
            pixels = decode(content, size)
        except BadImage as reason:
            return reason
        return pixels, hashlib.blake2b(pixels.tobytes(), digest_size=16).digest()

    with ExitStack() as stack:
        files = {split: stack.enter_context(_images_file(folder, split, (n, *size, 3))) for split, n in counts.items()}
        done = 0
        for split, examples in source.splits.items():
            results = ordered_map(work, source.contents(split))
            for example, to, result in zip(examples, assigned[split], results, strict=True):
                done += 1
                report(done)
                if isinstance(result, BadImage):
                    bad[example.identifier] = str(result)
                    continue
                files[to].write(result[0].tobytes())
                digests[to].append(result[1])
                labels[to].append(example.label)
    for split, some in labels.items():
        np.save(folder / f"{split}.labels.npy", np.asarray(some, dtype=np.int64))
    trained = set(digests["train"])
    return Written(dict(counts), sum(digest in trained for digest in digests["test"]), bad)


def write_task(folder: Path, task: Task, stamps: Mapping[str, str]) -> None:
    """Says whose images these are, and what the source's files were like."""
    write_stamps(folder, stamps)
    (folder / _RECORD).write_text(json.dumps({"format": FORMAT, "task": to_json(task)}))


def write_stamps(folder: Path, stamps: Mapping[str, str]) -> None:
    """Remembers what the source's files were like."""
    (folder / _STAMPS).write_text(json.dumps(dict(stamps)))


def read_stamps(folder: Path) -> dict[str, str] | None:
    """What the source's files were like, if that is known."""
    try:
        stamps: dict[str, str] = json.loads((folder / _STAMPS).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    return stamps


def read_task(folder: Path) -> Task | None:
    """The task whose images are in the folder; None where there is no cache, or a part of it is gone."""
    if not all((folder / f"{split}.{what}.npy").is_file() for split in SPLITS for what in ("images", "labels")):
        return None
    try:
        record = json.loads((folder / _RECORD).read_text())
    except (FileNotFoundError, json.JSONDecodeError):
        return None
    plain = record["task"]
    return Task(**{**plain, "classes": tuple(plain["classes"])}) if record["format"] == FORMAT else None


def open_split(folder: Path, split: str) -> Split:
    """The arrays of a split, the images memory-mapped."""
    return Split(
        images=np.load(folder / f"{split}.images.npy", mmap_mode="r"), labels=np.load(folder / f"{split}.labels.npy")
    )


@contextmanager
def _images_file(folder: Path, split: str, shape: tuple[int, ...]) -> Iterator[BinaryIO]:
    """A file of an array of that shape, for its rows to be written to.

    Not memory-mapped: there, a full disk would be the end of the process and not an error.
    """
    with (folder / f"{split}.images.npy").open("wb") as file:
        header = {"descr": np.lib.format.dtype_to_descr(np.dtype(np.uint8)), "fortran_order": False, "shape": shape}
        np.lib.format.write_array_header_1_0(file, header)
        yield file
        file.flush()
        os.fsync(file.fileno())
