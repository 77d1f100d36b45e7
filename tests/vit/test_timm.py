import json

import pytest
import torch
from safetensors.torch import save_file

from ramet.base.errors import CheckpointError
from ramet.vit.roots import load_root


@pytest.fixture
def file(timm_vit, tmp_path):
    path = tmp_path / "vit.safetensors"
    save_file(timm_vit.state_dict(), path)
    return path


def test_features_are_those_of_a_transformer_of_timm_s_names(timm_vit, file, features):
    root = load_root(str(file))
    x = torch.rand(3, 3, 12, 12) * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(features(root, x), timm_vit(x)[:, 0], atol=1e-5, rtol=0)
    assert (root.name, root.architecture.heads, root.architecture.layers) == ("vit", 2, 2)
    assert root.architecture.layer_norm_eps == 1e-6


@pytest.mark.parametrize("nested", [True, False])
def test_the_config_s_normalisation_is_part_of_the_root(timm_vit, file, features, nested):
    images = {"mean": [0.485, 0.456, 0.406], "std": [0.229, 0.224, 0.225]}
    config = {"architecture": "vit", "global_pool": "token"} | ({"pretrained_cfg": images} if nested else images)
    (file.parent / "config.json").write_text(json.dumps(config))
    x = torch.rand(2, 3, 12, 12)
    mean, std = (torch.tensor(images[k]).view(3, 1, 1) for k in ("mean", "std"))
    with torch.no_grad():
        expected = timm_vit((x - mean) / std)[:, 0]
        torch.testing.assert_close(features(load_root(str(file.parent)), x * 2 - 1), expected, atol=1e-5, rtol=0)


def test_average_pooling_reads_the_patch_tokens(timm_vit, file, features):
    (file.parent / "config.json").write_text(json.dumps({"global_pool": "avg"}))
    root = load_root(str(file.parent))
    x = torch.rand(2, 3, 12, 12) * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(features(root, x), timm_vit(x)[:, 1:].mean(1), atol=1e-5, rtol=0)


@pytest.mark.parametrize("dtype", [torch.float16, torch.bfloat16])
def test_half_precision_becomes_single(timm_vit, tmp_path, dtype):
    save_file({k: t.to(dtype) for k, t in timm_vit.state_dict().items()}, tmp_path / "half.safetensors")
    norm = load_root(str(tmp_path / "half.safetensors")).tensors["norm"]["weight"]
    assert norm.dtype == torch.float32
    assert torch.equal(norm, timm_vit.norm.weight.to(dtype).float())


@pytest.mark.parametrize(
    ("config", "problem"),
    [
        ({"global_pool": "map"}, "'map'"),
        ({"model_args": {"act_layer": "quick_gelu"}}, "quick_gelu"),
        ({"model_args": {"num_heads": 3}}, "3 attention heads"),
    ],
)
def test_a_config_that_ramet_cannot_run_is_refused(file, config, problem):
    (file.parent / "config.json").write_text(json.dumps(config))
    with pytest.raises(CheckpointError, match=problem):
        load_root(str(file))
