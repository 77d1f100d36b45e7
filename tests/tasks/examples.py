"""One tiny data set, written in every form that a source reads: red and blue pictures, 6 + 2 of each class."""

import csv
import io
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
from PIL import Image

COUNTS = {"train": 6, "test": 2}
CLASSES = ("blue", "red")
SIZE = (5, 7)


def picture(split: str, label: int, number: int) -> npt.NDArray[np.uint8]:
    """Pixels (5, 7, 3) that are different for every example, in the colour of the class."""
    pixels = np.zeros((*SIZE, 3), np.uint8)
    pixels[..., 2 if label == 0 else 0] = 200
    pixels[0, 0] = (number + 1, 100 if split == "test" else 50, label)
    return pixels


def examples(split: str) -> list[tuple[npt.NDArray[np.uint8], int]]:
    return [(picture(split, label, i), label) for label in range(2) for i in range(COUNTS[split])]


def png(pixels: npt.NDArray[np.uint8], **options: Any) -> bytes:
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG", **options)
    return buffer.getvalue()


def write_class_folders(folder: Path, split: str = "train") -> str:
    for i, (pixels, label) in enumerate(examples(split)):
        (folder / CLASSES[label]).mkdir(parents=True, exist_ok=True)
        (folder / CLASSES[label] / f"{i:02}.png").write_bytes(png(pixels))
    return str(folder)


def write_folder(folder: Path) -> str:
    for split in COUNTS:
        write_class_folders(folder / split, split)
    return str(folder)


def write_csv(folder: Path) -> str:
    write_folder(folder / "images")
    with (folder / "table.csv").open("w", newline="") as file:
        table = csv.writer(file)
        table.writerow(["path", "label", "split"])
        for image in sorted((folder / "images").rglob("*.png")):
            path = image.relative_to(folder)
            table.writerow([path.as_posix(), path.parts[2], path.parts[1]])
    return f"csv:{folder / 'table.csv'}"


def write_npz(folder: Path) -> str:
    folder.mkdir(parents=True, exist_ok=True)
    arrays: dict[str, npt.NDArray[np.generic]] = {"class_names": np.array(CLASSES)}
    for split in COUNTS:
        arrays[f"x_{split}"] = np.stack([pixels for pixels, _ in examples(split)])
        arrays[f"y_{split}"] = np.array([label for _, label in examples(split)])
    np.savez_compressed(folder / "arrays.npz", **arrays)  # type: ignore[arg-type]
    return f"npz:{folder / 'arrays.npz'}"


def write_hf(folder: Path) -> str:
    import datasets

    features = datasets.Features({"picture": datasets.Image(), "label": datasets.ClassLabel(names=list(CLASSES))})
    rows = {
        split: datasets.Dataset.from_dict(
            {
                "picture": [{"bytes": png(pixels), "path": None} for pixels, _ in examples(split)],
                "label": [label for _, label in examples(split)],
            },
            features=features,
        )
        for split in COUNTS
    }
    datasets.DatasetDict(rows).save_to_disk(str(folder))
    return f"hf:{folder}"


def prepare(
    data_dir: Path,
    dataset: str,
    features: Callable[[Any], Mapping[str, Any]],
    records: Mapping[str, Sequence[Mapping[str, Any]]],
    file_format: str = "array_record",
) -> Path:
    """A data set as tfds itself writes it (images that are encoded already need no TensorFlow); its folder.

    Args:
        data_dir: where to prepare it.
        dataset: NAME[/CONFIG]:VERSION.
        features: the columns, made of what tensorflow_datasets.features offers.
        records: those of each split; images are given as encoded files.
        file_format: the format of the records.
    """
    import tensorflow_datasets as tfds

    full_name, _, version = dataset.partition(":")
    name, _, config = full_name.partition("/")

    class Builder(tfds.core.GeneratorBasedBuilder, skip_registration=True):
        VERSION = tfds.core.Version(version)
        BUILDER_CONFIGS = [tfds.core.BuilderConfig(name=config)] if config else []
        code_path = None

        def _info(self) -> "tfds.core.DatasetInfo":
            return tfds.core.DatasetInfo(builder=self, features=tfds.features.FeaturesDict(features(tfds.features)))

        def _split_generators(self, dl_manager: object) -> dict[str, object]:
            return {split: enumerate(some) for split, some in records.items()}

        def _generate_examples(self) -> None: ...

    Builder.name = name
    Builder(data_dir=str(data_dir), file_format=file_format).download_and_prepare()
    return data_dir / full_name / version


def write_tfds(folder: Path, dataset: str = "colours:1.0.0") -> str:
    records = {s: [{"image": io.BytesIO(png(p)), "label": y} for p, y in examples(s)] for s in COUNTS}
    return f"tfds:{prepare(folder, dataset, labelled_images, records)}"


def labelled_images(features: Any) -> dict[str, Any]:
    return {"image": features.Image(shape=(None, None, 3)), "label": features.ClassLabel(names=list(CLASSES))}


def write_papers(folder: Path) -> str:
    write_tfds(folder, "cmaterdb/bangla:1.0.0")
    return f"papers:cmaterdb/bangla@{folder}"


WRITERS = {
    "folder": write_folder, "csv": write_csv, "npz": write_npz, "hf": write_hf, "tfds": write_tfds,
    "papers": write_papers,
}  # fmt: skip
