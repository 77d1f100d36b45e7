import hashlib
from pathlib import Path
from typing import Any

import pytest

from ramet.base.errors import InvalidValue, PartError, RametError, UnknownName
from ramet.method.document.presets import load
from ramet.method.parts import (
    DEFAULTS,
    KINDS,
    Library,
    Part,
    Source,
    described,
    imported,
    located,
    plain,
    refuse,
    register,
    working,
)
from ramet.method.schedule import Cosine
from ramet.method.world import SizeAndCompute


class Idle(Part):
    """Does nothing.

    At all.
    """

    patience: int = 3

    def choose(self, among: Any) -> str:
        raise LookupError("nobody\nis there")


def test_a_part_is_written_by_its_name_and_settings() -> None:
    assert plain(Cosine()) == "cosine"
    assert plain(SizeAndCompute(factor=0.5)) == {"factor": 0.5, "params": None, "flops": None}
    idle = register("parents", "idle")(Idle)()
    assert plain(idle) == {"part": "idle", "patience": 3}
    assert described(Idle) == {
        "kind": "parents", "name": "idle", "settings": ["patience"], "description": "Does nothing.",
        "origin": __file__,
    }  # fmt: skip


@pytest.mark.parametrize("kind", DEFAULTS)
def test_a_mapping_without_a_name_means_the_default(kind: str) -> None:
    assert Library().build(kind, {}, (kind,)).part == DEFAULTS[kind]
    assert Library().build(kind, DEFAULTS[kind], ()) == Library().build(kind, {"part": DEFAULTS[kind]}, ())


def test_every_kind_but_what_is_none_by_default_has_parts() -> None:
    assert {part.kind for part in Library()._known.values()} == KINDS.keys() - {"augmentation"}


@pytest.mark.parametrize(
    ("kind", "name", "of", "error", "message"),
    [
        ("parent", "mine", Idle, UnknownName, "no kind of part is called 'parent'; did you mean parents"),
        ("parents", "Mine", Idle, InvalidValue, "a part cannot be called 'Mine'"),
        ("parents", "", Idle, InvalidValue, "a part cannot be called ''"),
        ("score", "mine", Idle, InvalidValue, "score 'mine' has no 'score'"),
        ("augmentation", "mine", Idle, InvalidValue, "augmentation 'mine' has no 'apply'"),
        ("parents", "mine", int, InvalidValue, "parents 'mine' is no Part"),
    ],
)
def test_what_cannot_be_a_part_is_refused(kind: str, name: str, of: Any, error: type[RametError], message: str) -> None:
    with pytest.raises(error, match=message):
        register(kind, name)(of)


def test_a_name_is_given_once_a_module() -> None:
    register("parents", "twice")(Idle)
    with pytest.raises(InvalidValue, match="two parts 'twice' of the kind parents"):
        register("parents", "twice")(type("Other", (Idle,), {"__module__": Idle.__module__}))


@pytest.mark.parametrize(
    ("raw", "error", "message"),
    [
        ("nobody", UnknownName, "parents is 'nobody', and no such part is known; choose one of mu2net-plus"),
        ("mu2net-plos", UnknownName, "did you mean mu2net-plus"),
        (3, InvalidValue, "parents is 3; write a part's name"),
        (None, InvalidValue, "parents is None"),
        ({"part": ["root"]}, InvalidValue, "parents is {'part'"),
        ({"part": "root", "depth": 3}, UnknownName, "'parents.depth' is no field of a method; it has no settings"),
    ],
)
def test_what_is_no_part_is_named(raw: Any, error: type[RametError], message: str) -> None:
    with pytest.raises(error) as caught:
        Library().build("parents", raw, ("parents",))
    assert message in str(caught.value)


def test_what_a_part_of_others_raises_names_it_and_its_line() -> None:
    idle = register("parents", "idle")(Idle)()
    with pytest.raises(PartError) as caught, working(idle):
        idle.choose(None)
    line = Idle.choose.__code__.co_firstlineno + 1
    assert caught.value.problem == f"parents 'idle' failed at {__file__}:{line}: LookupError: nobody is there"
    assert isinstance(caught.value.__cause__, LookupError)


def test_what_ramet_s_own_raise_is_a_bug_and_stays_what_it_is() -> None:
    with pytest.raises(KeyError), working(Cosine()):
        Cosine().factor(0, 10, {}, 0.1)


def test_a_long_answer_is_cut() -> None:
    with pytest.raises(PartError) as caught:
        refuse(Idle(), "x" * 10_000, "a short one")
    assert len(str(caught.value)) < 300


@pytest.mark.parametrize(
    ("overrides", "expected"),
    [
        ({"score.factor": "0.5"}, {"factor": 0.5, "params": 2.2e9, "flops": 3.8e12}),
        ({"score.part": "size-and-compute"}, {"factor": 0.99, "params": 2.2e9, "flops": 3.8e12}),
        ({"score": "{part: size-and-compute, factor: 0.5}"}, {"factor": 0.5, "params": 2.2e9, "flops": 3.8e12}),
    ],
)
def test_a_setting_of_a_part_is_a_setting_of_the_method(overrides: dict[str, str], expected: dict[str, float]) -> None:
    assert plain(load("large", overrides).score) == expected


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


def text_of(file: Path) -> str:
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
    before = load(text_of(file))
    file.write_text(CODE.replace("[0]", "[-1]"))
    after = load(text_of(file))
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
    assert load(text_of(file)).label == load(text_of(other)).label


def test_a_part_that_nobody_names_is_not_known(file: Path) -> None:
    imported(located(str(file), Path()))
    with pytest.raises(UnknownName, match="parents is 'first'"):
        load("mu2net-plus", {"parents": "first"})
    assert load("mu2net-plus", {"parts": f"[{file}]", "parents": "first"}).label.startswith("mu2net-plus")


def test_code_that_fails_leaves_nothing_behind(file: Path) -> None:
    file.write_text(f"{CODE}\nraise ValueError('half way')\n")
    for _ in range(2):
        with pytest.raises(PartError, match=r"first\.py:9: ValueError: half way"):
            load(text_of(file))
    file.write_text(CODE)
    assert load(text_of(file))


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
