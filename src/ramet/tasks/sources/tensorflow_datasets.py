"""`tfds:NAME[/CONFIG][:VERSION]`: what tensorflow-datasets prepared in array_record, read without TensorFlow."""

import os
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ramet.errors import DataError
from ramet.tasks.extras import extra
from ramet.tasks.sources.base import Content, Example, column, stamp, standard_splits


@dataclass(frozen=True)
class TfdsSource:
    """Records of a data set with an image and a class label; an image's identifier is its split and record number."""

    uri: str
    classes: tuple[str, ...]
    splits: Mapping[str, Sequence[Example]]
    records: Mapping[str, Any]
    image: str
    folder: Path

    @classmethod
    def open(
        cls, name: str, data_dir: str | None = None, image: str | None = None, label: str | None = None
    ) -> "TfdsSource":
        """Opens a data set that was prepared before.

        Args:
            name: the data set as tfds names it, or the folder that holds its features.json.
            data_dir: where data sets are prepared; else TFDS_DATA_DIR, else the default of tfds.
            image: the feature of the images; needed only where there are several of images.
            label: the feature of the labels; needed only where there are several of class labels.
        """
        uri, builder = _builder(name, data_dir)
        features = builder.info.features
        image = column("image", image, features, "Image", uri)
        label = column("label", label, features, "ClassLabel", uri)
        undecoded = {image: extra("tensorflow_datasets", "tfds").decode.SkipDecoding()}
        classes = getattr(features[label], "names", None)
        if classes is None:
            raise DataError(f"the feature {label!r} of {uri} is no class label", "name another by the option label")
        names = standard_splits(builder.info.splits, uri)
        records = {s: builder.as_data_source(split=own, decoders=undecoded) for s, own in names.items()}
        labels = {split: (int(record[label]) for record in found) for split, found in records.items()}
        return cls(
            uri=uri,
            classes=tuple(classes),
            splits={s: [Example(f"{s}/{i}", y) for i, y in enumerate(ys)] for s, ys in labels.items()},
            records=records,
            image=image,
            folder=Path(builder.data_path),
        )

    def contents(self, split: str) -> Iterator[Content]:
        """The encoded images of a split, record by record."""
        for record in self.records[split]:
            yield record[self.image]

    def stamps(self) -> Mapping[str, str]:
        """Size and time of every file of the prepared data set."""
        return {file.name: stamp(file) for file in sorted(self.folder.iterdir())}


def _builder(name: str, data_dir: str | None) -> tuple[str, Any]:
    tfds = extra("tensorflow_datasets", "tfds")
    extra("array_record", "tfds")
    folder = Path(name).expanduser().absolute()
    try:
        if (folder / "features.json").is_file():
            uri, builder = f"tfds:{folder}", tfds.builder_from_directory(folder)
        else:
            builder = tfds.core.read_only_builder.builder_from_files(name, data_dir=data_dir)
            uri = f"tfds:{builder.data_path}" if data_dir else f"tfds:{name}"
    except (OSError, ValueError) as error:
        raise DataError(f"tfds:{name} is not prepared", _remedy(name, data_dir)) from error
    if builder.info.file_format.value != "array_record":
        raise DataError(f"{uri} is prepared as {builder.info.file_format.value}", _remedy(name, data_dir))
    return uri, builder


def _remedy(name: str, data_dir: str | None) -> str:
    where = data_dir or os.environ.get("TFDS_DATA_DIR")
    return f"prepare it once, where TensorFlow is installed: tfds build {name} --file_format=array_record" + (
        f" --data_dir={where}" if where else ""
    )
