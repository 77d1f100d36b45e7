"""An .npz archive of arrays: x_train, y_train, and optionally x_test, y_test, x_validation, y_validation, class_names.

One split may also be called x and y.
Images are uint8, grey (N, H, W) or (N, H, W, 1), or RGB (N, H, W, 3). They are streamed out of the archive, compressed
or not, so an archive may be larger than the memory. Pickled arrays are never loaded.
"""

import zipfile
import zlib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import prod
from pathlib import Path
from typing import IO

import numpy as np
from numpy.lib.npyio import NpzFile

from ramet.base.errors import DataError
from ramet.tasks.sources.base import Content, Example, Source, check_text, numbered, stamp, standard_splits

_LAYOUT = "save uint8 arrays x_train (N,H,W[,3]), y_train (N,), ... with numpy.savez_compressed"
_BROKEN = (OSError, ValueError, EOFError, zlib.error, zipfile.BadZipFile)


@dataclass(frozen=True, kw_only=True)
class NpzSource(Source):
    """Images as rows of arrays; an image's identifier is its array and row, such as `train/17`."""

    file: Path
    names: Mapping[str, str]
    """What stands behind x and y in the names of each split's arrays: `_train`, or nothing."""

    @classmethod
    def open(cls, path: str) -> "NpzSource":
        """Read the labels and the shapes of the images."""
        file = Path(path).expanduser().absolute()
        if not file.is_file():
            raise DataError(f"{file} does not exist", "name an .npz file")
        if not zipfile.is_zipfile(file):
            raise DataError(f"{file} is no .npz archive", _LAYOUT)
        try:
            with np.load(file, allow_pickle=False) as arrays, zipfile.ZipFile(file) as archive:
                names = _names(file, arrays.files)
                labels = {split: _labels(file, arrays, archive, name) for split, name in names.items()}
                classes = _classes(file, arrays, labels)
        except _BROKEN as error:
            raise DataError(f"{file} cannot be read as an .npz archive: {error}", _LAYOUT) from error
        splits = {s: [Example(f"{s}/{i}", y) for i, y in enumerate(ys)] for s, ys in labels.items()}
        return cls(uri=f"npz:{file}", classes=classes, splits=splits, file=file, names=names)

    def contents(self, split: str) -> Iterator[Content]:
        """Yield the rows of a split's array, one after the other out of the archive."""
        try:
            with zipfile.ZipFile(self.file) as archive, archive.open(f"x{self.names[split]}.npy") as stream:
                shape, _, _ = _header(stream)
                for _ in range(shape[0]):
                    yield np.frombuffer(stream.read(prod(shape[1:])), np.uint8).reshape(shape[1:])
        except _BROKEN as error:
            raise DataError(f"x{self.names[split]} of {self.file} is damaged: {error}", "save it again") from error

    def stamps(self) -> Mapping[str, str]:
        """Return size and time of the archive."""
        return {self.file.name: stamp(self.file)}


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(stream)


def _labels(file: Path, arrays: NpzFile, archive: zipfile.ZipFile, name: str) -> list[int]:
    """Return the labels of a split, whose images are of the right kind and as many."""
    if f"y{name}" not in arrays:
        raise DataError(f"{file} has x{name} but no y{name}", _LAYOUT)
    labels = arrays[f"y{name}"]
    if not np.issubdtype(labels.dtype, np.integer) or labels.size != len(labels):
        raise DataError(f"y{name} of {file} is {labels.dtype} {labels.shape}", "save integer labels of shape (N,)")
    with archive.open(f"x{name}.npy") as stream:
        shape, fortran_order, dtype = _header(stream)
    grey_or_rgb = len(shape) == 3 or (len(shape) == 4 and shape[3] in (1, 3))
    if dtype != np.uint8 or not grey_or_rgb or 0 in shape[1:]:
        raise DataError(f"x{name} of {file} is {dtype} {shape}", _LAYOUT)
    if fortran_order and len(labels):
        raise DataError(f"x{name} of {file} is in Fortran order", "save numpy.ascontiguousarray(x) instead")
    if shape[0] != len(labels):
        raise DataError(f"{file} has {shape[0]} images in x{name} and {len(labels)} labels", "save one label an image")
    return [int(label) for label in labels.reshape(-1)]


def _classes(file: Path, arrays: NpzFile, labels: Mapping[str, list[int]]) -> tuple[str, ...]:
    if "class_names" not in arrays:
        return numbered((y for ys in labels.values() for y in ys), str(file))
    named = arrays["class_names"].reshape(-1)
    # Bytes are the names of C and of HDF5; what is no UTF-8 in them becomes what no text has, and is refused.
    classes = [n.decode("utf-8", "surrogateescape") if isinstance(n, bytes) else str(n) for n in named.tolist()]
    for name in classes:
        check_text(f"among class_names of {file},", name)
    return tuple(classes)


def _names(file: Path, arrays: Sequence[str]) -> dict[str, str]:
    if "x_train" in arrays:
        splits = standard_splits((name[2:] for name in arrays if name.startswith("x_")), str(file))
        return {split: f"_{name}" for split, name in splits.items()}
    if "x" in arrays:
        return {"train": ""}
    raise DataError(f"{file} has no array x_train or x (it has {', '.join(arrays)})", _LAYOUT)
