import subprocess
import sys

import pytest

import ramet
import ramet.system
from ramet.evolution.observer import Observer


def test_importing_the_package_loads_nothing_heavy() -> None:
    code = "import ramet, sys; print({'torch', 'numpy', 'sqlalchemy', 'pydantic', 'typer'} & sys.modules.keys())"
    assert subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout == "set()\n"


def test_the_facade_is_there_when_it_is_used() -> None:
    assert ramet.open is ramet.system.open
    assert ramet.init is ramet.system.init
    assert ramet.System is ramet.system.System
    assert ramet.Observer is Observer


def test_every_public_name_is_there() -> None:
    assert set(ramet.__all__) <= set(dir(ramet))
    assert all(getattr(ramet, name) is not None for name in ramet.__all__)


def test_an_unknown_name_is_an_error() -> None:
    with pytest.raises(AttributeError, match="evolv"):
        _ = ramet.evolv  # type: ignore[attr-defined]


def test_the_module_runs_as_the_command() -> None:
    done = subprocess.run([sys.executable, "-m", "ramet", "--version"], capture_output=True, text=True, check=True)
    assert done.stdout == f"ramet {ramet.__version__}\n"
