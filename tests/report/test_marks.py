import pytest

from ramet.base.errors import InvalidValue
from ramet.report.marks import filled, names, place

TEXT = "# Title\n<!-- a:one -->\nold\n<!-- end of a:one -->\n<!-- a:two --><!-- end of a:two -->\n<!-- b.one -->\n"


def test_content_takes_the_place_between_its_marks() -> None:
    once = filled(TEXT, "a:one", "new\n")
    assert once == TEXT.replace("old\n", "new\n")
    assert filled(once, "a:one", "new\n") == once
    assert TEXT[slice(*place(TEXT, "a:two"))] == ""


@pytest.mark.parametrize("name", ["a:three", "b.one", "a.one"])
def test_a_text_without_the_place_is_refused(name: str) -> None:
    with pytest.raises(InvalidValue, match=f"no place for {name}; write <!-- {name} --> and <!-- end of {name} -->"):
        place(TEXT, name)


@pytest.mark.parametrize(("prefix", "found"), [("a:", ["a:one", "a:two"]), ("b.", ["b.one"]), ("c:", [])])
def test_names(prefix: str, found: list[str]) -> None:
    assert names(TEXT, prefix) == found
