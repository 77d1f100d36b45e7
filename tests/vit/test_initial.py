from dataclasses import replace

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from ramet.base.records import Architecture
from ramet.vit import spec
from ramet.vit.initial import new_component, random_root
from ramet.vit.kinds.own import resample_pos_embed
from ramet.vit.network import forward

SIZES = spec.dimensions({"data.image_size": 12, "adapter_width": 8, "lora_rank": 3}, 5)
TINY = Architecture(patch_size=16, width=192, heads=3, mlp_width=768, layers=1, image_size=224)


def path(architecture: Architecture, seed: int = 0) -> dict[str, dict[str, torch.Tensor]]:
    """A random root with a head that is not zero."""
    head = {"weight": torch.randn(5, architecture.width), "bias": torch.randn(5)}
    return {**random_root(architecture, seed), "head": head}


class TestRandomRoot:
    @settings(max_examples=20, deadline=None)
    @given(st.integers(1, 3), st.integers(1, 6), st.integers(0, 2), st.integers(1, 3))
    def test_has_the_components_and_shapes_of_the_spec(self, heads, head_width, layers, side):
        architecture = Architecture(3, heads * head_width, heads, 7, layers, 3 * side)
        tensors = random_root(architecture, seed=0)
        assert (*tensors, "head") == spec.component_names(layers)
        for name, parts in tensors.items():
            expected = spec.shapes(architecture, name, spec.dimensions({"data.image_size": 3 * side}, 0))
            assert {k: tuple(t.shape) for k, t in parts.items()} == expected
            assert all(t.dtype == torch.float32 and t.is_contiguous() for t in parts.values())

    def test_draws_of_a_seed_stay_and_those_of_another_differ(self, small):
        a, b, c = random_root(small, 1), random_root(small, 1), random_root(small, 2)
        for name, parts in a.items():
            assert all(torch.equal(t, b[name][k]) for k, t in parts.items())
        assert not torch.equal(a["block.0"]["attn.qkv.weight"], c["block.0"]["attn.qkv.weight"])
        assert not torch.equal(a["block.0"]["attn.qkv.weight"], a["block.1"]["attn.qkv.weight"])

    def test_draws_are_pinned(self):
        """Values written down: if one changes, no system can be made anew from its seed."""
        root = random_root(TINY, 0)
        for name, key, expected in (
            ("block.0", "attn.qkv.weight", [-0.06629250943660736, 0.06504188477993011]),
            ("pos_embed", "value", [-0.015725767239928246, 0.05896000191569328]),
            ("patch_embed", "weight", [-0.024073082953691483, -0.022092575207352638]),
        ):
            assert root[name][key].flatten()[:2].tolist() == expected

    def test_scales_are_those_of_the_papers(self):
        root = random_root(TINY, 0)
        block = root["block.0"]
        for key, bound in (("attn.qkv.weight", (6 / 384) ** 0.5), ("mlp.fc1.weight", (6 / 960) ** 0.5)):
            assert block[key].abs().max().item() == pytest.approx(bound, rel=1e-3)
            assert block[key].std().item() == pytest.approx(bound / 3**0.5, rel=0.02)
            assert block[key].mean().item() == pytest.approx(0, abs=1e-3)
        assert root["patch_embed"]["weight"].std().item() == pytest.approx(768**-0.5, rel=0.02)
        assert root["pos_embed"]["value"].std().item() == pytest.approx(0.02, rel=0.02)
        assert block["norm1.weight"].eq(1).all()
        assert all(block[k].eq(0).all() for k in block if k.endswith("bias"))

    def test_tokens_keep_their_scale_through_the_layers(self, small):
        x = torch.rand(8, 3, 12, 12) * 2 - 1
        identity = {"weight": torch.eye(16), "bias": torch.zeros(16)}
        features = forward(small, {**random_root(small, 0), "head": identity}, x)
        assert features.std().item() == pytest.approx(1, abs=0.2)


