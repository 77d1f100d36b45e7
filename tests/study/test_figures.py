from dataclasses import replace
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import pytest
from PIL import Image
from ramet.study.figures import FIGURES, draw
from ramet.study.runs import gather
from ramet.study.summary import Summary, summarise

from tests.study.made import TASKS, TERMS, records


@pytest.mark.parametrize("name", FIGURES)
def test_figures_are_drawn(name: str, reported: Path) -> None:
    assert ElementTree.parse(reported / f"{name}.svg").getroot().tag.endswith("svg")
    with Image.open(reported / f"{name}.png") as image:
        assert min(image.size) > 200
        assert len(image.convert("RGB").getcolors(1 << 24)) > 10


def test_equal_records_give_equal_bytes(summary: Summary, reported: Path, tmp_path: Path) -> None:
    mpl.rcParams["font.size"] = 20
    draw(summary, ["frontier-params", "sharing"], tmp_path)
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
    draw(summarise(gather(replace(TERMS, reported={}), runs)), FIGURES, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2 * len(FIGURES)
