import json
import shutil

import numpy as np
import torch

from ramet.evolution.images import fitted, images_of
from ramet.runtime.inference import LoadedPath
from ramet.runtime.program import Resident
from ramet.system import System
from ramet.tasks.data import open_splits
from ramet.training.closed_form import closed_form
from tests.evolution.conftest import SMALL

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


def test_a_path_fits_by_a_head_in_closed_form_on_its_frozen_features(system: System) -> None:
    images = images_of(system.store.opened, CPU)
    (root,) = system.roots().values()
    found = images.fit("one", root)
    assert found is not None
    assert found == images_of(system.store.opened, CPU).fit("one", root)
    assert 0.5 < found <= 1  # three classes that show in a colour
    file = system.store.folder / "cache" / "one" / "fits.json"
    file.write_text(json.dumps({root.id: 0.25}))
    assert images.fit("one", root) == 0.25, "what is kept is not worked out again"
    file.write_text("{")
    assert images.fit("one", root) == found, "what is damaged is"
    assert images.fit("nothing of the kind", root) is None


def test_what_is_fitted_is_what_a_head_reads(system: System) -> None:
    (root,) = system.roots().values()
    loaded = LoadedPath(root, Resident(system.store.opened.objects.get, CPU))
    split = open_splits(system.store.folder, system.tasks["one"])["train"]
    features = loaded.features(np.array(split.images))
    scores = closed_form(features, torch.from_numpy(np.asarray(split.labels)), 3).scores
    accuracy = float((scores.argmax(1).numpy() == split.labels).mean())
    assert fitted(loaded, split, 3, "one") == round(accuracy, 3)
    system.evolve("one", method="mu2net-plus", settings=SMALL)
    learned = LoadedPath(system.path("one"), Resident(system.store.opened.objects.get, CPU))
    head = learned.parts["head"]
    logits = learned.features(np.array(split.images)) @ head["weight"].T + head["bias"]
    assert np.allclose(logits.softmax(1).numpy(), learned.probabilities(np.array(split.images)), atol=1e-6)
