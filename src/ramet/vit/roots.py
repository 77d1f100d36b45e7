"""The roots a system can start from: random transformers, and checkpoints in the formats people have them in."""

from dataclasses import dataclass

from torch import Tensor

from ramet.records import Architecture


@dataclass(frozen=True, slots=True)
class Root:
    """A transformer without a head, as the components of a root path.

    origin says where the tensors came from; untrained is true of random ones.
    """

    name: str
    architecture: Architecture
    tensors: dict[str, dict[str, Tensor]]
    untrained: bool
    origin: str


def load_root(spec: str, seed: int = 0) -> Root:
    """The root that a user named.

    Args:
        spec: `random:vit_tiny_patch16[@SIZE[xLAYERS]]`, `hf:REPO[@REVISION]`, or the path of a `.safetensors` file,
            an AugReg `.npz` or a folder.
        seed: of a random root's draws.

    Raises:
        UnknownName: no such root, file or folder.
        CheckpointError: it is there and is not a plain vision transformer.
    """
    raise NotImplementedError
