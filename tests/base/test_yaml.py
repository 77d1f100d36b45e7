import pytest

from ramet.base.errors import InvalidValue, UnknownName
from ramet.base.yaml import Yaml, read_yaml

TEXT = """\
name: a
variants:
  one: {method: m}
  two:
    method: n
tasks:
  - x
  - {name: y,
     source: z}
"""


@pytest.mark.parametrize(
    ("field", "line"),
    [
        ((), 1),
        (("name",), 1),
        (("variants",), 2),
        (("variants", "one"), 3),
        (("variants", "one", "method"), 3),
        (("variants", "two", "method"), 5),
        (("variants", "two", "missing"), 4),
        (("variants", "three", "method"), 2),
        (("tasks", 0), 7),
        (("tasks", 1, "source"), 9),
        (("tasks", 7), 6),
        (("nothing",), 1),
    ],
)
def test_a_field_has_a_line(field, line):
    assert Yaml(TEXT, "f.yaml").at(field) == f"f.yaml:{line}"


def test_an_error_with_a_field_gets_its_place():
    text = Yaml(TEXT, "f.yaml")
    with pytest.raises(UnknownName) as caught, text.located(("variants",)):
        raise UnknownName("no method is called 'n'", "choose one of m", field=("two", "method"))
    assert caught.value.problem == "f.yaml:5: no method is called 'n'"
    assert caught.value.remedy == "choose one of m"
    assert caught.value.field == ("variants", "two", "method")


def test_an_error_without_a_field_stays_as_it_is():
    error = InvalidValue("the disk has a colour", "paint it")
    with pytest.raises(InvalidValue) as caught, Yaml(TEXT, "f.yaml").located():
        raise error
    assert caught.value is error


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("a: [1, 2", "f.yaml:1: not YAML"),
        ("a: 1\nb: : 2", "f.yaml:2: not YAML"),
        ("a: 1\nb:\n  c: 1\n  c: 2", "f.yaml:4: 'c' is there twice"),
        ("a:\n- b: 1\n  b: 2", "f.yaml:3: 'b' is there twice"),
        ("a: 2026-13-40", "f.yaml: not YAML"),
    ],
)
def test_what_is_no_yaml_is_refused_with_its_line(text, said):
    with pytest.raises(InvalidValue) as caught:
        Yaml(text, "f.yaml")
    assert caught.value.problem.startswith(said)


def test_a_file_is_read_whole_or_refused(tmp_path):
    file = tmp_path / "a.yaml"
    file.write_text("µ: [1, 2.5, true]", encoding="utf-8")
    assert read_yaml(file, "the method").value == {"µ": [1, 2.5, True]}
    file.write_bytes(b"a: \xff")
    with pytest.raises(InvalidValue, match=f"cannot read the method {file}: it is not UTF-8 text"):
        read_yaml(file, "the method")
    with pytest.raises(InvalidValue, match=r"cannot read the suite .*nowhere"):
        read_yaml(tmp_path / "nowhere", "the suite")
