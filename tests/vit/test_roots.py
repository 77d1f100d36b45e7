import pytest
import torch
from safetensors.torch import save_file

from ramet.base.errors import CheckpointError, RametError, UnknownName
from ramet.base.records import Architecture
from ramet.vit.initial import random_root
from ramet.vit.roots import load_root

TINY = Architecture(patch_size=16, width=192, heads=3, mlp_width=768, layers=12, image_size=224)


class TestRandom:
    @pytest.mark.parametrize(
        ("name", "architecture"),
        [
            ("vit_tiny_patch16", TINY),
            ("vit_tiny_patch16@32x3", Architecture(16, 192, 3, 768, 3, 32)),
            ("vit_small_patch4@8x1", Architecture(4, 384, 6, 1536, 1, 8)),
            ("vit_base_patch32@64x1", Architecture(32, 768, 12, 3072, 1, 64)),
            ("vit_large_patch14@28x1", Architecture(14, 1024, 16, 4096, 1, 28)),
            ("vit_tiny_patch16@32x0", Architecture(16, 192, 3, 768, 0, 32, pool="mean")),
        ],
    )
    def test_a_name_tells_the_architecture(self, name, architecture):
        root = load_root(f"random:{name}", seed=3)
        assert (root.name, root.architecture, root.untrained) == (name, architecture, True)
        assert root.origin == f"random:{name}, seed 3"
        expected = random_root(architecture, 3)
        assert all(torch.equal(t, expected[n][k]) for n, ts in root.tensors.items() for k, t in ts.items())

    def test_without_layers_the_image_is_seen_nonetheless(self, features):
        a, b = features(load_root("random:vit_tiny_patch16@32x0"), torch.rand(2, 3, 32, 32))
        assert not torch.allclose(a, b)

    @pytest.mark.parametrize("name", ["vit_huge_patch14", "vit_tiny", "vit_tiny_patch0", "vit_tiny_patch16@32x", ""])
    def test_a_mistyped_name_is_told_the_sizes(self, name):
        with pytest.raises(UnknownName, match="tiny, small, base, large"):
            load_root(f"random:{name}")

    def test_patches_must_divide_the_image(self):
        with pytest.raises(UnknownName, match="patches of 16 do not divide images of 40 pixels"):
            load_root("random:vit_tiny_patch16@40")


class TestFiles:
    @pytest.fixture
    def named(self, timm_vit, tmp_path):
        folder = tmp_path / "vit_odd.v1"
        folder.mkdir()
        save_file(timm_vit.state_dict(), folder / "model.safetensors")
        return folder

    def test_a_folder_and_its_file_are_one_root(self, named):
        by_folder, by_file = load_root(str(named)), load_root(str(named / "model.safetensors"))
        assert (by_folder.name, by_folder.origin) == ("vit_odd.v1", str(named))
        assert all(torch.equal(t, by_file.tensors[n][k]) for n, ts in by_folder.tensors.items() for k, t in ts.items())

    def test_a_home_folder_is_found(self, named, monkeypatch):
        monkeypatch.setenv("HOME", str(named.parent))
        assert load_root("~/vit_odd.v1").architecture.layers == 2

    def test_a_hugging_face_folder_s_file_is_read_as_such(self, make_hf):
        _, folder = make_hf(hidden_size=8, num_hidden_layers=1, num_attention_heads=2, image_size=8, patch_size=4)
        assert load_root(str(folder / "model.safetensors")).architecture == load_root(str(folder)).architecture

    @pytest.mark.parametrize("spec", ["vit_tiny_patch16", "no/such/folder", "nothing.npz", ""])
    def test_what_is_not_there_is_told_the_forms(self, spec, tmp_path, monkeypatch):
        monkeypatch.chdir(tmp_path)
        with pytest.raises(RametError, match=r"random:vit_tiny_patch16@32x3, hf:REPO|holds no weights"):
            load_root(spec)

    @pytest.mark.parametrize("name", ["pytorch_model.bin", "vit.pt", "vit.pth"])
    @pytest.mark.parametrize("of_folder", [True, False])
    def test_pickles_are_never_read(self, tmp_path, name, of_folder):
        (tmp_path / name).write_bytes(b"\x80\x04.")
        (tmp_path / "config.json").write_text('{"model_type": "vit"}')
        with pytest.raises(CheckpointError, match=r"pickled weights can run code; convert it with safetensors"):
            load_root(str(tmp_path if of_folder else tmp_path / name))

    def test_of_two_files_one_must_be_named(self, named):
        (named / "other.safetensors").write_bytes((named / "model.safetensors").read_bytes())
        with pytest.raises(CheckpointError, match="holds 2 files"):
            load_root(str(named))


class TestHub:
    def test_a_cached_repository_is_read_and_its_revision_kept(self, timm_vit, tmp_path, monkeypatch):
        asked = {}

        def snapshot_download(repository: str, *, revision: str | None, allow_patterns: list[str]) -> str:
            asked.update(repository=repository, revision=revision, patterns=allow_patterns)
            folder = tmp_path / "0123abcd"
            folder.mkdir()
            save_file(timm_vit.state_dict(), folder / "model.safetensors")
            return str(folder)

        monkeypatch.setattr("huggingface_hub.snapshot_download", snapshot_download)
        root = load_root("hf:someone/vit@main")
        assert (root.name, root.origin) == ("someone/vit", "hf:someone/vit@0123abcd")
        assert (asked["repository"], asked["revision"]) == ("someone/vit", "main")
        assert not any("bin" in pattern or pattern == "*" for pattern in asked["patterns"])

    def test_offline_and_not_cached_names_the_remedy(self, tmp_path, monkeypatch):
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_OFFLINE", True)
        monkeypatch.setattr("huggingface_hub.constants.HF_HUB_CACHE", str(tmp_path))
        with pytest.raises(CheckpointError, match="download it elsewhere and name its folder") as error:
            load_root("hf:someone/vit")
        assert "\n" not in str(error.value)

    @pytest.mark.parametrize("repository", ["a/b/c", "", "two words"])
    def test_what_no_repository_can_be_called_is_refused(self, repository):
        with pytest.raises(CheckpointError, match="cannot be downloaded"):
            load_root(f"hf:{repository}")
