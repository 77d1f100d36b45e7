"""`ramet init`: a new system."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

import ramet
from ramet.base.text import count, plural
from ramet.cli.options import closed_at_the_end
from ramet.cli.output import say, show


def init(
    folder: Annotated[
        Path, typer.Argument(metavar="DIR", help="Its folder; made if it is missing.", show_default=False)
    ],
    root: Annotated[
        str,
        typer.Option(
            help="The transformer it grows from: random:vit_tiny_patch16@32x3, a timm .safetensors, a Hugging Face ViT "
            "folder, an AugReg .npz, hf:REPO, or system:DIR:TASK.",
            show_default=False,
        ),
    ],
    name: Annotated[str | None, typer.Option(help="Its name.", show_default="the folder's")] = None,
    seed: Annotated[int, typer.Option(help="Of a random root's draws.")] = 0,
    store: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Where its objects are kept: s3://bucket/prefix, or what else fsspec reads.",
            show_default="its folder",
        ),
    ] = None,
    catalog: Annotated[
        str | None,
        typer.Option(
            metavar="URL",
            help="Its catalog in PostgreSQL: postgresql://USER@HOST/NAME, the password in PGPASSWORD or ~/.pgpass.",
            show_default="SQLite in its folder",
        ),
    ] = None,
) -> None:
    """Make a new system."""
    system = closed_at_the_end(ramet.init(folder, root, name=name, seed=seed, store=store, catalog=catalog))
    ((root_name, path),) = system.roots().items()
    shape = path.architecture
    show(
        f"{system.store.folder}: grows from {root_name} "
        f"({count(path.params)} parameters, {plural(shape.layers, 'layer')}, {shape.image_size} pixels)"
    )
    say(f"next: ramet -C {shlex.quote(str(folder))} task add NAME SOURCE")
