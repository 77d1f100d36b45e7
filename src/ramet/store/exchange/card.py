"""The model card of an exported path."""

from collections.abc import Sequence

from ramet.base.records import Path, Task

_CLASSES = 20
"""How many classes the card names; task.json has all."""


def card(task: Task, path: Path, lineage: Sequence[Path], size: int) -> str:
    """Return the card, as Markdown.

    Args:
        task: what the path was trained for.
        path: the path.
        lineage: what it descends from, root first, itself last.
        size: the bytes of its objects.
    """
    layers, pixels = path.hyperparameters["layers"], path.hyperparameters["data.image_size"]
    facts = [
        ("task", f"`{task.name}`: {len(task.classes)} classes"),
        ("classes", _classes(task.classes)),
        ("validation accuracy", _percent(path.metrics.get("quality"))),
        ("test accuracy", _percent(path.metrics.get("test_quality"))),
        ("data", f"`{task.source}` ({', '.join(f'{n:,} {split}' for split, n in task.splits.items())})"),
        ("model", f"vision transformer, layers: {layers}, width {path.architecture.width}, images of {pixels} pixels"),
        ("parameters", f"{path.params:,}, of which {path.trained_params:,} were trained for this task"),
        ("method", path.method or "a root"),
        ("size", f"{size / 1e6:.1f} MB, momentum included"),
        ("path", f"`{path.id}`"),
    ]
    rows = "\n".join(f"| {name} | {value} |" for name, value in facts)
    return _CARD.format(task=task.name, rows=rows, lineage="\n".join(_step(step) for step in lineage))


def _classes(classes: Sequence[str]) -> str:
    named = ", ".join(name.replace("|", r"\|") for name in classes[:_CLASSES])
    return named + (f", … ({len(classes) - _CLASSES} more in `task.json`)" if len(classes) > _CLASSES else "")


def _percent(share: float | None) -> str:
    return "not measured" if share is None else f"{100 * share:.1f} %"


def _step(path: Path) -> str:
    quality = path.metrics.get("quality")
    measured = "" if quality is None else f", validation accuracy {_percent(quality)}"
    return f"- `{path.id}` {'root' if path.task is None else path.task}{measured}"


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
