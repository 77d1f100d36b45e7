"""The recipe of the packaged root, at the size of a test; and the root that came of it."""

import argparse
import hashlib
import re
from importlib import resources
from pathlib import Path

import numpy as np
import pytest
import torch
from recipes.root import draw, formulas
from recipes.root.train import SHARES, Training

from ramet.vit.roots import load_root

DOCS = Path(__file__).parents[2] / "docs"


@pytest.fixture
def pictures(tmp_path: Path) -> Path:
    """Few pictures of every sort; those of packages that are not there are noise."""
    rng = np.random.default_rng(0)
    labels = np.arange(12) % 4
    drawn = {
        "strokes": np.stack([p for _, p in formulas.strokes(4, 3)]),
        "fractals": np.stack([p for _, p in formulas.fractals(4, 3, points=400)]),
        "textures": np.stack([p for _, p in formulas.textures(4, 3)]),
        "glyphs": rng.integers(0, 256, (12, 48, 48), dtype=np.uint8),
        "cliparts": rng.integers(0, 256, (12, 48, 48, 4), dtype=np.uint8),
    }
    for name, array in drawn.items():
        own = np.repeat(np.arange(4), 3) if name in ("strokes", "fractals", "textures") else labels
        np.savez(tmp_path / f"{name}.npz", pictures=array, labels=own)
    return tmp_path


def training(pictures: Path, out: Path, images: float) -> Training:
    arguments = argparse.Namespace(
        out=out, images=images, layers=1, width=64, patch=8, optimiser="muon", lr=0.02, threads=1, minutes=1e9
    )
    return Training(arguments, [draw.load(pictures, name) for name in SHARES])


def weights(of: Training) -> list[torch.Tensor]:
    return [t.detach() for t in of.weights.values()]


def test_what_formulas_draw_is_the_same_every_time_and_differs_within_a_class() -> None:
    for family in (formulas.strokes, formulas.textures):
        one, again = (list(family(10, 2)) for _ in range(2))
        assert [label for label, _ in one] == [label for label in range(10) for _ in range(2)]
        assert all(np.array_equal(a, b) for (_, a), (_, b) in zip(one, again, strict=True))
        assert all(not np.array_equal(a, b) for (_, a), (_, b) in zip(one[::2], one[1::2], strict=True))


def test_a_batch_is_of_pictures_and_their_classes(pictures: Path, tmp_path: Path) -> None:
    x, labels = training(pictures, tmp_path / "out", 1e6)._pictures()
    assert x.shape == (sum(SHARES.values()), 3, 32, 32)
    assert [len(label) for label in labels] == list(SHARES.values())
    assert bool(x.isfinite().all())
    assert -1 <= float(x.min()) < float(x.max()) <= 1


def test_a_training_that_was_stopped_goes_on_and_its_root_can_be_used(pictures: Path, tmp_path: Path) -> None:
    whole = training(pictures, tmp_path / "whole", 4 * 256)
    before = [t.clone() for t in weights(whole)]
    whole.run()
    assert all(not torch.equal(a, b) for a, b in zip(before, weights(whole), strict=True))

    stopped = training(pictures, tmp_path / "parts", 4 * 256)
    rates = stopped._rates

    def pressed() -> None:
        if stopped.step == 2:
            stopped._keep()
            raise KeyboardInterrupt
        rates()

    stopped._rates = pressed  # type: ignore[method-assign]
    with pytest.raises(KeyboardInterrupt):
        stopped.run()
    resumed = training(pictures, tmp_path / "parts", 4 * 256)
    assert resumed.step == 2
    resumed.run()
    assert all(torch.equal(a, b) for a, b in zip(weights(whole), weights(resumed), strict=True))

    loaded = load_root(str(tmp_path / "whole" / "root.safetensors"))
    assert (loaded.architecture.width, loaded.architecture.layers, loaded.architecture.pool) == (64, 1, "cls")
    assert not loaded.untrained


def test_the_packaged_root_is_the_one_of_its_card() -> None:
    file = resources.files("ramet.vit") / "packaged.safetensors"
    data = file.read_bytes()
    card = (DOCS / "root.md").read_text(encoding="utf-8")
    assert len(data) < 8_000_000
    assert re.search(r"SHA-256 `([0-9a-f]{64})`", card).group(1) == hashlib.sha256(data).hexdigest()
    root = load_root("packaged")
    assert not root.untrained
    assert f"{sum(t.numel() for of in root.tensors.values() for t in of.values()):,} parameters" in card
