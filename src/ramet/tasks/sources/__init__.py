"""Task sources by name: a folder, `csv:FILE`, `npz:FILE`, `hf:NAME`, `tfds:NAME`, `papers:NAME`, `demo:NAME`."""

import inspect
from collections.abc import Callable
from pathlib import Path
from typing import Any

from ramet.base.errors import DataError, InvalidValue, UnknownName
from ramet.base.text import did_you_mean
from ramet.tasks.sources.base import Content, Example, Source, checked, untrained_labels
from ramet.tasks.sources.csv_file import CsvSource
from ramet.tasks.sources.demo import DemoSource
from ramet.tasks.sources.folder import FolderSource
from ramet.tasks.sources.huggingface import HuggingFaceSource
from ramet.tasks.sources.npz_file import NpzSource
from ramet.tasks.sources.papers import PapersSource
from ramet.tasks.sources.tensorflow_datasets import TfdsSource

__all__ = ["KINDS", "Content", "Example", "Source", "open_source"]

KINDS: dict[str, Callable[..., Source]] = {
    "folder": FolderSource.open,
    "csv": CsvSource.open,
    "npz": NpzSource.open,
    "hf": HuggingFaceSource.open,
    "tfds": TfdsSource.open,
    "papers": PapersSource.open,
    "demo": DemoSource.open,
}
"""What opens each kind of source: a function of what stands behind the colon and of the kind's own options."""


def open_source(text: str | Path, **options: Any) -> Source:
    """Open what a user names: `KIND:REST`, or the path of a folder, a .csv or an .npz file.

    Raises:
        UnknownName: no such kind of source.
        InvalidValue: an option that the kind of source does not have.
        DataError: the data is not there or cannot make a task.
    """
    path, choices = Path(text).expanduser(), ", ".join(f"{kind}:" for kind in KINDS)
    kind, colon, rest = str(text).partition(":")
    if path.exists() or not colon:
        kind, rest = "folder" if path.is_dir() else path.suffix.lower().removeprefix("."), str(text)
        if kind not in ("folder", "csv", "npz"):
            fault = "is neither a folder nor a .csv or .npz file" if path.exists() else "does not exist"
            raise DataError(f"{text} {fault}", f"name a folder, a .csv or .npz file, or one of {choices}")
    if kind not in KINDS:
        raise UnknownName(f"{kind!r} is no kind of task source", f"use a path or one of {choices}")
    known = list(inspect.signature(KINDS[kind]).parameters)[1:]
    for option in options:
        if option not in known:
            remedy = did_you_mean(option, known) if known else "it takes no options"
            raise InvalidValue(f"{option!r} is no option of a {kind} source", remedy)
    opened = KINDS[kind](rest, **options)
    # The papers' splits are as they are: 800 images of VTAB-1k cannot show all of up to 397 classes.
    return checked(opened, untrained_labels(opened) if kind == "papers" else ())
