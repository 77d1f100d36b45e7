from collections.abc import Mapping

import numpy as np
import pytest
import torch

from ramet.base.errors import CheckpointError
from ramet.vit.roots import load_root

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
def test_a_damaged_file_is_refused(tmp_path, content):
    (tmp_path / "bad.npz").write_bytes(content)
    with pytest.raises(CheckpointError, match="cannot be read as arrays"):
        load_root(str(tmp_path / "bad.npz"))


def test_a_hybrid_is_refused(model, tmp_path):
    arrays = jax_arrays(model.state_dict(), heads=4) | {"conv_root/kernel": np.zeros(3, np.float32)}
    np.savez(tmp_path / "r.npz", **arrays)
    with pytest.raises(CheckpointError, match="convolutional stem"):
        load_root(str(tmp_path / "r.npz"))
