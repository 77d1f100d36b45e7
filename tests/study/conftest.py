"""A small experiment, run: two variants, two seeds, two tasks; and outcomes made by hand."""

import shutil
from pathlib import Path

import pytest
import torch

import ramet.system as ramet
from ramet import study
from ramet.study import Design
from ramet.study.summary import Summary
from ramet.study.write import write_report
from ramet.system import System
from tests.evolution.conftest import make_system
from tests.study.made import records, summary_of
from tests.study.made import written as write_records

torch.set_num_threads(1)

FILE = """\
name: mu
description: Is a learned µ better than a fixed one?
tasks: [one, two]
seeds: 2
set: {batch: 32, mu: 0.3}
budget: {cycles: 2, samples_per_cycle: 2, generation: 1, validations: 1, examples_per_validation: 96}
variants:
  learned: mu2net-plus
  fixed:
    method: munet
    set: {mu: [0.3]}
"""


def written(folder: Path, text: str = FILE) -> Path:
    """An experiment's file."""
    file = folder / "experiment.yaml"
    file.write_text(text)
    return file


@pytest.fixture(scope="session")
def design(tmp_path_factory: pytest.TempPathFactory) -> Design:
    return study.read(written(tmp_path_factory.mktemp("file")))


@pytest.fixture(scope="session")
def sown(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A system before the experiment; not to be changed."""
    return closed(make_system(tmp_path_factory.mktemp("sown"), "one", "two"))


@pytest.fixture(scope="session")
def grown(sown: Path, design: Design, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The system after the experiment; not to be changed."""
    system = ramet.open(shutil.copytree(sown, tmp_path_factory.mktemp("grown") / "system"))
    study.run(system, design)
    return closed(system)


@pytest.fixture
def before(sown: Path, tmp_path: Path) -> System:
    """A copy of the system before the experiment, to be changed at will."""
    return ramet.open(shutil.copytree(sown, tmp_path / "system"))


@pytest.fixture
def system(grown: Path, tmp_path: Path) -> System:
    """A copy of the system after the experiment, to be changed at will."""
    return ramet.open(shutil.copytree(grown, tmp_path / "system"))


def closed(system: System) -> Path:
    system.close()
    return system.store.folder


def commits(system: System, name: str = "mu") -> dict[tuple[str, int], str]:
    """Where every trial ended: the id follows from all that was published on the way."""
    ended = {trial.branch: trial.commit for trial in system.experiments.trials(name)}
    slots = Design.model_validate(system.experiments.get(name).design).slots()
    return {(slot.variant, slot.seed): ended[slot.branch] for slot in slots if slot.branch in ended}


@pytest.fixture(scope="session")
def summary() -> Summary:
    """Of a suite of which every run is done."""
    return summary_of(records())


@pytest.fixture(scope="session")
def reported(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of its report."""
    folder = tmp_path_factory.mktemp("benchmark") / "tiny"
    write_report(write_records(folder, records()), folder / "report")
    return folder / "report"
