from collections.abc import Iterable
from functools import partial
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from ramet.report.style import draw
from ramet.report.tables import Picture
from ramet.study.figures import FIGURES, mean_curve
from ramet.study.parts import parts
from ramet.study.summary import Summary
from tests.study.made import DESIGN, TASKS, records, summary_of


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_drawn(name: str, reported: Path) -> None:
    assert ElementTree.parse(reported / f"{name}.svg").getroot().tag.endswith("svg")
    with Image.open(reported / f"{name}.png") as image:
        assert min(image.size) > 150
        assert len(image.convert("RGB").getcolors(1 << 24)) > 10


def test_equal_records_give_equal_bytes(summary: Summary, reported: Path, tmp_path: Path) -> None:
    mpl.rcParams["font.size"] = 20
    _draw(summary, ["frontier-params", "sharing"], tmp_path)
    assert mpl.rcParams["font.size"] == 20
    mpl.rcdefaults()
    for file in tmp_path.iterdir():
        assert file.read_bytes() == (reported / file.name).read_bytes()


def test_svgs_name_neither_the_day_nor_the_machine(reported: Path) -> None:
    svg = (reported / "frontier-params.svg").read_text()
    assert "dc:date" not in svg
    assert "dc:creator" not in svg


@pytest.mark.parametrize("tasks", [TASKS[:1], TASKS[:2]])
def test_a_partly_finished_benchmark_is_drawn(tasks: tuple[str, ...], tmp_path: Path) -> None:
    """With one seed and a method that is missing."""
    runs = (one for one in records(lambda v, task, seed: v == "finetune" or task not in tasks) if one.seed == 0)
    summary = summary_of(runs, DESIGN.model_copy(update={"reported": {}}))
    made = [name for part in parts(summary) for name in (b.name for b in part.blocks if isinstance(b, Picture))]
    _draw(summary, made, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2 * len(made)
    assert set(made) == set(FIGURES) - ({"sharing"} if len(tasks) == 1 else set())


def test_the_mean_of_curves_is_of_what_each_had_by_then() -> None:
    at, mean = mean_curve([[(1.0, 0.2), (3.0, 0.6)], [(2.0, 0.4), (4.0, 0.8)]])
    assert (at[0], at[-1]) == (2.0, 4.0)
    assert (mean[0], mean[-1]) == pytest.approx((0.3, 0.7))
    assert np.all(np.diff(mean) >= 0)


def _draw(summary: Summary, names: Iterable[str], folder: Path) -> None:
    draw({name: partial(FIGURES[name], summary) for name in names}, folder)
