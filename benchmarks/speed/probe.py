"""One side of the memory benchmark, alone in a process that prints JSON (python -m benchmarks.speed.probe).

What is measured begins after torch is loaded. The peak is the kernel's for this process (VmHWM); getrusage's would have
that of the process which started this one in it.
"""

import json
import re
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

Predict = Callable[[Any], list[float]]
"""Class probabilities of one image, uint8 (1, H, W, 3)."""


def main(side: str, folder: Path) -> None:
    """Load every model, predict an image with each, keep all, and print what that took."""
    before = _memory("VmRSS")
    began = time.perf_counter()
    models, image_size = SIDES[side](folder)
    loaded = time.perf_counter()
    image = np.random.default_rng(0).integers(0, 256, (1, image_size, image_size, 3), dtype=np.uint8)
    probabilities = [predict(image) for predict in models]
    done = time.perf_counter()
    took = {"load": loaded - began, "predict": done - loaded, "peak": _memory("VmHWM") - before}
    print(json.dumps({**took, "probabilities": probabilities}))


def _of_system(folder: Path) -> tuple[list[Predict], int]:
    """All published paths of a system."""
    import ramet
    from ramet.base.records import Path as SystemPath
    from ramet.runtime.inference import LoadedPath
    from ramet.runtime.program import Resident

    system = ramet.open(folder)
    resident = Resident(system.store.objects.get, torch.device("cpu"))

    def model(path: SystemPath) -> Predict:
        loaded = LoadedPath(path, resident)
        return lambda image: loaded.probabilities(image)[0].tolist()

    paths = system.versions.published().values()
    return [model(path) for path in paths], next(iter(paths)).architecture.image_size


def _of_files(folder: Path) -> tuple[list[Predict], int]:
    """A module for every file of weights, whose tensors stay mapped into memory."""
    from benchmarks.speed.plain import build
    from safetensors.torch import load_file

    from ramet.base.records import Architecture

    shape = Architecture(**json.loads((folder / "architecture.json").read_text()))

    def model(file: Path) -> Predict:
        module = build(shape, shape.image_size, load_file(file))

        def predict(image: Any) -> list[float]:
            x = torch.from_numpy(image).permute(0, 3, 1, 2).float() / 127.5 - 1
            with torch.inference_mode():
                return module(x).softmax(dim=1)[0].tolist()  # type: ignore[no-any-return]

        return predict

    return [model(file) for file in sorted(folder.glob("*.safetensors"))], shape.image_size


SIDES = {"system": _of_system, "files": _of_files}


def _memory(field: str) -> int:
    """Bytes of a line of /proc/self/status."""
    found = re.search(rf"^{field}:\s+(\d+) kB$", Path("/proc/self/status").read_text(), re.MULTILINE)
    assert found is not None  # every Linux since 2.6 has it
    return int(found[1]) * 1024


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
