from dataclasses import replace

import pytest
import torch

from ramet.base.errors import InvalidValue
from ramet.base.records import Architecture
from ramet.vit import spec
from ramet.vit.initial import new_component, random_root
from ramet.vit.kinds import Within, find
from ramet.vit.network import forward, plain, stage_names, stages

SIZES = spec.dimensions({"data.image_size": 12, "adapter_width": 8, "lora_rank": 3}, 5)


def full_path(architecture: Architecture, *inserted: str) -> dict[str, dict[str, torch.Tensor]]:
    """A path with no zero in it."""
    g = torch.Generator().manual_seed(0)
    names = spec.component_names(architecture.layers, inserted)
    return {
        n: {k: torch.randn(s, generator=g) * 0.3 for k, s in spec.shapes(architecture, n, SIZES).items()} for n in names
    }


@pytest.mark.parametrize(
    ("pool", "end"),
    [("mean", [("lora.1", "block.1"), ("norm", "head")]), ("cls", [("lora.1", "block.1", "norm", "head")])],
)
def test_stages_hold_every_component_once_and_in_order(small, pool, end):
    names = spec.component_names(2, ["adapter.1", "lora.1"])
    found = stage_names(replace(small, pool=pool), names)
    assert found == [("patch_embed", "cls_token", "pos_embed"), ("block.0",), ("adapter.1",), *end]
    assert tuple(n for stage in found for n in stage) == names


@pytest.mark.parametrize("outputs", [1, 3])
def test_a_block_can_work_out_the_first_tokens_alone(small, outputs):
    path, x = full_path(small, "lora.0"), torch.randn(2, 10, 16)
    inside = ((find("lora"), path["lora.0"]),)
    whole, part = (find("block").run(path["block.0"], x, Within(small, n, inside)) for n in (None, outputs))
    torch.testing.assert_close(part, whole[:, :outputs])


def test_stage_by_stage_is_the_whole(small):
    parts = full_path(small, "adapter.0", "lora.0", "lora.1")
    images = torch.rand(3, 3, 12, 12)
    x = images
    for stage in stages(small, parts):
        x = stage.run(x)
    assert torch.equal(x, forward(small, parts, images))


def test_an_adapter_adds_its_perceptron_of_the_normed_tokens(small):
    parts = full_path(small, "adapter.0")["adapter.0"]
    x = torch.randn(2, 10, 16)
    norm, down, up = torch.nn.LayerNorm(16, small.layer_norm_eps), torch.nn.Linear(16, 8), torch.nn.Linear(8, 16)
    with torch.no_grad():
        for module, name in ((norm, "norm"), (down, "down"), (up, "up")):
            module.weight.copy_(parts[f"{name}.weight"])
            module.bias.copy_(parts[f"{name}.bias"])
        expected = x + up(torch.nn.functional.gelu(down(norm(x))))
        torch.testing.assert_close(find("adapter").run(parts, x, Within(small)), expected)


@pytest.mark.parametrize("pool", ["cls", "mean"])
def test_gradients_reach_every_tensor(small, pool):
    parts = full_path(replace(small, pool=pool), "adapter.0", "adapter.1", "lora.0", "lora.1")
    tensors = {(n, k): t.requires_grad_() for n, p in parts.items() for k, t in p.items()}
    forward(replace(small, pool=pool), parts, torch.rand(4, 3, 12, 12)).square().sum().backward()
    assert [k for k, t in tensors.items() if t.grad is None or not t.grad.abs().sum() > 0] == []


@pytest.mark.parametrize(("pool", "sees"), [("cls", False), ("mean", True)])
def test_without_a_layer_only_the_mean_of_the_patches_sees_the_image(small, pool, sees):
    architecture = replace(small, layers=0, pool=pool)
    head = {"weight": torch.randn(5, 16), "bias": torch.zeros(5)}
    parts = {**random_root(architecture, 0), "head": head}
    a, b = forward(architecture, parts, torch.rand(2, 3, 12, 12))
    assert torch.equal(a, b) != sees


def test_pixels_beyond_the_last_whole_patch_are_not_read(small):
    parts = full_path(small)
    images = torch.rand(2, 3, 15, 15)
    assert torch.equal(forward(small, parts, images), forward(small, parts, images[:, :, :12, :12]))


def test_another_image_size_needs_only_another_position_embedding(small):
    parts = full_path(small)
    parts["pos_embed"] = new_component(small, "pos_embed", spec.dimensions({"data.image_size": 20}, 5), seed=0)
    assert forward(small, parts, torch.rand(2, 3, 20, 20)).shape == (2, 5)


def test_what_no_block_s_tensors_can_stand_for_makes_no_plain_transformer(small):
    with pytest.raises(InvalidValue, match=r"has adapter\.1, which cannot become part of block\.1"):
        plain(full_path(small, "lora.0", "adapter.1"))
