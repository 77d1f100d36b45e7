"""`tfds:NAME[/CONFIG][:VERSION]`: what tensorflow-datasets prepared in array_record, read without TensorFlow."""

import os
import shlex
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ramet.base.errors import DataError
from ramet.base.extras import extra
from ramet.tasks.sources.base import Content, Example, Source, column, stamp, standard_splits


@dataclass(frozen=True)
class Prepared:
    """A data set on disk: uri says where, features has the columns of a record, sizes the records of its own splits."""

    uri: str
    builder: Any
    features: Mapping[str, Any]
    sizes: Mapping[str, int]

    @classmethod
    def open(cls, name: str, data_dir: str | None = None) -> "Prepared":
        """Find a data set that was prepared before.

        Args:
            name: the data set as tfds names it, its version possibly with stars (`dtd:3.*.*`), or the folder that holds
                its features.json.
            data_dir: where data sets are prepared; else TFDS_DATA_DIR, else the default of tfds.
        """
        tfds = extra("tensorflow_datasets", "tfds")
        extra("array_record", "tfds")
        folder = Path(name).expanduser().absolute()
        root = Path(data_dir).expanduser().absolute() if data_dir else None
        command = ["tfds", "build", name, "--file_format=array_record"]
        if where := data_dir or os.environ.get("TFDS_DATA_DIR"):
            command.append(f"--data_dir={where}")
        remedy = f'prepare it once, where TensorFlow is installed (pip install "ramet[prepare]"): {shlex.join(command)}'
        try:
            if (folder / "features.json").is_file():
                uri, builder = f"tfds:{folder}", tfds.builder_from_directory(folder)
            else:
                builder = tfds.core.read_only_builder.builder_from_files(name, data_dir=root)
                uri = f"tfds:{builder.data_path}" if data_dir else f"tfds:{name}"
        except (OSError, ValueError) as error:
            raise DataError(f"tfds:{name} is not prepared", remedy) from error
        info = builder.info
        if info.file_format.value != "array_record":
            raise DataError(f"{uri} is prepared as {info.file_format.value}", remedy)
        return cls(uri, builder, info.features, {name: split.num_examples for name, split in info.splits.items()})

    def records(self, split: str) -> Sequence[Any]:
        """Return the records of a split, read when asked for; their images stay encoded."""
        skip = extra("tensorflow_datasets", "tfds").decode.SkipDecoding
        undecoded = {name: skip() for name, feature in self.features.items() if type(feature).__name__ == "Image"}
        found: Sequence[Any] = self.builder.as_data_source(split=split, decoders=undecoded)
        return found

    def stamps(self) -> Mapping[str, str]:
        """Return size and time of every file of the data set."""
        return {file.name: stamp(file) for file in sorted(Path(self.builder.data_path).iterdir())}


@dataclass(frozen=True, kw_only=True)
class TfdsSource(Source):
    """Records of a data set with an image and a class label; an image's identifier is its split and record number."""

    records: Mapping[str, Sequence[Any]]
    image: str
    prepared: Prepared

    @classmethod
    def open(
        cls, name: str, data_dir: str | None = None, image: str | None = None, label: str | None = None
    ) -> "TfdsSource":
        """Open a data set that was prepared before.

        Args:
            name: the data set, and data_dir its place: see `Prepared.open`.
            data_dir: where data sets are prepared.
            image: the feature of the images; needed only where there are several of images.
            label: the feature of the labels; needed only where there are several of class labels.
        """
        prepared = Prepared.open(name, data_dir)
        uri, features = prepared.uri, prepared.features
        image = column("image", image, features, "Image", uri)
        label = column("label", label, features, "ClassLabel", uri)
        classes = getattr(features[label], "names", None)
        if classes is None:
            raise DataError(f"the feature {label!r} of {uri} is no class label", "name another by the option label")
        records = {s: prepared.records(own) for s, own in standard_splits(prepared.sizes, uri).items()}
        return cls(
            uri=uri,
            classes=tuple(classes),
            splits={s: [Example(f"{s}/{i}", int(r[label])) for i, r in enumerate(some)] for s, some in records.items()},
            columns={"image": image, "label": label},
            records=records,
            image=image,
            prepared=prepared,
        )

    def contents(self, split: str) -> Iterator[Content]:
        """Yield the encoded images of a split, record by record."""
        return (record[self.image] for record in self.records[split])

    def stamps(self) -> Mapping[str, str]:
        """Return size and time of every file of the prepared data set."""
        return self.prepared.stamps()
