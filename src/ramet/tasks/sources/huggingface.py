"""`hf:NAME` or `hf:NAME:CONFIG`: a data set read by the library `datasets`, from the Hub or from a local folder."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ramet.base.errors import DataError
from ramet.base.extras import extra
from ramet.base.text import plural
from ramet.tasks.sources.base import Content, Example, Source, column, stamp, standard_splits


@dataclass(frozen=True, kw_only=True)
class HuggingFaceSource(Source):
    """Rows of a data set with an image and a label column; an image's identifier is its split and row."""

    tables: Mapping[str, Any]
    image: str

    @classmethod
    def open(cls, name: str, image: str | None = None, label: str | None = None) -> "HuggingFaceSource":
        """Load a data set by its name on the Hub, or by a folder (of `save_to_disk`, or of data files).

        Args:
            name: the data set, with `:CONFIG` behind it where it has several.
            image: the column of the images; needed only where there are several of images.
            label: the column of the labels; needed only where there are several of class labels.
        """
        uri, loaded = _load(name)
        tables = {split: loaded[own].with_format(None) for split, own in standard_splits(loaded, uri).items()}
        features = tables["train"].features
        image = column("image", image, features, "Image", uri)
        label = column("label", label, features, "ClassLabel", uri)
        values = {split: list(table[label]) for split, table in tables.items()}
        for split, found in values.items():
            if missing := [row for row, value in enumerate(found) if value is None]:
                raise DataError(
                    f"{plural(len(missing), 'row')} of {uri} without a {label} (first {split}/{missing[0]})",
                    "give every row a label, or save the data set without them",
                )
        classes = getattr(features[label], "names", None)
        if classes is None:  # a column without class names has its own values as names
            values = {split: [str(value) for value in found] for split, found in values.items()}
            classes = sorted(set().union(*values.values()))
            index = {name: i for i, name in enumerate(classes)}
            values = {split: [index[name] for name in found] for split, found in values.items()}
        return cls(
            uri=uri,
            classes=tuple(classes),
            splits={s: [Example(f"{s}/{i}", y) for i, y in enumerate(ys)] for s, ys in values.items()},
            columns={"image": image, "label": label},
            tables=tables,
            image=image,
        )

    def contents(self, split: str) -> Iterator[Content]:
        """Yield the encoded images of a split, row by row out of the memory-mapped table."""
        undecoded = extra("datasets", "hf").Image(decode=False)
        for row in self.tables[split].select_columns([self.image]).cast_column(self.image, undecoded):
            encoded = row[self.image] or {"bytes": b""}  # a row without an image: one that cannot be decoded
            yield encoded["bytes"] if encoded["bytes"] is not None else Path(encoded["path"])

    def stamps(self) -> Mapping[str, str]:
        """Return size and time of the tables' files."""
        files = [(split, Path(file["filename"])) for split, table in self.tables.items() for file in table.cache_files]
        return {f"{split}/{file.name}": stamp(file) for split, file in files}


def _load(name: str) -> tuple[str, Mapping[str, Any]]:
    """Return the source's uri, and its tables by the data set's own names of its splits."""
    datasets = extra("datasets", "hf")
    repository, _, config = name.partition(":")
    folder = Path(repository).expanduser().absolute()
    where = str(folder) if folder.is_dir() else repository
    uri = ":".join(["hf", where, *([config] if config else [])])
    saved = any((folder / file).is_file() for file in ("dataset_dict.json", "state.json"))
    try:
        loaded = datasets.load_from_disk(where) if saved else datasets.load_dataset(where, config or None)
    except (OSError, ValueError, datasets.exceptions.DatasetsError) as error:
        reason = str(error).strip().partition("\n")[0]
        raise DataError(f"{uri} cannot be loaded: {reason}", "check the name, the config and the network") from error
    return uri, loaded if isinstance(loaded, Mapping) else {"train": loaded}
