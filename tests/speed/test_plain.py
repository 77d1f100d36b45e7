import numpy as np
import torch
from benchmarks.speed import plain

from ramet.base.records import Architecture
from ramet.tasks.augment import batch_images
from ramet.tasks.data import Split
from ramet.vit.initial import new_component, random_root
from ramet.vit.kinds import Dimensions
from ramet.vit.network import forward

SHAPE = Architecture(patch_size=8, width=16, heads=2, mlp_width=32, layers=2, image_size=16)
PARTS = {
    **random_root(SHAPE, seed=0),
    "head": {key: torch.ones_like(t) for key, t in
             new_component(SHAPE, "head", Dimensions(16, 3), seed=0).items()},
}  # fmt: skip


def test_the_network_equals_ramets() -> None:
    images = torch.from_numpy(np.random.default_rng(0).integers(0, 256, (4, 16, 16, 3), dtype=np.uint8))
    x = batch_images(images, image_size=16)
    model = plain.build(SHAPE, 16, plain.state_of(PARTS))
    torch.testing.assert_close(model(x), forward(SHAPE, PARTS, x), atol=1e-5, rtol=1e-5)


def test_a_network_holds_the_very_tensors_it_is_built_of() -> None:
    model = plain.build(SHAPE, 16, plain.state_of(PARTS))
    assert model.cls_token.data_ptr() == PARTS["cls_token"]["value"].data_ptr()
    assert model.block[1].mlp.fc2.weight.data_ptr() == PARTS["block.1"]["mlp.fc2.weight"].data_ptr()


def test_images_are_read_as_ramet_reads_them() -> None:
    images = np.random.default_rng(0).integers(0, 256, (2, 16, 16, 3), dtype=np.uint8)
    split = Split(images, np.array([2, 0]))
    expected = batch_images(torch.from_numpy(images), image_size=16)
    for index, (x, label) in enumerate(plain.Images(split)[i] for i in range(2)):
        torch.testing.assert_close(x, expected[index])
        assert label == split.labels[index]
