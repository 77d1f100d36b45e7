"""Making a system, and opening one."""

from pathlib import Path as FilePath

from ramet.base.records import Component, Path
from ramet.store.folder import create, open_store
from ramet.system.facade import System


def init(
    directory: str | FilePath,
    root: str = "packaged",
    *,
    name: str | None = None,
    seed: int = 0,
    store: str | None = None,
    catalog: str | None = None,
) -> System:
    """Make a system, and open it.

    Args:
        directory: its folder; made if it is missing, and must hold nothing else.
        root: the transformer that it grows from: `packaged`, ramet's own; `random:vit_tiny_patch16@32x3`, a timm
            `.safetensors`, a Hugging Face ViT folder, an AugReg `.npz`, `hf:REPO`, or `system:DIR:TASK`, the path of
            another system's task.
        name: of the system; its folder's by default.
        seed: of a random root's draws.
        store: the URL of the place where its objects are kept, such as `s3://bucket/prefix`; its folder by default.
        catalog: the URL of a PostgreSQL database for its catalog, without a password; by default it is in its folder.

    Raises:
        InvalidValue: the catalog's URL is none, or has a password.
        StoreError: the folder holds a system or other files, or cannot be written, or the store or the catalog is in
            use or cannot be reached.
        UnknownName, CheckpointError: there is no such root, or it cannot be used.
    """
    from ramet.base.randomness import check_seed
    from ramet.evolution.roots import root_of

    check_seed(seed)
    folder = FilePath(directory).expanduser().resolve()
    loaded = root_of(root, seed)
    with create(folder, name or folder.name, objects=store, catalog=catalog) as made:
        components = tuple(
            Component(
                name=component,
                digest=made.objects.put(tensors),
                size=sum(t.numel() for t in tensors.values()),
                untrained=loaded.untrained,
            )
            for component, tensors in loaded.tensors.items()
        )
        shape = loaded.architecture
        hyperparameters = {"layers": shape.layers, "data.image_size": shape.image_size}
        path = Path("", None, shape, components, hyperparameters, agent="root").identified()
        made.catalog.paths.add_root(loaded.name, path)
    return open(folder)


def open(directory: str | FilePath = ".", branch: str | None = None) -> System:
    """Open the system of a folder.

    Args:
        directory: the folder.
        branch: what is done and said is on this branch; by default on the one that the folder is on (see switch).

    Raises:
        StoreError: there is none, or it was made by a newer ramet, or it cannot be read.
        UnknownName: there is no such branch.
    """
    return System(open_store(FilePath(directory).expanduser().resolve()), branch)
