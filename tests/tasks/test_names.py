import pytest
from hypothesis import given
from hypothesis import strategies as st

from ramet.base.errors import InvalidValue
from ramet.tasks.names import MAX_NAME, check_name


@pytest.mark.parametrize(
    "name", ["flowers", "a", "7", "cmaterdb/bangla", "vtab-1k/dtd_v2.0", "A..b", "a/.b", "x" * MAX_NAME]
)
def test_names(name: str) -> None:
    assert check_name(name) == name


@pytest.mark.parametrize(
    "name",
    ["", ".", "..", "/", "a/", "/a", "a//b", "a/..", "a/./b", "../a", "-a", "_a", ".a", "a b", "a+b", "a\\b", "é", "٣",
     "a\n", "a\0", "x" * (MAX_NAME + 1)],
)  # fmt: skip
def test_no_names(name: str) -> None:
    with pytest.raises(InvalidValue, match="cannot be the name of a task; use letters") as raised:
        check_name(name)
    assert repr(name) in raised.value.problem


@given(st.text(max_size=12))
def test_a_name_stays_in_its_folder(name: str) -> None:
    try:
        check_name(name)
    except InvalidValue:
        return
    assert ".." not in name.split("/")
    assert name[0] not in "/-."
    assert name.isascii()
