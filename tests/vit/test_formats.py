"""Checkpoints of timm's names, of Hugging Face's and of AugReg's compute what their own models do."""

import json
from collections.abc import Mapping

import numpy as np
import pytest
import torch
from safetensors.torch import save_file

from ramet.base.errors import CheckpointError
from ramet.vit import formats
from ramet.vit.kinds.stem import resample_pos_embed
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


TINY = {
    "hidden_size": 32, "num_hidden_layers": 2, "num_attention_heads": 4, "intermediate_size": 48, "image_size": 16,
    "patch_size": 4, "num_labels": 5,
}  # fmt: skip
SHAPES = [
    {},
    {"num_hidden_layers": 1, "num_attention_heads": 1},
    {"hidden_size": 48, "num_attention_heads": 3, "patch_size": 8, "image_size": 24},
    {"layer_norm_eps": 1e-2, "intermediate_size": 20},
]


@pytest.mark.parametrize("changes", SHAPES)
def test_features_are_those_of_transformers(make_hf, features, changes):
    model, folder = make_hf(**(TINY | changes))
    root = load_root(str(folder))
    x = torch.rand(3, 3, root.architecture.image_size, root.architecture.image_size) * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(features(root, x), model(x).last_hidden_state[:, 0], atol=1e-5, rtol=0)
    assert not root.untrained


def test_a_classifier_s_backbone_is_read_and_its_head_left(make_hf, features):
    model, folder = make_hf(classifier=True, **TINY)
    x = torch.rand(2, 3, 16, 16) * 2 - 1
    with torch.no_grad():
        logits = model.classifier(features(load_root(str(folder)), x))
        torch.testing.assert_close(logits, model(x).logits, atol=1e-5, rtol=0)


@pytest.mark.parametrize("size", [20, 32, 64])
def test_a_larger_image_is_seen_as_transformers_sees_it(make_hf, features, size):
    model, folder = make_hf(**TINY)
    root = load_root(str(folder))
    root.tensors["pos_embed"]["value"] = resample_pos_embed(root.tensors["pos_embed"]["value"], size, 4)
    x = torch.rand(2, 3, size, size) * 2 - 1
    with torch.no_grad():
        expected = model(x, interpolate_pos_encoding=True).last_hidden_state[:, 0]
        torch.testing.assert_close(features(root, x), expected, atol=1e-5, rtol=0)


def test_shards_hold_the_same_as_one_file(make_hf):
    _, whole = make_hf(**TINY)
    _, sharded = make_hf(shard="20KB", **TINY)
    assert not (sharded / formats.WEIGHTS).exists()
    a, b = load_root(str(whole)), load_root(str(sharded))
    assert a.architecture == b.architecture
    assert all(torch.equal(t, b.tensors[n][k]) for n, ts in a.tensors.items() for k, t in ts.items())


@pytest.mark.parametrize(
    ("settings", "seen"),
    [
        ({"image_mean": [0.485, 0.456, 0.406], "image_std": [0.229, 0.224, 0.225]}, None),
        ({"do_normalize": False}, ([0.0] * 3, [1.0] * 3)),
        ({"rescale_factor": 1 / 127.5, "image_mean": [1.0] * 3, "image_std": [1.0] * 3}, ([0.5] * 3, [0.5] * 3)),
        ({"do_rescale": False, "image_mean": [120.0] * 3, "image_std": [60.0] * 3}, ([120 / 255] * 3, [60 / 255] * 3)),
    ],
)
def test_the_processor_s_normalisation_is_part_of_the_root(make_hf, features, settings, seen):
    model, folder = make_hf(**TINY)
    (folder / "preprocessor_config.json").write_text(json.dumps(settings))
    mean, std = (torch.tensor(v).view(3, 1, 1) for v in seen or (settings["image_mean"], settings["image_std"]))
    x = torch.rand(2, 3, 16, 16)
    with torch.no_grad():
        expected = model((x - mean) / std).last_hidden_state[:, 0]
        torch.testing.assert_close(features(load_root(str(folder)), x * 2 - 1), expected, atol=1e-5, rtol=0)


@pytest.mark.parametrize(
    ("changes", "problem"),
    [
        ({"hidden_act": "gelu_new"}, "gelu_new"),
        ({"hidden_act": "quick_gelu"}, "quick_gelu"),
        ({"model_type": "deit"}, "deit"),
        ({"num_attention_heads": 5}, "5 attention heads"),
    ],
)
def test_what_ramet_cannot_run_is_refused(make_hf, changes, problem):
    _, folder = make_hf(**TINY)
    config = json.loads((folder / "config.json").read_text())
    (folder / "config.json").write_text(json.dumps(config | changes))
    with pytest.raises(CheckpointError, match=problem):
        load_root(str(folder))


def test_a_config_that_is_no_json_object_is_refused(make_hf):
    _, folder = make_hf(**TINY)
    (folder / "config.json").write_text('{"model_type":')
    with pytest.raises(CheckpointError, match=r"config\.json"):
        load_root(str(folder))


