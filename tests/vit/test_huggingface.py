import json

import pytest
import torch

from ramet.base.errors import CheckpointError
from ramet.vit import huggingface
from ramet.vit.kinds.stem import resample_pos_embed
from ramet.vit.roots import load_root

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
    assert not (sharded / huggingface.WEIGHTS).exists()
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
