"""Which components a path of given hyperparameters needs, with their shapes, sizes and cost. No tensors, no torch."""

from collections.abc import Iterable, Mapping
from functools import lru_cache
from math import prod

from ramet.records import Architecture

Shape = tuple[int, ...]
Shapes = Mapping[str, Shape]

STEM = ("patch_embed", "cls_token", "pos_embed")


def kind(name: str) -> str:
    """The kind of a component: `block` of `block.3`."""
    return name.partition(".")[0]


def index(name: str) -> int:
    """The layer of a component: 3 of `block.3`."""
    return int(name.partition(".")[2])


def component_names(layers: int, adapters: Iterable[int] = ()) -> tuple[str, ...]:
    """The names of a path's components, in the order the input meets them.

    Args:
        layers: the number of transformer blocks.
        adapters: the layers that have an adapter before their block; those of layers not there are left out.
    """
    with_adapter = set(adapters)
    body = [
        name
        for i in range(layers)
        for name in ((f"adapter.{i}", f"block.{i}") if i in with_adapter else (f"block.{i}",))
    ]
    return (*STEM, *body, "norm", "head")


def tokens(architecture: Architecture, image_size: int) -> int:
    """Tokens of one image, the class token included."""
    return (image_size // architecture.patch_size) ** 2 + 1


def shapes(architecture: Architecture, name: str, *, image_size: int, adapter_width: int, classes: int) -> Shapes:
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


def size(architecture: Architecture, name: str, *, image_size: int, adapter_width: int, classes: int) -> int:
    """The number of parameters of a component."""
    parts = shapes(architecture, name, image_size=image_size, adapter_width=adapter_width, classes=classes)
    return sum(prod(shape) for shape in parts.values())


def component_flops(architecture: Architecture, name: str, *, image_size: int, adapter_width: int, classes: int) -> int:
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
        case "block":
            return 2 * t * (4 * d * d + 2 * d * m) + 2 * 2 * t * t * d
        case "head":
            return 2 * d * classes
        case _:
            return 0


def flops(
    architecture: Architecture, names: Iterable[str], *, image_size: int, adapter_width: int, classes: int
) -> int:
    """FLOPs of one forward pass of one image through a path of these components (METHOD section 6)."""
    return _flops(architecture, tuple(names), image_size, adapter_width, classes)


@lru_cache(maxsize=1024)  # a system's paths differ in little of this
def _flops(
    architecture: Architecture, names: tuple[str, ...], image_size: int, adapter_width: int, classes: int
) -> int:
    return sum(
        component_flops(architecture, n, image_size=image_size, adapter_width=adapter_width, classes=classes)
        for n in names
    )
