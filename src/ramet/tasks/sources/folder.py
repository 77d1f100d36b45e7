"""A folder of class folders, with or without train, validation and test folders around them.

Which of the two it is shows in what the folder holds. Where that is doubtful it is refused, naming what makes it so;
the option `layout` (classes or splits) then decides.
"""

import os
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ramet.base.errors import DataError, InvalidValue
from ramet.base.text import listed, plural
from ramet.tasks.sources.base import Content, Example, Source, split_named, stamp, standard_splits

SUFFIXES = frozenset(
    {".avif", ".bmp", ".gif", ".jfif", ".jpe", ".jpeg", ".jpg", ".pbm", ".pgm", ".png", ".pnm", ".ppm"}
    | {".tif", ".tiff", ".webp"}
)
_LITTER = frozenset(
    {"@eadir", "#recycle", "@recycle", "@recently-snapshot", "__macosx", "$recycle.bin", "system volume information"}
    | {"lost+found", "thumbs.db", "desktop.ini"}
)
"""What operating systems and network storage leave in folders, such as thumbnails; so are hidden files."""


@dataclass(frozen=True, slots=True)
class _Folder:
    """The pictures right in a folder, the folders below it, and how many other files of each suffix."""

    path: Path
    pictures: Sequence[Path]
    folders: Mapping[str, "_Folder"]
    others: Counter[str]

    def every(self) -> Iterator["_Folder"]:
        yield self
        for folder in self.folders.values():
            yield from folder.every()

    def all_pictures(self) -> list[Path]:
        return sorted(picture for folder in self.every() for picture in folder.pictures)

    def classes(self) -> dict[str, "_Folder"]:
        """Return the folders with pictures anywhere in them."""
        return {name: folder for name, folder in self.folders.items() if any(f.pictures for f in folder.every())}


@dataclass(frozen=True, kw_only=True)
class FolderSource(Source):
    """Images below `CLASS/` or `SPLIT/CLASS/`; an image's identifier is its path in the folder."""

    files: Mapping[str, Sequence[Path]]

    @classmethod
    def open(cls, path: str, layout: str | None = None) -> "FolderSource":
        """List the images of a folder; other files are counted, and hidden ones passed over.

        Args:
            path: the folder.
            layout: "classes" where each folder in it is a class, "splits" where classes are below train, ...; else what
                is found decides.
        """
        if layout not in (None, "classes", "splits"):
            raise InvalidValue(f"layout = {layout!r} is no layout of a folder", "choose classes or splits")
        top = Path(path).expanduser().absolute()
        if not top.is_dir():
            raise DataError(f"{top} is not a folder", "name a folder that holds a folder of images a class")
        root = _listed(top)
        tops = _tops(root, layout)
        found = {
            split: [(name, file) for name, folder in at.folders.items() for file in folder.all_pictures()]
            for split, at in tops.items()
        }
        others = sum((folder.others for folder in root.every()), Counter[str]())
        others["outside class folders"] = len(root.all_pictures()) - sum(map(len, found.values()))
        others = +others  # without what there is none of
        classes = tuple(sorted({name for images in found.values() for name, _ in images}))
        if not classes:
            counted = f" (only {listed([f'{n} {kind}' for kind, n in sorted(others.items())])})" if others else ""
            raise DataError(
                f"{top} has no images in class folders{counted}", "put the images of each class in a folder of its own"
            )
        label = {name: i for i, name in enumerate(classes)}
        like_splits = [name for name in classes if layout is None and tops["train"] is root and split_named(name)]
        return cls(
            uri=str(top),
            classes=classes,
            splits={
                s: [Example(_text(f.relative_to(top)), label[n]) for n, f in images] for s, images in found.items()
            },
            passed_over=dict(sorted(others.items())),
            empty_classes=tuple(sorted({name for at in tops.values() for name in at.folders} - set(classes))),
            notes=tuple(
                f"{name}/ in {top} is named like a split and read as a class: it has no class folders. Take it out if "
                "it is no class; the option layout=classes says that it is one"
                for name in like_splits
            ),
            files={split: [file for _, file in images] for split, images in found.items()},
        )

    def contents(self, split: str) -> Iterator[Content]:
        """Yield the image files of a split."""
        yield from self.files[split]

    def stamps(self) -> Mapping[str, str]:
        """Return size and time of every image."""
        return {e.identifier: stamp(f) for s in self.splits for e, f in zip(self.splits[s], self.files[s], strict=True)}


def _listed(path: Path) -> _Folder:
    """Return what a folder holds, in an order that does not depend on the file system."""
    try:
        with os.scandir(path) as entries:
            kept = (e for e in entries if not e.name.startswith(".") and e.name.lower() not in _LITTER)
            found = sorted(kept, key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(
            f"the folder {path} may not be listed: {error.strerror}", "make it readable for your user, or take it out"
        ) from error
    files = [Path(entry.path) for entry in found if entry.is_file()]
    pictures = [file for file in files if file.suffix.lower() in SUFFIXES]
    others = Counter(file.suffix.lower() or "without suffix" for file in files if file.suffix.lower() not in SUFFIXES)
    return _Folder(path, pictures, {_text(Path(e.name)): _listed(Path(e.path)) for e in found if _is_folder(e)}, others)


def _is_folder(entry: "os.DirEntry[str]") -> bool:
    # A link to a folder is followed unless it leads back up, where following it would never end.
    return entry.is_dir() and not (entry.is_symlink() and Path(entry.path).resolve() in Path(entry.path).parents)


def _tops(root: _Folder, layout: str | None) -> dict[str, _Folder]:
    """Return for each split the folder that holds its class folders: the root itself where classes lie right in it."""
    classes = root.classes()
    splits = {name: folder for name, folder in classes.items() if split_named(name)}
    if layout == "classes" or not splits:
        return {"train": root}
    if layout is None:
        if len(splits) == 1 and not any(folder.classes() for folder in splits.values()):
            return {"train": root}  # a class that is called train: vehicles have such
        if doubt := _doubt(root, splits, classes):
            raise DataError(
                f"{root.path} may hold classes or splits: {doubt}",
                "name splits train, validation and test, each with a folder a class, and take out what is neither; "
                "or say by the option layout=classes that every folder is a class, by layout=splits that only splits "
                "count",
            )
    named = [name for name in root.folders if split_named(name)]
    return {split: root.folders[name] for split, name in standard_splits(named, str(root.path)).items()}


def _doubt(root: _Folder, splits: Mapping[str, _Folder], classes: Mapping[str, _Folder]) -> str:
    """Say where folders are named like splits and do not hold class folders and nothing else; "" where all is clear."""
    for name, folder in splits.items():
        if folder.pictures:
            beside = "beside class folders" if folder.classes() else "and no class folders"
            pictures = f"{plural(len(folder.pictures), 'picture')} {beside}"
            return f"{name}/, named like a split, holds {pictures} ({_text(folder.pictures[0].relative_to(root.path))})"
    if others := [f"{name}/" for name in classes if name not in splits]:
        return f"beside {next(iter(splits))}/ there are pictures in {listed(others)}"
    if not any(split_named(name) == "train" for name in splits):
        return f"there are {listed([f'{name}/' for name in splits])} and no train/"
    return ""


def _text(path: Path) -> str:
    """Return a path as text that any encoding can write: file names are bytes, and not always UTF-8."""
    return os.fsencode(path.as_posix()).decode("utf-8", "backslashreplace")
