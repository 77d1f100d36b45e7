"""ramet's own kinds pass, and a broken one is caught by each check."""

from typing import ClassVar

import pytest
import torch

from ramet.extensions import ssf
from ramet.testing import Broken, check_kind
from ramet.vit import kinds

OWN = [
    kinds.find(name) for name in ("patch_embed", "cls_token", "pos_embed", "block", "adapter", "lora", "norm", "head")
]


@pytest.mark.parametrize("kind", [*OWN, kinds.find(ssf.Ssf.name)], ids=lambda kind: kind.name)
def test_every_packaged_kind_passes(kind):
    check_kind(kind)


class Broke(kinds.Kind):
    """A scale after a block, with a fault."""

    place: ClassVar[kinds.Place] = "after"

    def shapes(self, architecture, dimensions):
        return {"weight": (architecture.width,)}

    def run(self, tensors, x, within):
        return x * tensors["weight"]


@kinds.register("broke_double")
class Double(Broke):
    def run(self, tensors, x, within):
        return 2 * x * tensors["weight"]


@kinds.register("broke_free")
class Free(Broke):
    def shapes(self, architecture, dimensions):
        return {"weight": (architecture.width, architecture.width)}

    def draw(self, rng, key, shape):
        return torch.eye(shape[0]).numpy()

    def run(self, tensors, x, within):
        return x @ tensors["weight"]


@kinds.register("broke_writes")
class Writes(Broke):
    def run(self, tensors, x, within):
        with torch.no_grad():
            tensors["weight"].mul_(1.5)
        return x * tensors["weight"]


@kinds.register("broke_deaf")
class Deaf(Broke):
    def run(self, tensors, x, within):
        return x * tensors["weight"].detach()


@kinds.register("broke_silent")
class Silent(Broke):
    silent: ClassVar[tuple[str, ...]] = ("scale",)


@kinds.register("broke_merge")
class Merge(Broke):
    def merged(self, tensors, block):
        return block


@pytest.mark.parametrize(
    ("kind", "what"),
    [
        (Double, "outputs of a path change"), (Free, "FLOPs by the formula"), (Writes, "changes what it was given"),
        (Deaf, "no gradient reaches"), (Silent, "begins with 'scale'"), (Merge, "gives something else than both"),
    ],
)  # fmt: skip
def test_what_is_broken_is_caught(kind, what):
    with pytest.raises(Broken, match=what):
        check_kind(kinds.find(kind.name))
