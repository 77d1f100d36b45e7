import re
from pathlib import Path

import numpy as np
import pytest
from ramet.study.figures import mean_curve

from ramet import study
from ramet.base.errors import StoreError
from ramet.system import System
from tests.study.test_page import Reader
from tests.study.examples import a_design, a_report


def test_the_page_stands_alone(system: System, tmp_path: Path) -> None:
    study.write_page(study.report(system, "mu"), tmp_path / "pages" / "mu.html")
    text = (tmp_path / "pages" / "mu.html").read_text()
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    assert all(reference.startswith("#") for reference in reader.references)
    assert not {"script", "link", "img", "iframe"} & reader.tags
    assert text.count("<svg") == 3
    assert "prefers-color-scheme: dark" in text
    assert not re.search("#1c2024|#d3d8de|#fefefe", text.partition("</style>")[2])
    assert [file.name for file in (tmp_path / "pages").iterdir()] == ["mu.html"]


@pytest.mark.parametrize("variants", [("a", "b"), tuple("abcdefghij")])
def test_equal_reports_give_equal_pages(variants: tuple[str, ...], tmp_path: Path) -> None:
    for name in ("one.html", "two.html"):
        study.write_page(a_report(a_design(*variants)), tmp_path / name)
    assert (tmp_path / "one.html").read_bytes() == (tmp_path / "two.html").read_bytes()


def test_a_page_that_cannot_be_written(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="cannot write"):
        study.write_page(a_report(a_design("a", "b")), tmp_path / "file" / "page.html")


def test_the_mean_of_curves_is_of_what_each_had_by_then() -> None:
    at, mean = mean_curve([[(1.0, 0.2), (3.0, 0.6)], [(2.0, 0.4), (4.0, 0.8)]])
    assert (at[0], at[-1]) == (2.0, 4.0)
    assert (mean[0], mean[-1]) == pytest.approx((0.3, 0.7))
    assert np.all(np.diff(mean) >= 0)
