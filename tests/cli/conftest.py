import shutil
from pathlib import Path

import pytest

from tests.cli.helpers import BUDGET, ROOT, TASKS, run


@pytest.fixture(scope="session")
def sown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A system with two tasks that are not learned yet; not to be changed."""
    folder = tmp_path_factory.mktemp("sown") / "colony"
    run("init", folder, "--root", ROOT)
    for task in TASKS:
        run("task", "add", task, f"demo:{task}", folder=folder)
    return folder


@pytest.fixture(scope="session")
def grown(sown: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The system with its two tasks evolved, and a third one that is not; not to be changed."""
    folder = tmp_path_factory.mktemp("grown") / "colony"
    shutil.copytree(sown, folder)
    run("evolve", *TASKS, *BUDGET, folder=folder)
    run("task", "add", "fresh", "demo:ogham", folder=folder)
    return folder


@pytest.fixture
def seedbed(sown: Path, tmp_path: Path) -> Path:
    """A copy of the system before evolution, to be changed at will."""
    return shutil.copytree(sown, tmp_path / "colony")


@pytest.fixture
def colony(grown: Path, tmp_path: Path) -> Path:
    """A copy of the evolved system, to be changed at will."""
    return shutil.copytree(grown, tmp_path / "colony")
