"""A path on its own: a folder with all that it needs, to be read without ramet and taken in by any system.

README.md                        the model card
path.json                        the path: architecture, components with their digests, hyperparameters, measurements
task.json                        the task: classes, source, splits
agent.json                       the method that made it, where that is known
components/NAME.safetensors      a component; the SHA-256 of the file is its digest
momentum/NAME.safetensors        the optimiser's momentum for it, where there is one
"""

import json
import os
import re
import secrets
import shutil
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path as FilePath

from ramet.base.errors import ObjectError, StoreError
from ramet.base.files import TEMPORARY, refusals, write_whole
from ramet.base.records import Commit, Path, Task, content_id
from ramet.store.catalog.agents import Agent
from ramet.store.catalog.codec import read_path, read_task, task_record
from ramet.store.exchange.card import card
from ramet.store.exchange.parcel import agent_json, agent_of_json, path_json
from ramet.store.folder import Store
from ramet.store.objects import digest_of
from ramet.vit import spec

_COMPONENT = re.compile(r"[a-z_]+(\.[0-9]+)?")
_AGAIN = "export the path again, or bring the folder back from a copy"


@dataclass(frozen=True, slots=True)
class Bundle:
    """A path on its own, as it was read: files are those of its objects, by digest."""

    folder: FilePath
    task: Task
    path: Path
    agent: Agent | None
    files: Mapping[str, FilePath]


def write_bundle(
    store: Store, task: Task, path: Path, lineage: Sequence[Path], agent: Agent | None, folder: FilePath
) -> int:
    """Write a path into a new folder, which is there wholly or not at all, and return the bytes of its objects.

    Raises:
        StoreError: the folder holds something, or cannot be written.
        ObjectError: an object of the path is missing or damaged.
    """
    with refusals(f"cannot write {folder}"):
        if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
            raise StoreError(f"{folder} is there already", "name a new folder, or an empty one")
        folder.parent.mkdir(parents=True, exist_ok=True)
        draft = folder.with_name(f".{folder.name}.{secrets.token_hex(4)}{TEMPORARY}")
        draft.mkdir()
        try:
            size = 0
            for digest, name in _files(path):
                data = store.objects.read(digest)
                size += len(data)
                write_whole(draft / name, data)
            records = {"path": path_json(path), "task": task_record(task)}
            for name, record in (records | ({} if agent is None else {"agent": agent_json(agent)})).items():
                write_whole(draft / f"{name}.json", (json.dumps(record, indent=2, sort_keys=True) + "\n").encode())
            write_whole(draft / "README.md", card(task, path, lineage, size).encode())
            os.replace(draft, folder)
        except BaseException:
            shutil.rmtree(draft, ignore_errors=True)
            raise
    return size


def read_bundle(folder: FilePath) -> Bundle:
    """Read what write_bundle wrote, and make sure that it is whole and a path that can run.

    Raises:
        StoreError: there is no exported path, or it was altered.
        ObjectError: a component is missing, damaged or of another shape.
    """
    try:
        path, task = read_path(_text(folder, "path")), read_task(_text(folder, "task"))
        agent = agent_of_json(json.loads(_text(folder, "agent"))) if (folder / "agent.json").exists() else None
        found = path.identified().id
    except (KeyError, TypeError, ValueError) as error:
        raise StoreError(f"{folder} holds records that are none of ramet's ({error})", _AGAIN) from error
    if found != path.id or path.task != task.name or (agent is not None and agent.id != path.agent):
        raise StoreError(f"{folder / 'path.json'} is not as it was written", _AGAIN)
    if not all(_COMPONENT.fullmatch(component.name) for component in path.components):
        raise StoreError(f"{folder / 'path.json'} names a component that no path has", _AGAIN)
    bundle = Bundle(folder, task, path, agent, {digest: folder / name for digest, name in _files(path)})
    for digest in bundle.files:
        bundle_object(bundle, digest)
    _check_shapes(bundle)
    return bundle


def bundle_object(bundle: Bundle, digest: str) -> bytes:
    """Return the bytes of one of a bundle's objects, compared with its name."""
    file = bundle.files[digest]
    try:
        data = file.read_bytes()
    except OSError as error:
        raise ObjectError(f"{file} cannot be read: {error.strerror}", _AGAIN) from error
    if digest_of(data) != digest:
        raise ObjectError(f"{file} is damaged: its hash is not {digest}", _AGAIN)
    return data


def take_bundle(store: Store, bundle: Bundle, name: str, branch: str) -> Commit:
    """Publish a bundle's path as a task's, by one commit; the task is added if it is not there.

    Raises:
        InvalidValue: there is a task of that name with other classes.
        Busy: somebody works on the task.
    """
    catalog = store.catalog
    path, agent = _renamed(bundle, name)
    if path.parent is not None and not catalog.exchange.known_paths([path.parent]):
        path = replace(path, parent=None).identified()
    task = replace(bundle.task, name=name)
    with catalog.leases.hold(name, branch=branch):
        for digest in bundle.files:
            store.objects.write(bundle_object(bundle, digest))
        return catalog.exchange.take_path(task, path, agent, message=f"import {name} ({bundle.path.id})", branch=branch)


def _renamed(bundle: Bundle, name: str) -> tuple[Path, Agent | None]:
    """Return the path and its agent, as those of a task of another name."""
    path, agent, before = bundle.path, bundle.agent, bundle.task.name
    if name == before:
        return path, agent
    made_by = content_id({"agent": path.agent, "task": name})
    components = tuple(replace(c, task=name) if c.task == before else c for c in path.components)
    path = replace(path, task=name, components=components, agent=made_by).identified()
    return path, None if agent is None else replace(agent, id=made_by, task=name)


def _files(path: Path) -> Iterator[tuple[str, str]]:
    """Return the objects of a path and their files' names in a bundle."""
    for component in path.components:
        yield component.digest, f"components/{component.name}.safetensors"
        if component.momentum is not None:
            yield component.momentum, f"momentum/{component.name}.safetensors"


def _text(folder: FilePath, name: str) -> bytes:
    file = folder / f"{name}.json"
    try:
        with refusals(f"cannot read {file}"):
            return file.read_bytes()
    except StoreError as error:
        if isinstance(error.__cause__, (FileNotFoundError, NotADirectoryError)):
            problem = f"{folder} holds no exported path: there is no {name}.json"
            raise StoreError(problem, "name a folder that `ramet export` wrote") from None
        raise


def _check_shapes(bundle: Bundle) -> None:
    """Make sure that the tensors are those of the path's architecture."""
    path = bundle.path
    dimensions = spec.dimensions(path.hyperparameters, len(bundle.task.classes))
    for component in path.components:
        try:
            wanted = {n: tuple(s) for n, s in spec.shapes(path.architecture, component.name, dimensions).items()}
            same = _shapes(bundle_object(bundle, component.digest)) == wanted
        except ValueError:
            same = False
        if not same:
            raise ObjectError(f"{bundle.files[component.digest]} is no {component.name} of this architecture", _AGAIN)


def _shapes(data: bytes) -> dict[str, tuple[int, ...]]:
    """Return the shapes of an object's tensors, by its header."""
    length = int.from_bytes(data[:8], "little")
    header = json.loads(data[8 : 8 + length])
    return {name: tuple(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__"}
