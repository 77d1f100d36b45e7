"""The roots a system can start from: random transformers, and checkpoints in the formats that people have them in."""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from importlib import resources
from pathlib import Path

from torch import Tensor

from ramet.base import __version__
from ramet.base.errors import CheckpointError, UnknownName
from ramet.base.records import Architecture, Pool
from ramet.vit import formats
from ramet.vit.checkpoint import Checkpoint
from ramet.vit.initial import random_root

SIZES = {"tiny": (192, 3, 12), "small": (384, 6, 12), "base": (768, 12, 12), "large": (1024, 16, 24)}
"""Width, heads and layers of the sizes that random roots come in."""

PACKAGED = "packaged"
"""The name of the root that comes with ramet."""

_RANDOM = re.compile(r"vit_([a-z]+)_patch([1-9]\d*)(?:@([1-9]\d*)(?:x(\d+))?)?")
_FORMS = "name packaged, random:vit_tiny_patch16@32x3, hf:REPO, or the path of a .safetensors file, an .npz or a folder"
_DOWNLOADED = (
    "config.json", "preprocessor_config.json",
    "model.safetensors", "model-*.safetensors", formats.INDEX, "*.npz",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Root:
    """A transformer without a head, as the components of a root path.

    origin says where the tensors came from; untrained is true of random ones.
    """

    name: str
    architecture: Architecture
    tensors: Mapping[str, Mapping[str, Tensor]]
    untrained: bool
    origin: str


def load_root(spec: str, seed: int = 0) -> Root:
    """Return the root that a user named.

    Args:
        spec: `packaged`, `random:vit_SIZE_patchP[@PIXELS[xLAYERS]]`, `hf:REPO[@REVISION]`, or the path of a
            `.safetensors` file, an AugReg `.npz` or a folder that holds one.
        seed: of a random root's draws.

    Raises:
        UnknownName: there is no such root, file or folder.
        CheckpointError: what is there is not a plain vision transformer, or cannot be downloaded.
    """
    if spec == PACKAGED:
        with resources.as_file(resources.files("ramet.vit") / "packaged.safetensors") as file:
            return Root(PACKAGED, *_read(file).root(), False, f"{PACKAGED}, ramet {__version__}")
    scheme, _, rest = spec.partition(":")
    if scheme == "random":
        return _random(rest, seed)
    if scheme == "hf":
        repository, _, revision = rest.partition("@")
        folder = _downloaded(repository, revision or None)
        return Root(repository, *_read(folder).root(), False, f"hf:{repository}@{folder.name}")
    path = Path(spec).expanduser()
    if not path.exists():
        raise UnknownName(f"no root is called {spec!r}, and no file or folder", _FORMS)
    path = path.resolve()
    return Root(path.name if path.is_dir() else path.stem, *_read(path).root(), False, spec)


def _random(name: str, seed: int) -> Root:
    match = _RANDOM.fullmatch(name)
    if not match or match[1] not in SIZES:
        sizes = ", ".join(SIZES)
        raise UnknownName(f"no random root is called {name!r}", f"name vit_SIZE_patch16@32x3, SIZE one of {sizes}")
    width, heads, depth = SIZES[match[1]]
    patch_size, image_size, layers = int(match[2]), int(match[3] or 224), int(match[4] or depth)
    if image_size % patch_size:
        problem = f"random root {name!r}: patches of {patch_size} do not divide images of {image_size} pixels"
        raise UnknownName(problem, f"take a multiple of {patch_size}, such as @{4 * patch_size}")
    pool: Pool = "cls" if layers else "mean"  # without a layer, the class token has seen nothing of the image
    architecture = Architecture(patch_size, width, heads, 4 * width, layers, image_size, pool)
    return Root(name, architecture, random_root(architecture, seed), True, f"random:{name}, seed {seed}")


def _read(path: Path) -> Checkpoint:
    folder = path if path.is_dir() else path.parent
    if formats.is_huggingface(folder) and (path.is_dir() or path.name == formats.WEIGHTS):
        return formats.read_huggingface(folder)
    file = _only_file(path) if path.is_dir() else path
    if file.suffix == ".safetensors":
        return formats.read_timm(file)
    if file.suffix == ".npz":
        return formats.read_augreg(file)
    remedy = "convert it with safetensors.torch.save_file, or take a .safetensors or AugReg .npz file"
    raise CheckpointError(f"{file} is not a format that ramet reads: pickled weights can run code", remedy)


def _only_file(folder: Path) -> Path:
    """Return the one file of weights in a folder; one of the formats that ramet refuses only if there is no other."""
    for pattern in ("*.safetensors", "*.npz", "*.bin", "*.pt*"):
        match sorted(folder.glob(pattern)):
            case [file]:
                return file
            case [_, *_] as files:
                raise CheckpointError(f"{folder} holds {len(files)} files {pattern}", "name one of them")
    remedy = "take one with a .safetensors or an AugReg .npz file"
    raise CheckpointError(f"{folder} holds no weights that ramet reads", remedy)


def _downloaded(repository: str, revision: str | None) -> Path:
    from huggingface_hub import snapshot_download
    from huggingface_hub.errors import HFValidationError

    try:
        return Path(snapshot_download(repository, revision=revision, allow_patterns=list(_DOWNLOADED)))
    except (OSError, HFValidationError) as error:  # whatever the hub or the network refuses is an OSError
        problem = f"hf:{repository} cannot be downloaded ({str(error).splitlines()[0]})"
        remedy = "check its name and the network, or download it elsewhere and name its folder"
        raise CheckpointError(problem, remedy) from error
