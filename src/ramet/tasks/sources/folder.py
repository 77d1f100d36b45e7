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
        pictures: list[Path] = []
        folders: list[Path] = []
        others: Counter[str] = Counter()
        for entry in _below(top):
            place = Path(entry.path).relative_to(top)
            if entry.is_dir():
                folders.append(place)
            elif place.suffix.lower() in SUFFIXES:
                pictures.append(place)
            else:
                others[place.suffix.lower() or "without suffix"] += 1
        like_splits = sorted({p.parts[0] for p in pictures if len(p.parts) > 1 and split_named(p.parts[0])})
        depth, split_of = 0, {"": "train"}
        if _are_splits(top, like_splits, pictures, layout):
            named = [_text(f.name) for f in folders if len(f.parts) == 1 and split_named(f.name)]
            depth, split_of = 1, {own: split for split, own in standard_splits(named, str(top)).items()}
        found: dict[str, list[tuple[str, Path]]] = {split: [] for split in split_of.values()}
        for picture in sorted(pictures):
            split = split_of.get("/".join(picture.parts[:depth]))
            if split and len(picture.parts) > depth + 1:
                found[split].append((_text(picture.parts[depth]), picture))
            else:
                others["outside class folders"] += 1
        classes = tuple(sorted({name for images in found.values() for name, _ in images}))
        if not classes:
            counted = f" (only {listed([f'{n} {kind}' for kind, n in sorted(others.items())])})" if others else ""
            raise DataError(
                f"{top} has no images in class folders{counted}", "put the images of each class in a folder of its own"
            )
        label = {name: i for i, name in enumerate(classes)}
        all_classes = {
            _text(f.name) for f in folders if len(f.parts) == depth + 1 and (not depth or f.parts[0] in split_of)
        }
        return cls(
            uri=str(top),
            classes=classes,
            splits={s: [Example(_text(p), label[name]) for name, p in images] for s, images in found.items()},
            passed_over=dict(sorted(others.items())),
            empty_classes=tuple(sorted(all_classes - {*classes})),
            notes=tuple(
                f"{name}/ in {top} is named like a split and read as a class, as there are no class folders in it: "
                "take it out if it is no class, or say by the option layout=classes that it is one"
                for name in like_splits
                if depth == 0 and layout is None
            ),
            files={split: [top / picture for _, picture in images] for split, images in found.items()},
        )

    def contents(self, split: str) -> Iterator[Content]:
        """Yield the image files of a split."""
        yield from self.files[split]

    def stamps(self) -> Mapping[str, str]:
        """Return size and time of every image."""
        return {e.identifier: stamp(f) for s in self.splits for e, f in zip(self.splits[s], self.files[s], strict=True)}


def _below(folder: Path) -> Iterator["os.DirEntry[str]"]:
    """Yield the files and folders anywhere in a folder, in an order that does not depend on the file system."""
    try:
        with os.scandir(folder) as entries:
            kept = (e for e in entries if not e.name.startswith(".") and e.name.lower() not in _LITTER)
            found = sorted(kept, key=lambda entry: entry.name)
    except OSError as error:
        raise DataError(
            f"the folder {folder} may not be listed: {error.strerror}", "make it readable for your user, or take it out"
        ) from error
    for entry in found:
        path = Path(entry.path)
        # A link to a folder is followed unless it leads back up, where following it would never end.
        if entry.is_dir() and not (entry.is_symlink() and path.resolve() in path.parents):
            yield entry
            yield from _below(path)
        elif entry.is_file():
            yield entry


def _are_splits(top: Path, like_splits: Sequence[str], pictures: Sequence[Path], layout: str | None) -> bool:
    """Return true where class folders are in folders of splits, false where they are right in the folder.

    Raises:
        DataError: folders are named like splits, and do not hold class folders and nothing else.
    """
    if layout or not like_splits:
        return layout != "classes" and bool(like_splits)
    with_classes = {p.parts[0] for p in pictures if len(p.parts) > 2}
    if len(like_splits) == 1 and like_splits[0] not in with_classes:
        return False  # a class that is called train: vehicles have such
    stray = sorted(p for p in pictures if len(p.parts) == 2 and p.parts[0] in like_splits)
    beside = sorted({f"{_text(p.parts[0])}/" for p in pictures if len(p.parts) > 1 and p.parts[0] not in like_splits})
    if stray:
        name = stray[0].parts[0]
        number = plural(sum(p.parts[0] == name for p in stray), "picture")
        others = "beside class folders" if name in with_classes else "and no class folders"
        doubt = f"{name}/, named like a split, holds {number} {others} ({_text(stray[0])})"
    elif beside:
        doubt = f"beside {like_splits[0]}/ there are pictures in {listed(beside)}"
    elif "train" not in map(split_named, like_splits):
        doubt = f"there are {listed([f'{name}/' for name in like_splits])} and no train/"
    else:
        return True
    raise DataError(
        f"{top} may hold classes or splits: {doubt}",
        "name splits train, validation and test, each with a folder a class, and take out what is neither; "
        "or say by the option layout=classes that every folder is a class, by layout=splits that only splits count",
    )


def _text(path: str | Path) -> str:
    """Return a path as text that any encoding can write: file names are bytes, and not always UTF-8."""
    return os.fsencode(Path(path).as_posix()).decode("utf-8", "backslashreplace")
