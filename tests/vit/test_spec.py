from collections.abc import Iterable, Mapping
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from ramet.base.errors import UnknownName
from ramet.base.records import Architecture
from ramet.extensions import ssf
from ramet.vit import spec
from ramet.vit.kinds import Dimensions
from ramet.vit.network import forward

TINY = Architecture(patch_size=16, width=192, heads=3, mlp_width=768, layers=12, image_size=224)
BASE = Architecture(patch_size=16, width=768, heads=12, mlp_width=3072, layers=12, image_size=224)


@st.composite
def architectures(draw: st.DrawFn) -> Architecture:
    heads, head_width, patch_size = (draw(st.integers(1, n)) for n in (4, 8, 5))
    return Architecture(
        patch_size=patch_size,
        width=heads * head_width,
        heads=heads,
        mlp_width=draw(st.integers(1, 40)),
        layers=draw(st.integers(0, 3)),
        image_size=patch_size * draw(st.integers(1, 4)),
        pool=draw(st.sampled_from(["cls", "mean"])),
    )


INSERTED = ("adapter", "lora", ssf.Ssf.name)


def sized(image_size: int, classes: int, **sizes: int) -> Dimensions:
    return spec.dimensions({"data.image_size": image_size, **sizes}, classes)


def inserted(layered: Mapping[str, Iterable[int]]) -> list[str]:
    return [f"{kind}.{i}" for kind, layers in layered.items() for i in layers]


def counted(architecture: Architecture, names: tuple[str, ...], sizes: Dimensions) -> int:
    """FLOPs as torch counts them, on the meta device: on a CPU it counts attention as 0."""
    parts = {
        name: {k: torch.empty(s, device="meta") for k, s in spec.shapes(architecture, name, sizes).items()}
        for name in names
    }
    images = torch.empty(1, 3, sizes.image_size, sizes.image_size, device="meta")
    with FlopCounterMode(display=False) as counter:
        forward(replace(architecture, pool="mean"), parts, images)  # which spares nothing of the last block
    return counter.get_total_flops()


@pytest.mark.parametrize(
    ("architecture", "layers", "params"),
    [(TINY, 3, 1_484_162), (BASE, 12, 85_668_866)],
)
def test_parameters_of_known_paths(architecture, layers, params):
    """Ti/16 of 3 layers at 32 pixels with 2 classes is the papers' P of the characters benchmark (METHOD section 7)."""
    sizes = Dimensions(32 if architecture is TINY else 80, 2)
    names = spec.component_names(layers)
    assert sum(spec.size(architecture, n, sizes) for n in names) == params


def test_components_stand_in_the_order_that_the_input_meets_them():
    assert spec.component_names(2, ["ssf.0", "adapter.1", "lora.0", "lora.1", "lora.9", "adapter.7"]) == (
        "patch_embed", "cls_token", "pos_embed", "lora.0", "block.0", "ssf.0", "adapter.1", "lora.1", "block.1",
        "norm", "head",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["body.0", "", "heads"])
def test_a_mistyped_component_is_an_error(name):
    with pytest.raises(UnknownName, match="no kind of component is called"):
        spec.shapes(TINY, name, Dimensions(32, 2))


@pytest.mark.parametrize(
    ("architecture", "layers", "layered", "sizes"),
    [
        (TINY, 3, {}, Dimensions(32, 10)),
        (TINY, 12, {"adapter": (0, 5, 11)}, sized(224, 1000, adapter_width=32)),
        (TINY, 12, {"lora": (0, 5, 11), "ssf": (0, 11)}, sized(224, 1000, lora_rank=4)),
        (BASE, 12, dict.fromkeys(INSERTED, range(12)), sized(80, 102, adapter_width=128, lora_rank=16)),
        (TINY, 0, {}, Dimensions(48, 5)),
    ],
)
def test_flops_are_those_that_torch_counts(architecture, layers, layered, sizes):
    names = spec.component_names(layers, inserted(layered))
    assert spec.flops(architecture, names, sizes) == counted(architecture, names, sizes)


@settings(max_examples=30, deadline=None)
@given(
    architectures(),
    st.fixed_dictionaries(dict.fromkeys(INSERTED, st.sets(st.integers(0, 3)))),
    *[st.integers(1, 20)] * 2,
    st.integers(1, 9),
)
def test_flops_of_any_path_are_those_that_torch_counts(architecture, layered, width, rank, classes):
    names = spec.component_names(architecture.layers, inserted(layered))
    sizes = sized(architecture.image_size, classes, adapter_width=width, lora_rank=rank)
    assert spec.flops(architecture, names, sizes) == counted(architecture, names, sizes)


def test_a_low_rank_update_has_two_pairs_of_narrow_maps():
    """Queries and values each: down to the rank and up again, of which both are as large (LoRA, section 4.2)."""
    sizes = sized(32, 2, lora_rank=4)
    assert spec.size(BASE, "lora.3", sizes) == 2 * 2 * 768 * 4
    assert spec.component_flops(BASE, "lora.3", sizes) == 2 * 5 * spec.size(BASE, "lora.3", sizes)


def test_dimensions_hold_the_whole_numbers_of_a_path():
    found = spec.dimensions({"data.image_size": 48, "adapter_width": 8, "opt.lr": 0.1, "opt.nesterov": True}, 3)
    assert found == Dimensions(48, 3, (("adapter_width", 8), ("data.image_size", 48)))
    assert found["adapter_width"] == 8


def test_a_size_that_the_path_does_not_say_is_an_error():
    with pytest.raises(UnknownName, match="sized by 'lora_rank', which its path does not have"):
        spec.size(TINY, "lora.0", Dimensions(32, 2))
