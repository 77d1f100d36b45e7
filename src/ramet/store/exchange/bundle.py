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
from ramet.store.catalog import rows
from ramet.store.catalog.agents import Agent
from ramet.store.catalog.codec import path_json, read_path, read_task, task_record
from ramet.store.catalog.schema import paths
from ramet.store.exchange.parcel import add_agent, add_task, agent_json, agent_of_json
from ramet.store.folder import Store
from ramet.store.objects import digest_of
from ramet.store.versions import commits as versions
from ramet.vit import spec

_COMPONENT = re.compile(r"[a-z_]+(\.[0-9]+)?")
_AGAIN = "export the path again, or bring the folder back from a copy"
_CLASSES = 20  # how many classes the card names; task.json has all


@dataclass(frozen=True, slots=True)
class Bundle:
    """A path on its own, as it was read: files are those of its objects, by digest."""

    folder: FilePath
    task: Task
    path: Path
    agent: Agent | None
    files: Mapping[str, FilePath]


def write_bundle(store: Store, path: Path, folder: FilePath) -> int:
    """Write a task's path into a new folder, which is there wholly or not at all, and return the bytes of its objects.

    Raises:
        StoreError: the folder holds something, or cannot be written.
        ObjectError: an object of the path is missing or damaged.
    """
    catalog = store.catalog
    task, lineage = catalog.tasks.get(path.task or ""), catalog.paths.ancestors(path.id)[::-1]
    agent = next((agent for agent in catalog.agents.all(task.name) if agent.id == path.agent), None)
    records = {"path": path_json(path), "task": task_record(task)}
    if agent is not None:
        records["agent"] = agent_json(agent)
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
            for name, record in records.items():
                write_whole(draft / f"{name}.json", (json.dumps(record, indent=2, sort_keys=True) + "\n").encode())
            write_whole(draft / "README.md", _card(task, path, lineage, size).encode())
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
    catalog, task = store.catalog, replace(bundle.task, name=name)
    path, agent = _renamed(bundle, name)
    message = f"import {name} ({bundle.path.id})"
    with catalog.leases.hold(name, branch=branch):
        for digest in bundle.files:
            store.objects.write(bundle_object(bundle, digest))
        with catalog.database.writing() as connection:
            if path.parent is not None and not rows.there(connection, paths.c.id, [path.parent]):
                path = replace(path, parent=None).identified()
            add_task(connection, task, same_images=False)
            rows.put_paths(connection, [path])
            if agent is not None:
                add_agent(connection, agent, base=versions.head_id(connection, branch))
            commit = catalog.versions.move(connection, branch, {name: path.id}, message, path.method)
            versions.bring_back(connection, branch)
    return commit


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
    with refusals(f"cannot read {file}"):
        try:
            return file.read_bytes()
        except (FileNotFoundError, NotADirectoryError):
            problem = f"{folder} holds no exported path: there is no {name}.json"
            raise StoreError(problem, "name a folder that `ramet export` wrote") from None


def _check_shapes(bundle: Bundle) -> None:
    """Make sure that the tensors are those of the path's architecture."""
    path = bundle.path
    dimensions = spec.dimensions(path.hyperparameters, len(bundle.task.classes))
    for component in path.components:
        data = bundle_object(bundle, component.digest)
        try:
            header = json.loads(data[8 : 8 + int.from_bytes(data[:8], "little")])
            found = {name: tuple(tensor["shape"]) for name, tensor in header.items() if name != "__metadata__"}
            wanted = spec.shapes(path.architecture, component.name, dimensions)
            same = found == {name: tuple(shape) for name, shape in wanted.items()}
        except ValueError:
            same = False
        if not same:
            raise ObjectError(f"{bundle.files[component.digest]} is no {component.name} of this architecture", _AGAIN)


def _card(task: Task, path: Path, lineage: Sequence[Path], size: int) -> str:
    """Return the model card, as Markdown; lineage is what the path descends from, root first, itself last."""

    def percent(share: float | None) -> str:
        return "not measured" if share is None else f"{100 * share:.1f} %"

    def step(path: Path) -> str:
        quality = path.metrics.get("quality")
        measured = "" if quality is None else f", validation accuracy {percent(quality)}"
        return f"- `{path.id}` {'root' if path.task is None else path.task}{measured}"

    classes = ", ".join(name.replace("|", r"\|") for name in task.classes[:_CLASSES])
    if len(task.classes) > _CLASSES:
        classes += f", … ({len(task.classes) - _CLASSES} more in `task.json`)"
    layers, pixels = path.hyperparameters["layers"], path.hyperparameters["data.image_size"]
    facts = {
        "task": f"`{task.name}`: {len(task.classes)} classes",
        "classes": classes,
        "validation accuracy": percent(path.metrics.get("quality")),
        "test accuracy": percent(path.metrics.get("test_quality")),
        "data": f"`{task.source}` ({', '.join(f'{n:,} {split}' for split, n in task.splits.items())})",
        "model": f"vision transformer, layers: {layers}, width {path.architecture.width}, images of {pixels} pixels",
        "parameters": f"{path.params:,}, of which {path.trained_params:,} were trained for this task",
        "method": path.method or "a root",
        "size": f"{size / 1e6:.1f} MB, momentum included",
        "path": f"`{path.id}`",
    }
    listed = "\n".join(f"| {name} | {value} |" for name, value in facts.items())
    return _CARD.format(task=task.name, rows=listed, lineage="\n".join(step(one) for one in lineage))


_CARD = """---
library_name: ramet
pipeline_tag: image-classification
tags:
- vision-transformer
- image-classification
---

# {task}

An image classifier: one path of a [ramet](https://arxiv.org/abs/2209.07326) system, with all that it needs.

| | |
| --- | --- |
{rows}

## Use with ramet

```python
import ramet

system = ramet.init("colony")  # or ramet.open(...) of one that you have
system.store.import_task(".", name="{task}")  # this folder

for found in system.predict("{task}", ["image.png"]):
    print(found.image, found.label, f"{{found.probability:.1%}}")
    for name, probability in found.probabilities[:5]:
        print(f"  {{name}}: {{probability:.1%}}")
```

On the command line: `ramet import DIR`, then `ramet predict {task} image.png`.

## Use without ramet

Each component is a safetensors file whose SHA-256 is its digest in `path.json`; `task.json` has the classes in the
order of the head's outputs.

```python
import json
from safetensors.torch import load_file

path = json.load(open("path.json"))
tensors = {{c["name"]: load_file(f"components/{{c['name']}}.safetensors") for c in path["components"]}}
```

The components are in the order in which the input meets them: patch embedding, class token, position embedding, blocks
(attention and a perceptron, each after a layer norm and beside a skip connection; adapters, if there are any, before
their block), norm, head. A `lora.i` is no step of its own: `up @ down` is added to the weights of the queries (`q`) and
values (`v`) of block i, which are the first and the last third of `attn.qkv.weight`. The
shapes of the tensors follow from `architecture` and `hyperparameters`. `momentum/` is needed only to go on with
training.

## Lineage

{lineage}
"""
