import shutil

import numpy as np
import torch

from ramet.evolution.images import images_of
from ramet.system import System

CPU = torch.device("cpu")


def test_tasks_have_a_mean_embedding_that_is_kept(system: System) -> None:
    features = images_of(system.store.opened, CPU).features
    one, two = features("one"), features("two")
    assert one is not None
    assert two is not None
    assert one.shape == two.shape == (192,)
    assert np.isfinite(one).all()
    assert not np.array_equal(one, two)
    (file,) = (system.store.folder / "cache" / "one").glob("features.*.npy")
    np.save(file, one + 1)
    again = images_of(system.store.opened, CPU).features("one")
    assert again is not None
    assert np.array_equal(again, one + 1), "what is kept is not worked out again"
    file.unlink()
    afresh = images_of(system.store.opened, CPU).features("one")
    assert afresh is not None
    assert np.array_equal(afresh, one)


def test_a_task_whose_images_are_not_here_has_none(system: System, tmp_path: object) -> None:
    source = system.tasks["one"].source.removeprefix("npz:")
    shutil.rmtree(system.store.folder / "cache" / "one")
    shutil.move(source, f"{source}.gone")
    features = images_of(system.store.opened, CPU).features
    assert features("one") is None
    assert features("nothing of the kind") is None
