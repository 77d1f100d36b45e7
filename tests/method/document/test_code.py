import hashlib
from pathlib import Path

import pytest

from ramet.base.errors import InvalidValue, PartError, UnknownName
from ramet.method.document.code import Source, imported, located
from ramet.method.document.presets import load

CODE = """
from ramet.method.parts import Part, register

@register("parents", "first")
class First(Part):
    def choose(self, among):
        return among.paths[0].id
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    made = tmp_path / "first.py"
    made.write_text(CODE)
    return made


def method(file: Path) -> str:
    return f"extends: mu2net-plus\nname: first\nparts: [{file}]\nparents: first\n"


def test_a_file_is_found_beside_its_method_and_named_with_its_digest(file: Path) -> None:
    found = located("first.py", file.parent)
    assert found == Source(source=str(file), digest=hashlib.sha256(CODE.encode()).hexdigest())
    assert located(found.model_dump(), Path("elsewhere")) == found
    with pytest.raises(UnknownName, match=r"cannot read first\.py"):
        located("first.py", Path("elsewhere"))


def test_a_record_from_elsewhere_runs_nothing_in_the_current_folder(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(file.parent)
    digest = hashlib.sha256(CODE.encode()).hexdigest()
    with pytest.raises(InvalidValue, match=r"the place of first\.py is not absolute"):
        located({"source": "first.py", "digest": digest}, Path())


def test_two_methods_of_one_process_keep_their_own_code(file: Path) -> None:
    before = load(method(file))
    file.write_text(CODE.replace("[0]", "[-1]"))
    after = load(method(file))
    assert before.fingerprint != after.fingerprint
    assert type(before.parents) is not type(after.parents)
    assert before != after
    with pytest.raises(InvalidValue, match=r"first\.py is other code than the method was made with"):
        load(before.to_yaml())
    assert load(after.to_yaml()) == after


def test_where_a_file_lies_does_not_count(file: Path, tmp_path: Path) -> None:
    other = tmp_path / "elsewhere" / "renamed.py"
    other.parent.mkdir()
    other.write_text(CODE)
    assert load(method(file)).label == load(method(other)).label


def test_a_part_that_nobody_names_is_not_known(file: Path) -> None:
    imported(located(str(file), Path()))
    with pytest.raises(UnknownName, match="parents is 'first'"):
        load("mu2net-plus", {"parents": "first"})
    assert load("mu2net-plus", {"parts": f"[{file}]", "parents": "first"}).label.startswith("mu2net-plus")


def test_code_that_fails_leaves_nothing_behind(file: Path) -> None:
    file.write_text(f"{CODE}\nraise ValueError('half way')\n")
    for _ in range(2):
        with pytest.raises(PartError, match=r"first\.py:9: ValueError: half way"):
            load(method(file))
    file.write_text(CODE)
    assert load(method(file))


@pytest.mark.parametrize("raw", [3, None, {"source": 3}, {"source": "a.py", "digets": "x"}, ["a.py"]])
def test_what_names_no_source_is_refused(raw: object) -> None:
    with pytest.raises(InvalidValue, match="name Python files or modules"):
        located(raw, Path())


@pytest.mark.parametrize("name", ["no_such_module", "no.such.module", "ramet.extensions.nothing", ".", ""])
def test_a_module_that_is_not_there_is_named(name: str) -> None:
    with pytest.raises(UnknownName, match="there is no module"):
        located(name, Path())


def test_a_module_is_a_source() -> None:
    found = load("extends: mu2net-plus\nparts: ramet.extensions.similarity\nparents: similarity\n")
    assert [source.source for source in found.parts] == ["ramet.extensions.similarity"]
    assert load(found.to_yaml()) == found
