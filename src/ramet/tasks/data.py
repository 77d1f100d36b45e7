"""A task's data: added once from a source, then opened as memory-mapped arrays as often as needed."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from ramet.records import Task

Progress = Callable[[int, int], None]


@dataclass(frozen=True, slots=True)
class Split:
    """One split of a task: images uint8 RGB (N, H, W, 3), memory-mapped; labels int64 (N,), indices of Task.classes."""

    images: npt.NDArray[np.uint8]
    labels: npt.NDArray[np.int64]


def add(
    system_folder: Path,
    name: str,
    source: str,
    *,
    max_side: int,
    validation: float | None = None,
    test: float | None = None,
    skip_bad_images: bool = False,
    progress: Progress | None = None,
    **options: Any,
) -> Task:
    """Reads a source, decodes every image once into the cache of the system's folder, and returns the task's record."""
    raise NotImplementedError


def open_splits(system_folder: Path, task: Task, progress: Progress | None = None) -> dict[str, Split]:
    """The splits "train", "validation" and "test" of a task; the cache is rebuilt from the source where it is gone."""
    raise NotImplementedError


def check_source(system_folder: Path, task: Task) -> None:
    """Raises DataError if the source is not what it was when the task was added."""
    raise NotImplementedError


def remove_cache(system_folder: Path, name: str) -> None:
    """Deletes the decoded images of a task."""
    raise NotImplementedError
