"""The library leaves the process as it is: signals, garbage collector, warnings, threads, environment."""

import subprocess
import sys
from pathlib import Path

CODE = """
import gc, os, signal, sys, threading, time, warnings
import torch
import ramet
from ramet.base.progress import Progress
from tests.evolution.conftest import SMALL, make_system
from pathlib import Path

def seen():
    return {
        "signals": [signal.getsignal(number) for number in sorted(signal.valid_signals())],
        "collector": (gc.isenabled(), gc.get_threshold(), gc.callbacks),
        "warnings": (list(warnings.filters), warnings.showwarning),
        "threads": (torch.get_num_threads(), torch.get_num_interop_threads()),
        "torch": (torch.is_grad_enabled(), torch.get_default_dtype(), torch.are_deterministic_algorithms_enabled(),
                  torch.get_float32_matmul_precision(), torch.initial_seed()),
        "environment": [f"{name}={value}" for name, value in sorted(os.environ.items()) if name.isupper()],
        "hooks": (sys.excepthook, sys.unraisablehook, threading.excepthook, sys.getswitchinterval()),
        "folder": os.getcwd(),
    }

signal.signal(signal.SIGINT, lambda *_: None)
signal.signal(signal.SIGTERM, lambda *_: None)
warnings.simplefilter("always")
torch.set_num_threads(2)
import PIL.Image, numpy, sqlalchemy, alembic, fsspec, safetensors.torch
import torch._dynamo, torch._inductor.config, torch._inductor.codecache  # what others do on import is theirs
before = seen()
found, over = {}, threading.Event()

def watch():
    while not over.wait(0.02):
        compare()

def compare(*_, **__):
    now = seen()
    for kind, value in now.items():
        if kind != "torch" and value != before[kind]:
            found.setdefault(kind, (before[kind], value))

class Watched(ramet.Observer):
    trained = generation_started = generation_finished = tested = cycle_finished = compare

class Told(Progress):
    advanced = noted = compare

threading.Thread(target=watch, daemon=True).start()
folder = Path(sys.argv[1])
with make_system(folder, "one", "two") as system:
    system.evolve("one", method="mu2net-plus", settings={**SMALL, "budget.cycles": "1"}, observer=Watched())
    image = numpy.array(system.examples("one").images[0])
    system.predict("one", [PIL.Image.fromarray(image)], progress=Told())
    system.evaluate("one", details=True, progress=Told())
    system.model("one")
    system.store.push((folder / "remote").as_uri(), progress=Told())
    system.store.verify(progress=Told())
    system.verify_quality(progress=Told())
    system.replay("one", progress=Told())
    system.versions.add_branch("other")
    system.versions.merge("other")
    system.store.gc(delete=True)
    system.tasks.remove("two")
over.set()
after = seen()
for kind in before:
    if after[kind] != before[kind]:
        found[kind] = (before[kind], after[kind])
assert not found, {kind: [one for one in now if one not in before[kind]] for kind, (_, now) in found.items()}
"""


def test_the_library_touches_nothing_of_the_process(tmp_path: Path) -> None:
    root = Path(__file__).parent.parent
    done = subprocess.run([sys.executable, "-c", CODE, tmp_path], capture_output=True, text=True, cwd=root)
    assert done.returncode == 0, done.stderr[-3000:]
