"""A system that its user may only read: looking works, and what would write says why it cannot."""

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pytest
from PIL import Image

import ramet
from tests.cli.helpers import BUDGET, TASKS, run, run_json

NOBODY = 65534


@contextmanager
def as_nobody() -> Iterator[None]:
    """Run as a user without rights, since root may write everywhere."""
    if os.geteuid() != 0:
        yield
        return
    os.seteuid(NOBODY)
    try:
        yield
    finally:
        os.seteuid(0)


def allow(folder: Path, files: int, folders: int) -> None:
    for path in (folder, *folder.rglob("*")):
        path.chmod(folders if path.is_dir() else files)


@pytest.fixture
def read_only(grown: Path) -> Iterator[Path]:
    with TemporaryDirectory() as name:  # not below tmp_path: its parents are closed to other users
        os.chmod(name, 0o755)
        folder = shutil.copytree(grown, Path(name) / "colony")
        allow(folder, 0o444, 0o555)
        try:
            yield folder
        finally:
            allow(folder, 0o644, 0o755)


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
@pytest.mark.parametrize("open_elsewhere", [False, True], ids=["closed", "open"])
def test_looking_at_it_works(read_only: Path, open_elsewhere: bool) -> None:
    image = read_only.parent / "image.png"
    Image.new("L", (16, 16)).save(image)
    before = sorted(read_only.rglob("*"))
    writer = None
    if open_elsewhere and os.geteuid() == 0:
        writer = ramet.open(read_only)
        path = next(iter(writer.store.catalog.versions.published().values()))
        writer.store.catalog.versions.publish([replace(path, metrics={"marked": 0.5})], message="", method="")
    with as_nobody():
        assert run_json("status", folder=read_only)[0]["task"] in (*TASKS, "fresh")
        for look in (("show", TASKS[0]), ("history", TASKS[0]), ("log",), ("verify",), ("predict", TASKS[0], image)):
            run(*look, folder=read_only)
        metrics = [path.metrics for path in ramet.open(read_only).store.catalog.versions.published().values()]
        assert any("marked" in known for known in metrics) == (writer is not None)
        for write in (("evolve", TASKS[0]), ("branch", "other"), ("tag", "first")):
            told = run(*write, code=2, folder=read_only).stderr
            assert "writable" in told.splitlines()[-1]
    if writer is None:
        assert sorted(read_only.rglob("*")) == before
    else:
        writer.store.catalog.close()


@pytest.mark.skipif(os.name == "nt", reason="permissions of POSIX")
def test_evolve_is_refused_before_its_cost_is_measured(read_only: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def measured(*_: object) -> None:
        raise AssertionError("a step was trained")

    monkeypatch.setattr("ramet.evolution.evolve.TRIAL_SHARE", 1000)
    monkeypatch.setattr("ramet.evolution.evolve.trial", measured)
    with as_nobody():
        assert "writable" in run("evolve", "fresh", *BUDGET, code=2, folder=read_only).stderr
