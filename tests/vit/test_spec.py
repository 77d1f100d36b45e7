from collections.abc import Iterable
from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch.utils.flop_counter import FlopCounterMode

from ramet.base.records import Architecture
from ramet.vit import spec
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


def inserted(adapters: Iterable[int], loras: Iterable[int]) -> list[str]:
    return [*(f"adapter.{i}" for i in adapters), *(f"lora.{i}" for i in loras)]


def counted(architecture: Architecture, names: tuple[str, ...], **sizes: int) -> int:
    """FLOPs as torch counts them, on the meta device: on a CPU it counts attention as 0."""
    parts = {
        name: {k: torch.empty(s, device="meta") for k, s in spec.shapes(architecture, name, **sizes).items()}
        for name in names
    }
    images = torch.empty(1, 3, sizes["image_size"], sizes["image_size"], device="meta")
    with FlopCounterMode(display=False) as counter:
        forward(replace(architecture, pool="mean"), parts, images)  # which spares nothing of the last block
    return counter.get_total_flops()


@pytest.mark.parametrize(
    ("architecture", "layers", "params"),
    [(TINY, 3, 1_484_162), (BASE, 12, 85_668_866)],
)
def test_parameters_of_known_paths(architecture, layers, params):
    """Ti/16 of 3 layers at 32 pixels with 2 classes is the papers' P of the characters benchmark (METHOD section 7)."""
    sizes = {"adapter_width": 32, "classes": 2}
    image_size = 32 if architecture is TINY else 80
    names = spec.component_names(layers)
    assert sum(spec.size(architecture, n, image_size=image_size, **sizes) for n in names) == params


def test_components_stand_in_the_order_that_the_input_meets_them():
    assert spec.component_names(2, ["adapter.1", "lora.0", "lora.1", "lora.9", "adapter.7"]) == (
        "patch_embed", "cls_token", "pos_embed", "lora.0", "block.0", "adapter.1", "lora.1", "block.1", "norm", "head",
    )  # fmt: skip


@pytest.mark.parametrize("name", ["body.0", "", "heads"])
def test_a_mistyped_component_is_an_error(name):
    with pytest.raises(ValueError, match="no component is called"):
        spec.shapes(TINY, name, image_size=32, adapter_width=8, classes=2)


@pytest.mark.parametrize(
    ("architecture", "layers", "adapters", "loras", "sizes"),
    [
        (TINY, 3, (), (), {"image_size": 32, "adapter_width": 32, "classes": 10}),
        (TINY, 12, (0, 5, 11), (), {"image_size": 224, "adapter_width": 32, "classes": 1000}),
        (TINY, 12, (), (0, 5, 11), {"image_size": 224, "adapter_width": 0, "classes": 1000, "lora_rank": 4}),
        (BASE, 12, range(12), range(12), {"image_size": 80, "adapter_width": 128, "classes": 102, "lora_rank": 16}),
        (TINY, 0, (), (), {"image_size": 48, "adapter_width": 8, "classes": 5}),
    ],
)
def test_flops_are_those_that_torch_counts(architecture, layers, adapters, loras, sizes):
    names = spec.component_names(layers, inserted(adapters, loras))
    assert spec.flops(architecture, names, **sizes) == counted(architecture, names, **sizes)


@settings(max_examples=30, deadline=None)
@given(architectures(), *[st.sets(st.integers(0, 3))] * 2, *[st.integers(1, 20)] * 2, st.integers(1, 9))
def test_flops_of_any_path_are_those_that_torch_counts(architecture, adapters, loras, width, rank, classes):
    names = spec.component_names(architecture.layers, inserted(adapters, loras))
    sizes = {"image_size": architecture.image_size, "adapter_width": width, "lora_rank": rank, "classes": classes}
    assert spec.flops(architecture, names, **sizes) == counted(architecture, names, **sizes)


def test_a_low_rank_update_has_two_pairs_of_narrow_maps():
    """Queries and values each: down to the rank and up again, of which both are as large (LoRA, section 4.2)."""
    sizes = {"image_size": 32, "adapter_width": 0, "classes": 2, "lora_rank": 4}
    assert spec.size(BASE, "lora.3", **sizes) == 2 * 2 * 768 * 4
    assert spec.component_flops(BASE, "lora.3", **sizes) == 2 * 5 * spec.size(BASE, "lora.3", **sizes)


@pytest.mark.parametrize(
    ("hyperparameters", "expected"),
    [
        ({"data.image_size": 32}, {"image_size": 32, "adapter_width": 0, "lora_rank": 0, "classes": 3}),
        (
            {"data.image_size": 48, "adapter_width": 8, "lora_rank": 2, "opt.lr": 0.1},
            {"image_size": 48, "adapter_width": 8, "lora_rank": 2, "classes": 3},
        ),
    ],
)
def test_what_a_path_does_not_say_is_0(hyperparameters, expected):
    assert spec.dimensions(hyperparameters, 3) == expected
