"""Measure roots on tasks: `python -m recipes.root.measure --out FILE.jsonl --roots packaged --tasks DIR/*.npz`.

For every root, task, method and seed one line with the test accuracy: `probe` is a head in closed form on frozen
features, all others are methods of ramet. A line that is there is not measured again. `--table` prints what there is.
"""

import argparse
import json
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from statistics import fmean

import numpy as np
import torch

import ramet
from ramet.runtime.device import choose_device
from ramet.runtime.inference import LoadedPath
from ramet.runtime.program import Resident
from ramet.system import System
from ramet.training.closed_form import closed_form


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--roots", nargs="+", default=["packaged"])
    parser.add_argument("--tasks", nargs="*", default=[])
    parser.add_argument("--methods", nargs="+", default=["probe", "lean"])
    parser.add_argument("--set", nargs="*", default=[], metavar="KEY=VALUE")
    parser.add_argument("--seeds", type=int, nargs="+", default=[0])
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--table", action="store_true")
    arguments = parser.parse_args()
    torch.set_num_threads(arguments.threads)
    lines = [json.loads(line) for line in arguments.out.read_text().splitlines()] if arguments.out.exists() else []
    done = {(e["root"], e["task"], e["method"], e["seed"]) for e in lines}
    settings = dict(pair.split("=", 1) for pair in arguments.set)
    for root in arguments.roots:
        for task in arguments.tasks:
            wanted = [(m, s) for m in arguments.methods for s in arguments.seeds]
            wanted = [
                (m, s) for m, s in wanted if (root, Path(task).stem, m, s) not in done and (m != "probe" or s == 0)
            ]
            if wanted:
                lines += _measured(root, task, wanted, settings, arguments.out)
    if arguments.table:
        _show(lines)


def _measured(root: str, task: str, wanted: list[tuple[str, int]], settings: dict[str, str], out: Path) -> list[dict]:
    name, found = Path(task).stem, []
    for method, seed in wanted:
        with tempfile.TemporaryDirectory() as folder, ramet.init(Path(folder) / "system", root) as system:
            system.tasks.add("task", task if ":" in task else f"npz:{task}")
            began = time.perf_counter()
            if method == "probe":
                accuracy, details = _probe(system), {}
            else:
                (status,) = system.evolve("task", method=method, settings=settings, seed=seed, quiet=True)
                flops = sum(child.cost["flops"] for child in system.history("task"))
                accuracy = status.test_quality
                details = {"params": status.accounted_params, "own": status.trained_params, "flops": flops}
            line = {"root": root, "task": name, "method": method, "seed": seed, "test": accuracy, "settings": settings}
            line |= {"seconds": round(time.perf_counter() - began, 1), **details}
            with out.open("a") as file:
                file.write(json.dumps(line) + "\n")
            print(line, flush=True)
            found.append(line)
    return found


def _probe(system: System) -> float:
    (root,) = system.roots().values()
    loaded = LoadedPath(root, Resident(system.store.opened.objects.get, choose_device("cpu")))
    task = system.tasks["task"]

    def features(split: str) -> tuple[torch.Tensor, torch.Tensor]:
        part = system.examples("task", split)
        rows = [loaded.features(np.array(part.images[i : i + 256])) for i in range(0, len(part.labels), 256)]
        return torch.cat(rows), torch.from_numpy(np.array(part.labels))

    (x, y), (tx, ty) = features("train"), features("test")
    head = closed_form(x, y, len(task.classes))
    return float(((tx @ head.weight.T + head.bias).argmax(1) == ty).double().mean())


def _show(lines: list[dict]) -> None:
    columns = sorted({(e["root"], e["method"]) for e in lines})
    values = defaultdict(list)
    for e in lines:
        values[e["task"], e["root"], e["method"]].append(e["test"])
    print("| task | " + " | ".join(f"{root} {method}" for root, method in columns) + " |")
    print("| --- |" + " --- |" * len(columns))
    for task in dict.fromkeys(e["task"] for e in lines):
        cells = [f"{fmean(values[task, *c]):.3f}" if (task, *c) in values else "" for c in columns]
        print(f"| {task} | " + " | ".join(cells) + " |")


if __name__ == "__main__":
    main()
