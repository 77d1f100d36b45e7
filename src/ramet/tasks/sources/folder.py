"""A folder of class folders, with or without train, validation and test folders around them."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ramet.base.errors import DataError
from ramet.tasks.sources.base import Content, Example, split_named, stamp, standard_splits

SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm"}
    | {".tif", ".tiff", ".webp"}
)


@dataclass(frozen=True)
class FolderSource:
    """Images below `CLASS/` or `SPLIT/CLASS/`; an image's identifier is its path in the folder."""

    uri: str
    classes: tuple[str, ...]
    splits: Mapping[str, Sequence[Example]]
    files: Mapping[str, Sequence[Path]]

    @classmethod
    def open(cls, path: str) -> "FolderSource":
        """Lists the images of a folder. Hidden files, and files that are no images by their suffix, are passed over."""
        root = Path(path).expanduser().absolute()
        if not root.is_dir():
            raise DataError(f"{root} is not a folder", "name a folder that holds a folder of images a class")
        found = {
            split: [(name, file) for name, folder in _subfolders(top) for file in sorted(_images(folder))]
            for split, top in _tops(root).items()
        }
        classes = tuple(sorted({name for images in found.values() for name, _ in images}))
        if not classes:
            raise DataError(
                f"{root} has no images in class folders", "put the images of each class in a folder of its own"
            )
        label = {name: i for i, name in enumerate(classes)}
        return cls(
            uri=str(root),
            classes=classes,
            splits={
                s: [Example(_text(f.relative_to(root)), label[n]) for n, f in images] for s, images in found.items()
            },
            files={split: [file for _, file in images] for split, images in found.items()},
        )

    def contents(self, split: str) -> Iterator[Content]:
        """The image files of a split."""
        yield from self.files[split]

    def stamps(self) -> Mapping[str, str]:
        """Size and time of every image."""
        return {e.identifier: stamp(f) for s in self.splits for e, f in zip(self.splits[s], self.files[s], strict=True)}


def _tops(root: Path) -> dict[str, Path]:
    """The folder of each split that holds the class folders: the root itself where it has no `train/CLASS/`.

    A folder called `train` with images right in it is a class: vehicles have such.
    """
    folders = dict(_subfolders(root))
    train = next((folder for name, folder in folders.items() if split_named(name) == "train"), None)
    if train is None or not _subfolders(train) or any(_is_image(file) for file in train.iterdir()):
        return {"train": root}
    return {split: folders[name] for split, name in standard_splits(folders, str(root)).items()}


def _subfolders(folder: Path) -> list[tuple[str, Path]]:
    entries = sorted(entry for entry in folder.iterdir() if not entry.name.startswith(".") and entry.is_dir())
    return [(_text(entry.relative_to(folder)), entry) for entry in entries]


def _images(folder: Path) -> Iterator[Path]:
    for parent, folders, names in os.walk(folder):
        folders[:] = [name for name in folders if not name.startswith(".")]
        yield from (file for name in names if _is_image(file := Path(parent, name)))


def _is_image(file: Path) -> bool:
    return file.suffix.lower() in SUFFIXES and not file.name.startswith(".") and file.is_file()


def _text(path: Path) -> str:
    """A path as text that can be written in any encoding of names: file names are bytes, and not always UTF-8."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")
