from pathlib import Path

import pytest
from benchmarks.speed.colony import grow

from ramet.system import System

ROOT = "random:vit_tiny_patch16@32x3"
TASKS = 3


@pytest.fixture(scope="session")
def scratch(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder that benchmarks work in, where the made-up system is."""
    folder = tmp_path_factory.mktemp("benchmark")
    grow(folder / "colony", ROOT, TASKS, lambda _: None)
    return folder


@pytest.fixture
def colony(scratch: Path) -> System:
    """A made-up system of 3 tasks, each with 2 of 3 blocks of its own."""
    return grow(scratch / "colony", ROOT, TASKS, lambda _: pytest.fail("it is there already"))
