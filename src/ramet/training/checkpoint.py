"""The state of a generation at its last validation, kept in a folder, from which the same call goes on bit for bit.

One safetensors file a child, and `state.json`, which is written last and names the round: what it names is whole.
"""

import json
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

from safetensors.torch import load, save

from ramet.base.files import write_whole
from ramet.training.learner import Learner

_MANIFEST = "state.json"


def write(folder: Path, call: str, done: int, learners: Sequence[Learner | None], rows: int | None) -> None:
    """Keep the state after so many rounds in place of an earlier one.

    Args:
        folder: of this generation alone; it is made.
        call: names what is trained; a state is only ever read by the call that wrote it.
        done: rounds.
        learners: the children; None where one could not be assembled.
        rows: how many fit into memory at once in what children share, None for all.

    Raises:
        StoreError: the disk is full, read-only or failing.
    """
    states = [learner.state() if learner else ({}, {}) for learner in learners]
    for number, (_, tensors) in enumerate(states):
        write_whole(folder / _file(done, number), save({key: t.cpu().contiguous() for key, t in tensors.items()}))
    manifest = {"call": call, "done": done, "rows": rows, "learners": [plain for plain, _ in states]}
    write_whole(folder / _MANIFEST, json.dumps(manifest).encode())
    current = {_MANIFEST, *(_file(done, number) for number in range(len(states)))}
    for file in folder.iterdir():
        if file.name not in current:
            with suppress(OSError):
                file.unlink()


def resume(folder: Path, call: str, learners: Sequence[Learner | None]) -> tuple[int, int | None]:
    """Bring learners to the state that the same call has kept; return its rounds and rows, 0 and None without one."""
    try:
        manifest = json.loads((folder / _MANIFEST).read_bytes())
    except FileNotFoundError:
        return 0, None
    if manifest["call"] != call:
        return 0, None
    done: int = manifest["done"]
    for number, (learner, plain) in enumerate(zip(learners, manifest["learners"], strict=True)):
        if learner and plain:
            learner.restore(plain, load((folder / _file(done, number)).read_bytes()))
    return done, manifest["rows"]


def _file(done: int, number: int) -> str:
    return f"round-{done}.child-{number}.safetensors"
