from dataclasses import replace
from pathlib import Path

import pytest
import torch

from ramet.base.errors import CheckpointError
from ramet.vit.checkpoint import Checkpoint
from ramet.vit.initial import random_root
from ramet.vit.network import forward


@pytest.fixture
def checkpoint(small):
    return Checkpoint(Path("vit.bin"), random_root(small, 0), heads=2)


def changed(checkpoint: Checkpoint, name: str, key: str, tensor: torch.Tensor | None) -> Checkpoint:
    """The checkpoint with a tensor set, or taken out."""
    part = {k: t for k, t in checkpoint.components.get(name, {}).items() if k != key}
    if tensor is not None:
        part[key] = tensor
    return replace(checkpoint, components={**checkpoint.components, name: part})


def test_the_architecture_follows_from_the_shapes(checkpoint, small):
    architecture, components = checkpoint.root()
    assert architecture == small
    assert list(components) == list(checkpoint.components)
    assert torch.equal(components["patch_embed"]["weight"], checkpoint.components["patch_embed"]["weight"])


@pytest.mark.parametrize(("width", "heads"), [(192, 3), (1024, 16), (1280, 16), (1408, 16), (40, None), (100, None)])
def test_heads_that_no_file_tells_are_those_of_published_models(width, heads, small):
    architecture = replace(small, width=width, mlp_width=8, layers=1)
    checkpoint = Checkpoint(Path("vit"), random_root(architecture, 0))
    if heads:
        assert checkpoint.root()[0].heads == heads
    else:
        with pytest.raises(CheckpointError, match=f"{width} channels, which no known number"):
            checkpoint.root()


@pytest.mark.parametrize(
    ("name", "key", "tensor", "problem"),
    [
        ("patch_embed", "weight", None, "no vision transformer's patch_embed weight"),
        ("pos_embed", "value", torch.zeros(1, 8, 16), "positions for 7 patches"),
        ("pos_embed", "value", torch.zeros(1, 1, 16), "positions for 0 patches"),
        ("block.1", "attn.qkv.bias", None, "lacks block.1 attn.qkv.bias"),
        ("block.3", "norm1.weight", torch.ones(16), "block.3"),
        ("block.0", "attn.proj.weight", torch.zeros(16, 15), r"has the shape \(16, 15\), not \(16, 16\)"),
        ("norm", "weight", torch.full((16,), torch.nan), "not finite"),
        ("norm", "bias", torch.full((16,), -torch.inf), "not finite"),
        ("norm", "bias", torch.zeros(16, dtype=torch.int8), "not finite"),
        ("block.0", "ls1.gamma", torch.ones(16), "LayerScale"),
        ("block.0", "attn.q_norm.weight", torch.ones(8), "query-key"),
        ("reg_token", "", torch.zeros(1, 4, 16), "register tokens"),
        ("dist_token", "", torch.zeros(1, 1, 16), "distillation token"),
        ("fc_norm.weight", "", torch.ones(16), "norm after pooling"),
        ("norm_pre.weight", "", torch.ones(16), "norm before the blocks"),
        ("mystery", "", torch.ones(16), "holds mystery"),
    ],
)
def test_what_is_no_plain_transformer_is_refused(checkpoint, name, key, tensor, problem):
    with pytest.raises(CheckpointError, match=problem) as error:
        changed(checkpoint, name, key, tensor).root()
    assert "vit.bin" in error.value.problem
    assert error.value.remedy


def test_normalisation_is_folded_exactly(checkpoint, small):
    mean, std = (0.485, 0.456, 0.406), (0.229, 0.224, 0.225)
    head = {"head": {"weight": torch.randn(5, 16), "bias": torch.zeros(5)}}
    as_trained, folded = checkpoint.components | head, replace(checkpoint, mean=mean, std=std).root()[1] | head
    x = torch.rand(2, 3, 12, 12)
    normalised = (x - torch.tensor(mean).view(3, 1, 1)) / torch.tensor(std).view(3, 1, 1)
    expected = forward(small, as_trained, normalised)
    torch.testing.assert_close(forward(small, folded, x * 2 - 1), expected, atol=1e-5, rtol=0)
