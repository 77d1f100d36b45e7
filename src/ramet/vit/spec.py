"""Which components a path of given hyperparameters needs, with their shapes, sizes and cost. No tensors, no torch."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import prod

from ramet.base.records import Architecture, Value

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]

STEM = ("patch_embed", "cls_token", "pos_embed")

INSERTED = {"adapter": "adapter_width", "lora": "lora_rank"}
"""The kinds that a layer may have or not, as they stand before its block; and the hyperparameter that sizes each."""


def kind(name: str) -> str:
    """The kind of a component: `block` of `block.3`."""
    return name.partition(".")[0]


def index(name: str) -> int:
    """The layer of a component: 3 of `block.3`."""
    return int(name.partition(".")[2])


def component_names(layers: int, inserted: Iterable[str] = ()) -> tuple[str, ...]:
    """The names of a path's components, in the order the input meets them.

    Args:
        layers: the number of transformer blocks.
        inserted: what there is of the kinds INSERTED, by name: `adapter.0`; those of layers not there are left out.
    """
    there = set(inserted)
    body: list[str] = []
    for i in range(layers):
        body += [name for name in (f"{k}.{i}" for k in INSERTED) if name in there]
        body.append(f"block.{i}")
    return (*STEM, *body, "norm", "head")


def dimensions(hyperparameters: Mapping[str, Value], classes: int) -> dict[str, int]:
    """What sizes a path's components beside its architecture: the arguments of shapes, size and flops."""
    return {
        "image_size": int(hyperparameters["data.image_size"]),
        "adapter_width": int(hyperparameters.get("adapter_width", 0)),
        "lora_rank": int(hyperparameters.get("lora_rank", 0)),
        "classes": classes,
    }


def tokens(architecture: Architecture, image_size: int) -> int:
    """Tokens of one image, the class token included."""
    return (image_size // architecture.patch_size) ** 2 + 1


def shapes(
    architecture: Architecture, name: str, *, image_size: int, adapter_width: int, classes: int, lora_rank: int = 0
) -> Shapes:
    """The tensors of a component and their shapes."""
    d, m, p = architecture.width, architecture.mlp_width, architecture.patch_size
    match kind(name):
        case "patch_embed":
            return {"weight": (d, 3, p, p), "bias": (d,)}
        case "cls_token":
            return {"value": (1, 1, d)}
        case "pos_embed":
            return {"value": (1, tokens(architecture, image_size), d)}
        case "adapter":
            return {
                "norm.weight": (d,), "norm.bias": (d,),
                "down.weight": (adapter_width, d), "down.bias": (adapter_width,),
                "up.weight": (d, adapter_width), "up.bias": (d,),
            }  # fmt: skip
        case "lora":
            return {
                "q.down.weight": (lora_rank, d), "q.up.weight": (d, lora_rank),
                "v.down.weight": (lora_rank, d), "v.up.weight": (d, lora_rank),
            }  # fmt: skip
        case "block":
            return {
                "norm1.weight": (d,), "norm1.bias": (d,),
                "attn.qkv.weight": (3 * d, d), "attn.qkv.bias": (3 * d,),
                "attn.proj.weight": (d, d), "attn.proj.bias": (d,),
                "norm2.weight": (d,), "norm2.bias": (d,),
                "mlp.fc1.weight": (m, d), "mlp.fc1.bias": (m,),
                "mlp.fc2.weight": (d, m), "mlp.fc2.bias": (d,),
            }  # fmt: skip
        case "norm":
            return {"weight": (d,), "bias": (d,)}
        case "head":
            return {"weight": (classes, d), "bias": (classes,)}
        case _:
            raise ValueError(f"no component is called {name!r}")


def size(architecture: Architecture, name: str, **dimensions: int) -> int:
    """The number of parameters of a component."""
    return sum(prod(shape) for shape in shapes(architecture, name, **dimensions).values())


def component_flops(
    architecture: Architecture, name: str, *, image_size: int, adapter_width: int, classes: int, lora_rank: int = 0
) -> int:
    """FLOPs of a component in one forward pass of one image: two a multiply-add of its matrix products.

    Normalisation, biases, activations and the softmax are not counted, as is the custom (torch's FlopCounterMode too).
    """
    t, d, m, p = (
        tokens(architecture, image_size), architecture.width, architecture.mlp_width, architecture.patch_size,
    )  # fmt: skip
    match kind(name):
        case "patch_embed":
            return 2 * (t - 1) * 3 * p * p * d
        case "adapter":
            return 2 * t * 2 * d * adapter_width
        case "lora":
            return 2 * t * 4 * d * lora_rank
        case "block":
            return 2 * t * (4 * d * d + 2 * d * m) + 2 * 2 * t * t * d
        case "head":
            return 2 * d * classes
        case _:
            return 0


def flops(architecture: Architecture, names: Iterable[str], **dimensions: int) -> int:
    """FLOPs of one forward pass of one image through a path of these components (METHOD section 6)."""
    return _flops(architecture, tuple(names), **dimensions)


@lru_cache(maxsize=1024)  # a system's paths differ in little of this
def _flops(architecture: Architecture, names: tuple[str, ...], **dimensions: int) -> int:
    return sum(component_flops(architecture, name, **dimensions) for name in names)
