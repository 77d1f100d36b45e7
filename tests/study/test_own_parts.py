"""Variants with parts of a user's own: what fails in one, what changed, and what is gone."""

from pathlib import Path

import pytest

from ramet import study
from ramet.base.errors import InvalidValue
from ramet.study import Design
from ramet.system import System
from tests.study.conftest import FILE, written

CODE = """\
from ramet.method.parts import Part, register


@register("score", "mine")
class Mine(Part):
    price: float = 0.1

    def score(self, path, quality, world):
        {body}
"""


def own(folder: Path, body: str) -> Design:
    """The experiment with a variant of an own score, one seed and one task."""
    (folder / "mine.py").write_text(CODE.format(body=body))
    (folder / "mine.yaml").write_text("extends: munet\nname: mine\nparts: [mine.py]\nscore: mine\n")
    text = FILE.replace("method: munet", "method: mine.yaml").replace("seeds: 2", "seeds: 1").replace(", two]", "]")
    return study.read(written(folder, text))


def test_a_part_that_fails_is_on_record_with_its_line_and_the_others_go_on(before: System, tmp_path: Path) -> None:
    study.run(before, own(tmp_path, "return quality / (path.task is None)"))
    found = study.report(before, "mu")
    fault = found.faults[0]
    assert (fault.state, fault.variant) == ("failed", "fixed")
    assert f"{tmp_path / 'mine.py'}:9" in fault.why
    assert "ZeroDivisionError" in fault.why
    assert {record.variant for record in found.done} == {"learned"}
    assert before.store.verify() == []


def test_another_code_is_another_experiment(before: System, tmp_path: Path) -> None:
    study.run(before, own(tmp_path, "return quality - self.price"))
    with pytest.raises(InvalidValue, match="another content, and one is never edited"):
        study.run(before, own(tmp_path, "return quality - 2 * self.price"))


def test_the_report_is_the_same_when_a_variants_code_is_gone(before: System, tmp_path: Path) -> None:
    study.run(before, own(tmp_path, "return quality - self.price"))
    whole = study.report(before, "mu")
    fixed = next(record for record in whole.records if record.variant == "fixed")
    assert fixed.own_score == pytest.approx(fixed.score - 0.1)
    (tmp_path / "mine.py").unlink()
    assert study.report(before, "mu").variants == whole.variants
    assert study.report(before, "mu").records == whole.records
    assert study.merge(before, "mu").changed
