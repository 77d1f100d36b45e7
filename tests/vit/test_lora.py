"""Low-rank updates of attention, against plain weights that hold W + BA."""

import pytest
import torch
from safetensors.torch import save_file
from torch import Tensor

from ramet.base.records import Architecture
from ramet.vit import spec
from ramet.vit.network import forward, plain
from ramet.vit.roots import load_root

RANK = 3
SIZES = spec.dimensions({"data.image_size": 12, "adapter_width": 4, "lora_rank": RANK}, 5)


def update(architecture: Architecture, name: str, seed: int = 0) -> dict[str, Tensor]:
    """A low-rank update with no zero in it."""
    g = torch.Generator().manual_seed(seed)
    return {k: torch.randn(s, generator=g) * 0.3 for k, s in spec.shapes(architecture, name, SIZES).items()}


def test_it_is_the_plain_network_of_other_hands_whose_weights_hold_the_sum(timm_vit, tmp_path):
    """Queries and values of block 1 are changed in place in a network that is not ramet's."""
    save_file(timm_vit.state_dict(), tmp_path / "vit.safetensors")
    root = load_root(str(tmp_path / "vit.safetensors"))
    lora = update(root.architecture, "lora.1")
    weight, d = timm_vit.blocks[1].attn["qkv"].weight, root.architecture.width
    images = torch.rand(3, 3, 12, 12) * 2 - 1
    with torch.no_grad():
        before = timm_vit(images)[:, 0]
        weight[:d] += lora["q.up.weight"] @ lora["q.down.weight"]
        weight[2 * d :] += lora["v.up.weight"] @ lora["v.down.weight"]
        expected = timm_vit(images)[:, 0]
    identity = {"weight": torch.eye(d), "bias": torch.zeros(d)}
    parts = {**root.tensors, "lora.1": lora, "head": identity}
    found = forward(root.architecture, {n: parts[n] for n in spec.component_names(2, ["lora.1"])}, images)
    assert not torch.allclose(expected, before, atol=1e-2)
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=1e-4)


@pytest.mark.parametrize("pool", ["cls", "mean"])
@pytest.mark.parametrize("inserted", [["lora.0"], ["lora.1"], ["lora.0", "lora.1"]])
def test_merged_it_computes_the_same_in_plain_blocks(pool, inserted):
    architecture = Architecture(4, 16, 2, 24, 2, 12, pool)
    g = torch.Generator().manual_seed(1)
    parts = {
        name: {k: torch.randn(s, generator=g) * 0.3 for k, s in spec.shapes(architecture, name, SIZES).items()}
        for name in spec.component_names(2, inserted)
    }
    found = plain(parts)
    assert tuple(found) == spec.component_names(2)
    images = torch.rand(4, 3, 12, 12)
    torch.testing.assert_close(forward(architecture, found, images), forward(architecture, parts, images))


def test_merging_alters_no_tensor_that_others_hold(small):
    block = {k: torch.randn(s) for k, s in spec.shapes(small, "block.0", SIZES).items()}
    kept = {k: t.clone() for k, t in block.items()}
    changed = plain({"lora.0": update(small, "lora.0"), "block.0": block})["block.0"]
    assert all(torch.equal(t, kept[k]) for k, t in block.items())
    assert [k for k, t in changed.items() if t is not block[k]] == ["attn.qkv.weight"]
    assert torch.equal(changed["attn.qkv.weight"][16:32], block["attn.qkv.weight"][16:32])  # the keys
