from collections.abc import Iterable
from functools import partial
from itertools import pairwise
from pathlib import Path
from xml.etree import ElementTree

import matplotlib as mpl
import numpy as np
import pytest
from PIL import Image

from ramet.report.document import pictures
from ramet.report.style import COLOURS, MARKERS, draw, styled
from ramet.study.figures import FIGURES, looks, mean_curve
from ramet.study.parts import parts
from ramet.study.summary import Summary
from tests.study.made import DESIGN, TASKS, a_design, a_report, a_variant, records, summary_of


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
    made = pictures(parts(summary))
    _draw(summary, made, tmp_path)
    assert len(list(tmp_path.iterdir())) == 2 * len(made)
    assert set(made) == set(FIGURES) - ({"sharing"} if len(tasks) == 1 else set())


def test_a_variant_has_the_marker_of_its_family_and_a_colour_of_its_own(summary: Summary) -> None:
    found = looks(summary.variants)
    assert found["evolved"] == (COLOURS[0], MARKERS[0])
    assert found["evolved-s.9"][1] == MARKERS[0]
    assert found["finetune"] == (COLOURS[1], MARKERS[1])
    assert len({colour for colour, _ in found.values()}) == 3


def test_looks_go_round_and_no_member_of_a_large_family_vanishes() -> None:
    family = [a_variant(f"f{i}", family="one") for i in range(9)]
    design = a_design(*"abcdefgh")
    found = looks(a_report(design.model_copy(update={"variants": (*design.variants, *family)})).variants)
    assert found["f0"] == found["a"]
    shades = [found[f"f{i}"][0] for i in range(9)]
    assert len(set(shades)) == 9
    assert all(min(bytes.fromhex(shade[1:])) < 160 for shade in shades)


@pytest.mark.parametrize("name", ["differences", "frontier-params", "accuracy", "size"])
def test_a_variant_looks_the_same_in_all_figures(name: str, summary: Summary) -> None:
    with styled():
        figure = FIGURES[name](summary)
    marked = {(line.get_color(), line.get_marker()) for axes in figure.axes for line in axes.lines}
    drawn = {look for look in marked if look[1] in MARKERS}
    of_all = looks(summary.variants)
    assert drawn == {look for variant, look in of_all.items() if (name, variant) != ("differences", "evolved")}


@pytest.mark.parametrize("name", ["frontier-params", "frontier-flops"])
def test_every_point_of_a_frontier_has_a_number_that_the_legend_names(name: str, summary: Summary) -> None:
    with styled():
        figure = FIGURES[name](summary)
        figure.draw_without_rendering()
    (axes,), (legend,) = figure.axes, figure.legends
    assert [text.get_text() for text in axes.texts] == ["1", "2", "3"]
    assert [text.get_text() for text in legend.texts] == [
        "1  µ2Net+: s = 1",
        "2  µ2Net+: s = .9",
        "3  full fine-tuning",
    ]
    points = [line.get_xydata()[0] for line in axes.lines if line.get_marker() in MARKERS]
    assert [text.xy for text in axes.texts] == [tuple(point) for point in points]
    assert not legend.get_window_extent().overlaps(axes.get_window_extent())


def test_the_numbers_of_points_that_coincide_are_side_by_side() -> None:
    with styled():
        (axes,) = FIGURES["frontier-flops"](a_report(a_design("a", "b", "c"))).axes
    assert [text.get_text() for text in axes.texts] == ["1, 2, 3"]


def test_the_labels_of_neighbouring_panels_do_not_touch(summary: Summary) -> None:
    with styled():
        figure = FIGURES["differences"](summary)
        figure.draw_without_rendering()
    labels = [
        [label.get_window_extent() for label in axes.get_xticklabels() if low <= label.get_position()[0] <= high]
        for axes in figure.axes
        for low, high in [axes.get_xlim()]
    ]
    assert all(left[-1].x1 + 4 < right[0].x0 for left, right in pairwise(labels))


def test_the_mean_of_curves_is_of_what_each_had_by_then() -> None:
    at, mean = mean_curve([[(1.0, 0.2), (3.0, 0.6)], [(2.0, 0.4), (4.0, 0.8)]])
    assert (at[0], at[-1]) == (2.0, 4.0)
    assert (mean[0], mean[-1]) == pytest.approx((0.3, 0.7))
    assert np.all(np.diff(mean) >= 0)


def _draw(summary: Summary, names: Iterable[str], folder: Path) -> None:
    draw({name: partial(FIGURES[name], summary) for name in names}, folder)
