"""The root that a name means: what checkpoints hold, what is drawn at random, or what another system has learned."""

from dataclasses import replace
from pathlib import Path as FilePath

from ramet.base.errors import UnknownName
from ramet.store.folder import open_store
from ramet.store.versions.refs import current_branch
from ramet.vit.network import plain
from ramet.vit.roots import Root, load_root


def root_of(spec: str, seed: int) -> Root:
    """Return the root of a name.

    Args:
        spec: as for vit.roots, or `system:DIR:TASK`, the path that a system has published for a task, without its head.
        seed: of a random root's draws.

    Raises:
        UnknownName, InvalidValue, StoreError, CheckpointError: there is no such root, or it cannot be used.
    """
    scheme, _, rest = spec.partition(":")
    if scheme != "system":
        return load_root(spec, seed)
    folder, colon, task = rest.rpartition(":")
    if not colon:
        raise UnknownName(f"no root is called {spec!r}", "name the system's folder and a task of it: system:DIR:TASK")
    store = open_store(FilePath(folder).expanduser().resolve())
    path = store.catalog.versions.published_path(current_branch(store.folder), task)
    if path is None:
        store.catalog.tasks.get(task)
        raise UnknownName(f"task {task!r} has no path yet", f"learn it first: `ramet evolve {task}`")
    layers, image_size = (int(path.hyperparameters[name]) for name in ("layers", "data.image_size"))
    shape = replace(path.architecture, layers=layers, image_size=image_size)
    parts = {c.name: store.objects.get(c.digest) for c in path.components if c.name != "head"}
    return Root(f"{task}@{path.id}", shape, plain(parts), False, f"{spec} ({path.id})")
