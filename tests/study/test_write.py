import re
from pathlib import Path

import pytest

from ramet import study
from ramet.base.errors import StoreError
from ramet.system import System
from tests.study.made import a_design, a_report
from tests.study.test_page import Reader


def test_the_page_stands_alone(system: System, tmp_path: Path) -> None:
    study.write_page(study.report(system, "mu"), tmp_path / "pages" / "mu.html")
    text = (tmp_path / "pages" / "mu.html").read_text()
    reader = Reader()
    reader.feed(text)
    reader.close()
    assert reader.open == []
    assert all(reference.startswith("#") for reference in reader.references)
    assert not {"script", "link", "img", "iframe"} & reader.tags
    assert text.count("<svg") == 8
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