class TestInsertion:
    @pytest.mark.parametrize("pool", ["cls", "mean"])
    @pytest.mark.parametrize("name", ["adapter.0", "adapter.1", "lora.0", "lora.1", "block.2"])
    def test_leaves_the_outputs_as_they_were(self, small, name, pool):
        """Bit for bit, but where a block was the last one and read only the class token: by then all tokens count."""
        small = replace(small, pool=pool)
        before = path(small)
        new = new_component(small, name, SIZES, seed=7)
        order = spec.component_names(3, [name])
        after = {n: new if n == name else before[n] for n in order if n == name or n in before}
        assert len(after) == len(before) + 1
        x = torch.rand(4, 3, 12, 12) * 2 - 1
        exact = name != "block.2" or pool == "mean"
        tolerance = {"atol": 0.0, "rtol": 0.0} if exact else {}
        torch.testing.assert_close(forward(small, before, x), forward(small, after, x), **tolerance)

    @pytest.mark.parametrize(
        "name", ["adapter.0", "lora.0", "block.2", "head", "norm", "patch_embed", "cls_token", "pos_embed"]
    )
    def test_every_new_component_has_the_shapes_of_the_spec(self, small, name):
        new = new_component(small, name, SIZES, seed=7)
        assert {k: tuple(t.shape) for k, t in new.items()} == spec.shapes(small, name, SIZES)

    def test_a_new_head_gives_every_class_zero(self, small):
        parts = {**random_root(small, 0), "head": new_component(small, "head", SIZES, seed=7)}
        assert torch.equal(forward(small, parts, torch.rand(2, 3, 12, 12)), torch.zeros(2, 5))

    @pytest.mark.parametrize("name", ["adapter.0", "lora.1", "block.2"])
    def test_what_was_inserted_can_learn(self, small, name):
        new = {k: t.requires_grad_() for k, t in new_component(small, name, SIZES, seed=7).items()}
        before = path(small)
        order = spec.component_names(3, ["adapter.0", "lora.1"])
        parts = {n: new if n == name else before[n] for n in order if n == name or n in before}
        forward(small, parts, torch.rand(4, 3, 12, 12)).square().sum().backward()
        silent = {"adapter.0": ("up.",), "lora.1": ("q.up.", "v.up."), "block.2": ("attn.proj.", "mlp.fc2.")}[name]
        assert all(new[k].grad.abs().sum() > 0 for k in new if k.startswith(silent))


class TestResampling:
    def test_the_same_size_is_the_same_tensor(self):
        value = torch.randn(1, 1 + 9, 4)
        assert resample_pos_embed(value, 12, 4) is value
        assert resample_pos_embed(value, 14, 4) is value

    @pytest.mark.parametrize("size", [4, 8, 20, 32])
    def test_the_class_token_s_row_and_a_constant_grid_stay(self, size):
        value = torch.cat([torch.randn(1, 1, 4), torch.full((1, 9, 4), 0.7)], dim=1)
        new = resample_pos_embed(value, size, 4)
        assert new.shape == (1, 1 + (size // 4) ** 2, 4)
        assert new.is_contiguous()
        assert torch.equal(new[:, 0], value[:, 0])
        torch.testing.assert_close(new[:, 1:], torch.full_like(new[:, 1:], 0.7))

    def test_one_patch_is_the_mean_of_four(self):
        value = torch.randn(1, 1 + 4, 3)
        torch.testing.assert_close(resample_pos_embed(value, 4, 4)[0, 1], value[0, 1:].mean(0))

    @pytest.mark.parametrize("axis", [0, 1])
    def test_rows_stay_rows_and_columns_columns(self, axis):
        """A grid that changes along one axis alone does so after resampling too, in the same order."""
        ramp = torch.arange(3.0).view(3, 1) if axis == 0 else torch.arange(3.0).view(1, 3)
        value = torch.cat([torch.zeros(1, 1, 1), ramp.expand(3, 3).reshape(1, 9, 1)], dim=1)
        grid = resample_pos_embed(value, 20, 4)[0, 1:, 0].view(5, 5)
        along = grid if axis == 1 else grid.T
        torch.testing.assert_close(along, along[:1].expand(5, 5))
        assert (along[0].diff() > 0).all()
        torch.testing.assert_close(along[0, 2], torch.tensor(1.0))

    def test_a_halved_grid_is_pillow_s_bicubic(self):
        from PIL import Image

        grid = torch.randn(6, 6)
        value = torch.cat([torch.zeros(1, 1, 1), grid.view(1, 36, 1)], dim=1)
        expected = Image.fromarray(grid.numpy()).resize((3, 3), Image.Resampling.BICUBIC)
        new = resample_pos_embed(value, 12, 4)[0, 1:, 0].view(3, 3)
        torch.testing.assert_close(new, torch.tensor([[expected.getpixel((c, r)) for c in range(3)] for r in range(3)]))
