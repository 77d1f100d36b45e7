from dataclasses import replace
from pathlib import Path as FilePath

import torch

from ramet.runtime.inference import LoadedPath
from ramet.runtime.program import Resident
from ramet.store.objects import FolderObjects
from ramet.vit.kinds import Dimensions
from tests.training.conftest import Lab, new_component


def test_paths_that_are_held_share_the_memory_of_their_components(lab: Lab, tmp_path: FilePath) -> None:
    objects = FolderObjects(tmp_path)
    head = new_component(lab.root.architecture, "head", Dimensions(8, 3), seed=0)
    tensors = {**{c.name: lab.memory.load(c.digest) for c in lab.root.components}, "head": head}
    components = tuple(replace(lab.memory.keep(n, t), digest=objects.put(t)) for n, t in tensors.items())
    path = replace(lab.root, components=components)
    one, other = (LoadedPath(path, Resident(objects.get, torch.device("cpu"))) for _ in range(2))
    for name in tensors:
        for key, tensor in one.parts[name].items():
            assert tensor.data_ptr() == other.parts[name][key].data_ptr()
