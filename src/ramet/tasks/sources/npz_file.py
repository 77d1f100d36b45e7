"""An .npz archive of arrays: x_train, y_train, and optionally x_test, y_test, x_validation, y_validation, class_names.

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
import numpy.typing as npt

from ramet.base.errors import DataError
from ramet.tasks.sources.base import Content, Example, stamp, standard_splits

_LAYOUT = "save uint8 arrays x_train (N,H,W[,3]), y_train (N,), ... with numpy.savez_compressed"
_BROKEN = (OSError, ValueError, EOFError, zlib.error, zipfile.BadZipFile)


@dataclass(frozen=True)
class NpzSource:
    """Images as rows of arrays; an image's identifier is its array and row, such as `train/17`."""

    uri: str
    classes: tuple[str, ...]
    splits: Mapping[str, Sequence[Example]]
    file: Path
    names: Mapping[str, str]

    @classmethod
    def open(cls, path: str) -> "NpzSource":
        """Reads the labels and the shapes of the images."""
        file = Path(path).expanduser().absolute()
        if not file.is_file():
            raise DataError(f"{file} does not exist", "name an .npz file")
        if not zipfile.is_zipfile(file):
            raise DataError(f"{file} is no .npz archive", _LAYOUT)
        try:
            with np.load(file, allow_pickle=False) as arrays:
                if "x_train" not in arrays:
                    raise DataError(f"{file} has no array x_train (it has {', '.join(arrays.files)})", _LAYOUT)
                names = standard_splits((n[2:] for n in arrays.files if n.startswith("x_")), str(file))
                labels = {split: _labels(file, arrays, name) for split, name in names.items()}
                classes = _classes(arrays, labels)
        except _BROKEN as error:
            raise DataError(f"{file} cannot be read as an .npz archive: {error}", _LAYOUT) from error
        source = cls(
            f"npz:{file}", classes, {s: [Example(f"{s}/{i}", y) for i, y in enumerate(ys)] for s, ys in labels.items()},
            file, names,
        )  # fmt: skip
        for split in names:
            source._check_images(split)
        return source

    def contents(self, split: str) -> Iterator[Content]:
        """The rows of a split's array, one after the other out of the archive."""
        try:
            with zipfile.ZipFile(self.file) as archive, archive.open(f"x_{self.names[split]}.npy") as stream:
                shape, _, _ = _header(stream)
                for _ in range(shape[0]):
                    yield np.frombuffer(stream.read(prod(shape[1:])), np.uint8).reshape(shape[1:])
        except _BROKEN as error:
            raise DataError(f"x_{self.names[split]} of {self.file} is damaged: {error}", "save it again") from error

    def stamps(self) -> Mapping[str, str]:
        """Size and time of the archive."""
        return {self.file.name: stamp(self.file)}

    def _check_images(self, split: str) -> None:
        array = f"x_{self.names[split]}"
        with zipfile.ZipFile(self.file) as archive, archive.open(f"{array}.npy") as stream:
            shape, fortran_order, dtype = _header(stream)
        grey_or_rgb = len(shape) == 3 or (len(shape) == 4 and shape[3] in (1, 3))
        if dtype != np.uint8 or not grey_or_rgb or 0 in shape[1:]:
            raise DataError(f"{array} of {self.file} is {dtype} {shape}", _LAYOUT)
        if fortran_order and len(self.splits[split]) > 0:
            raise DataError(f"{array} of {self.file} is in Fortran order", "save numpy.ascontiguousarray(x) instead")
        if shape[0] != len(self.splits[split]):
            raise DataError(
                f"{self.file} has {shape[0]} images in {array} and {len(self.splits[split])} labels",
                "save one label an image",
            )


def _header(stream: IO[bytes]) -> tuple[tuple[int, ...], bool, np.dtype[np.generic]]:
    version = np.lib.format.read_magic(stream)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    return read(stream)


def _labels(file: Path, arrays: Mapping[str, npt.NDArray[np.generic]], name: str) -> list[int]:
    if f"y_{name}" not in arrays:
        raise DataError(f"{file} has x_{name} but no y_{name}", _LAYOUT)
    labels = arrays[f"y_{name}"]
    if not np.issubdtype(labels.dtype, np.integer) or labels.size != len(labels):
        raise DataError(f"y_{name} of {file} is {labels.dtype} {labels.shape}", "save integer labels of shape (N,)")
    return [int(label) for label in labels.reshape(-1)]


def _classes(arrays: Mapping[str, npt.NDArray[np.generic]], labels: Mapping[str, list[int]]) -> tuple[str, ...]:
    if "class_names" in arrays:
        return tuple(str(name) for name in arrays["class_names"])
    return tuple(str(i) for i in range(1 + max((y for ys in labels.values() for y in ys), default=-1)))