SHAPE = {"hidden_size": 32, "num_attention_heads": 4, "intermediate_size": 48, "image_size": 12, "patch_size": 4}
LAYERS = 2


def jax_arrays(state: Mapping[str, torch.Tensor], heads: int) -> dict[str, np.ndarray]:
    """A Hugging Face ViT's weights as the arrays of the ViT papers' JAX code: kernels are (inputs, outputs)."""
    w = {k.replace("encoder.layer.", "layers."): v.numpy() for k, v in state.items()}
    d = w["layernorm.weight"].shape[0]
    arrays = {
        "cls": w["embeddings.cls_token"],
        "embedding/kernel": np.einsum("oihw->hwio", w["embeddings.patch_embeddings.projection.weight"]),
        "embedding/bias": w["embeddings.patch_embeddings.projection.bias"],
        "Transformer/posembed_input/pos_embedding": w["embeddings.position_embeddings"],
        "Transformer/encoder_norm/scale": w["layernorm.weight"],
        "Transformer/encoder_norm/bias": w["layernorm.bias"],
        "pre_logits/kernel": np.zeros((d, d), np.float32),
        "pre_logits/bias": np.zeros(d, np.float32),
        "head/kernel": np.zeros((d, 7), np.float32),
        "head/bias": np.zeros(7, np.float32),
    }
    for i in range(LAYERS):
        to, of = f"Transformer/encoderblock_{i}", f"layers.{i}"
        attention = f"{to}/MultiHeadDotProductAttention_1"
        for jax, hf in (("query", "q_proj"), ("key", "k_proj"), ("value", "v_proj")):
            kernel, bias = w[f"{of}.attention.{hf}.weight"], w[f"{of}.attention.{hf}.bias"]
            arrays[f"{attention}/{jax}/kernel"] = np.einsum("hki->ihk", kernel.reshape(heads, d // heads, d))
            arrays[f"{attention}/{jax}/bias"] = bias.reshape(heads, d // heads)
        out = w[f"{of}.attention.o_proj.weight"]
        arrays[f"{attention}/out/kernel"] = np.einsum("ohk->hko", out.reshape(d, heads, d // heads))
        arrays[f"{attention}/out/bias"] = w[f"{of}.attention.o_proj.bias"]
        for jax, hf in (("LayerNorm_0", "layernorm_before"), ("LayerNorm_2", "layernorm_after")):
            arrays[f"{to}/{jax}/scale"], arrays[f"{to}/{jax}/bias"] = w[f"{of}.{hf}.weight"], w[f"{of}.{hf}.bias"]
        for jax, hf in (("Dense_0", "fc1"), ("Dense_1", "fc2")):
            arrays[f"{to}/MlpBlock_3/{jax}/kernel"] = w[f"{of}.mlp.{hf}.weight"].T
            arrays[f"{to}/MlpBlock_3/{jax}/bias"] = w[f"{of}.mlp.{hf}.bias"]
    return arrays


@pytest.fixture
def model(make_hf):
    return make_hf(num_hidden_layers=LAYERS, layer_norm_eps=1e-6, **SHAPE)[0]


def test_features_are_those_of_the_same_weights_elsewhere(model, tmp_path, features):
    np.savez(tmp_path / "Ti_16.npz", **jax_arrays(model.state_dict(), heads=4))
    root = load_root(str(tmp_path / "Ti_16.npz"))
    x = torch.rand(3, 3, 12, 12) * 2 - 1
    with torch.no_grad():
        torch.testing.assert_close(features(root, x), model(x).last_hidden_state[:, 0], atol=1e-5, rtol=0)
    assert (root.architecture.heads, root.architecture.mlp_width) == (4, 48)


def test_pickled_arrays_are_never_loaded(model, tmp_path):
    arrays = jax_arrays(model.state_dict(), heads=4) | {"cls": np.array([{"code": 1}], dtype=object)}
    np.savez(tmp_path / "pickled.npz", **arrays)
    with pytest.raises(CheckpointError, match="cannot be read as arrays"):
        load_root(str(tmp_path / "pickled.npz"))


@pytest.mark.parametrize("content", [b"", b"PK\x03\x04 no zip"])
def test_a_damaged_npz_is_refused(tmp_path, content):
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(CheckpointError, match="cannot be read as arrays"):
        load_root(str(tmp_path / "bad.npz"))


def test_a_hybrid_is_refused(model, tmp_path):
    arrays = jax_arrays(model.state_dict(), heads=4) | {"conv_root/kernel": np.zeros(3, np.float32)}
    np.savez(tmp_path / "r.npz", **arrays)
    with pytest.raises(CheckpointError, match="convolutional stem"):
        load_root(str(tmp_path / "r.npz"))


@pytest.mark.parametrize("content", [b"", b"\x08\x00\x00\x00\x00\x00\x00\x00{}", b"not safetensors at all"])
def test_a_damaged_safetensors_file_is_refused(tmp_path, content):
    (tmp_path / "vit.safetensors").write_bytes(content)
    with pytest.raises(CheckpointError, match=r"vit\.safetensors cannot be read"):
        load_root(str(tmp_path / "vit.safetensors"))
