"""The entry points of this tree, as an install of it would declare them."""

import tomllib
from pathlib import Path

import pytest


@pytest.fixture
def installed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> dict[str, str]:
    """What pyproject.toml declares, in the metadata of a package that is on the path."""
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    points: dict[str, str] = project["entry-points"]["ramet.methods"]
    folder = tmp_path / "site" / "ramet_points-0.dist-info"
    folder.mkdir(parents=True)
    (folder / "METADATA").write_text("Metadata-Version: 2.1\nName: ramet-points\nVersion: 0\n")
    lines = "".join(f"{name} = {module}\n" for name, module in points.items())
    (folder / "entry_points.txt").write_text(f"[ramet.methods]\n{lines}")
    monkeypatch.syspath_prepend(str(folder.parent))
    return points
