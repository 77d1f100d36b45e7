"""Tensors that a path did not inherit: a random root's, a new layer's, an inserted component's, a head's.

Linear maps start Xavier-uniform and the patch embedding with variance 1/inputs, as the ViT paper's own code does: with
plain SGD a narrow model trains poorly from the customary normal of 0.02. Every component draws from a generator of its
own, keyed by (seed, name), so one component's draw does not depend on which others a path has.
"""

import torch
from torch import Tensor

from ramet.base.randomness import generator
from ramet.base.records import Architecture
from ramet.vit import kinds, spec
from ramet.vit.kinds import Dimensions


def random_root(architecture: Architecture, seed: int) -> dict[str, dict[str, Tensor]]:
    """Return the components of a root to train from scratch, by name; a root has no head."""
    dimensions = Dimensions(architecture.image_size, classes=0)
    return {name: _drawn(architecture, name, dimensions, seed) for name in spec.root_names(architecture)}


def new_component(architecture: Architecture, name: str, dimensions: Dimensions, *, seed: int) -> dict[str, Tensor]:
    """Return a component that no ancestor has; what is inserted does nothing yet, and a head gives all classes 0.

    Args:
        architecture: the fixed shape of the path's transformer.
        name: the component's.
        dimensions: the path's.
        seed: keys its draws, together with the name.
    """
    silent = kinds.find(name).silent
    drawn = _drawn(architecture, name, dimensions, seed)
    return {key: torch.zeros_like(t) if key.startswith(silent) else t for key, t in drawn.items()}


def _drawn(architecture: Architecture, name: str, dimensions: Dimensions, seed: int) -> dict[str, Tensor]:
    rng, kind = generator(seed, name), kinds.find(name)
    shapes = kind.shapes(architecture, dimensions)
    return {key: torch.from_numpy(kind.draw(rng, key, shape)) for key, shape in shapes.items()}
