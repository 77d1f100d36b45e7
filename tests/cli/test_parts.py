"""A variant that is wrong, or fails at work: one line that names the place, and the system is as it was."""

from pathlib import Path

import pytest

import ramet
from tests.cli.helpers import refused, run, run_json

ONCE = (
    "--cycles", "1", "--samples", "2", "--set", "budget.validations=1", "--set", "budget.examples_per_validation=64",
    "--set", "budget.validation_examples=32", "--set", "batch=32",
)  # fmt: skip

HEAD = "from typing import ClassVar; from ramet.method.parts import Part, register\n"
"""One line: the class begins in the second."""

KINDS = {
    "parents": ("choose(self, among)", "parents: mine"),
    "pruning": ("prune(self, members, most)", "pruning: mine"),
    "score": ("score(self, path, quality, world)", "score: {part: mine}"),
    "mutation": ("mutate(self, draft)", "mutation: {steps: [clones, mine]}"),
    "schedule": ("factor(self, step, total, hyperparameters, start)", "training: {schedule: mine}"),
    "augmentation": ("apply(self, x, u, hyperparameters)", "training: {augmentations: [mine]}"),
}


def write(folder: Path, kind: str, body: str) -> Path:
    """A method of one part; its body is in line 6 of mine.py."""
    signature, named = KINDS[kind]
    own = "draws: ClassVar = 1" if kind == "augmentation" else "x: int = 0"
    code = f'@register("{kind}", "mine")\nclass Mine(Part):\n    {own}\n'
    (folder / "mine.py").write_text(f"{HEAD}{code}    def {signature}:\n        {body}\n")
    file = folder / "mine.yaml"
    file.write_text(f"extends: mu2net-plus\nname: mine\nparts: [mine.py]\n{named}\n")
    return file


def test_parts_are_listed_by_kind(tmp_path: Path) -> None:
    listed = run_json("method", "parts")
    names = {(part["kind"], part["name"]) for part in listed}
    assert names >= {("parents", "mu2net"), ("score", "size-and-compute"), ("mutation", "clones"), ("pruning", "best")}
    assert all(part["description"] for part in listed)
    assert {part["origin"] for part in listed if part["name"] == "mu2net"} == {"ramet"}
    file = write(tmp_path, "parents", "return among.paths[0].id")
    (mine,) = (part for part in run_json("method", "parts", file) if part["name"] == "mine")
    assert (mine["settings"], mine["origin"]) == (["x"], str(tmp_path / "mine.py"))
    assert "size-and-compute" in run("method", "parts").stdout


@pytest.mark.parametrize(
    ("text", "line", "named"),
    [
        ("parents: mime", 4, "parents is 'mime', and no such part is known; did you mean mine"),
        ("parents: {part: mine, x: many}", 4, "parents.x is 'many'"),
        ("parents: {part: mine, y: 1}", 4, "'parents.y' is no field of a method"),
        ("parents: 3", 4, "parents is 3"),
        ("score:\n  part: size-and-compute\n  factor: 1.5", 6, "score.factor is 1.5"),
        ("mutation:\n  steps: [hyperparameters, cloans]", 5, "mutation.steps is 'cloans'"),
        ("mutation:\n  steps: clones", 5, "mutation.steps is 'clones'"),
        ("training:\n  schedule: cosinus", 5, "training.schedule is 'cosinus'; and"),
        ("budget:\n  cycles: 2\n  cycels: 3", 6, "'budget.cycels' is no field of a method"),
        ("hyperparameters:\n  mu: 0.1\n  opt.lrr: 0.1", 6, "hyperparameters has no 'opt.lrr'"),
        ("hyperparameters:\n  opt.lr: {default: 0.1, values: 5..1}", 5, "hyperparameters.opt.lr.values is '5..1'"),
        ("hyperparameters:\n  mu: 0.1\n  opt.momentum: [0.5, 2]", 6, "hyperparameters.opt.momentum.values is 2"),
        ("x: [", 5, "not YAML"),
    ],
)
def test_what_is_wrong_in_a_file_is_named_with_its_line(text: str, line: int, named: str, tmp_path: Path) -> None:
    file = write(tmp_path, "parents", "return among.paths[0].id")
    file.write_text(f"extends: mu2net-plus\nname: mine\nparts: [mine.py]\n{text}\n")
    said = refused("method", "validate", file)
    assert f"{file}:{line}: " in said
    assert named.partition("; and")[0] in said


@pytest.mark.parametrize(
    ("code", "place", "named"),
    [
        ("import nothing_of_the_kind\n", ":1: ", "ModuleNotFoundError"),
        ("x = 1\ndef f(:\n", ":2: ", "SyntaxError"),
        (f'{HEAD}@register("parent", "mine")\nclass Mine(Part):\n    pass\n', ":2: ", "did you mean parents"),
        (f'{HEAD}@register("parents", "mine")\nclass Mine(Part):\n    pass\n', ":2: ", "has no 'choose'"),
        (f'{HEAD}@register("parents", "My Own")\nclass Mine(Part):\n    pass\n', ":2: ", "cannot be called 'My Own'"),
        (f'{HEAD}@register("parents", "mine")\nclass Mine:\n    def choose(self, among): ...\n', ":2: ", "is no Part"),
        (
            f'{HEAD}@register("parents", "root")\nclass R(Part):\n    def choose(self, among): ...\n',
            "",
            "two parts 'root'",
        ),
    ],
)
def test_what_is_wrong_in_a_part_s_file_is_named_with_its_line(
    code: str, place: str, named: str, tmp_path: Path
) -> None:
    file = write(tmp_path, "parents", "return among.paths[0].id")
    (tmp_path / "mine.py").write_text(code)
    said = refused("method", "validate", file)
    assert f"{tmp_path / 'mine.py'}{place}" in said
    assert named in said
    assert f"{file}:3: " in said or not place


def test_a_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    file = write(tmp_path, "parents", "return among.paths[0].id")
    (tmp_path / "mine.py").unlink()
    assert f"{file}:3: parts: cannot read mine.py" in refused("method", "validate", file)
    file.write_text("extends: mu2net-plus\nparts: [no.such.module]\n")
    assert f"{file}:2: parts: there is no module 'no.such.module'" in refused("method", "validate", file)


def state(folder: Path) -> object:
    system = ramet.open(folder)
    return [commit.id for commit in system.versions.log()], run_json("history", folder=folder)


def objects(folder: Path) -> set[str]:
    run("gc", "--delete", folder=folder)
    return {file.name for file in (folder / "objects").rglob("*") if file.is_file()}


@pytest.mark.parametrize(
    ("kind", "body", "named"),
    [
        ("parents", "raise ValueError('no')", "mine.py:6: ValueError: no"),
        ("parents", "return 'nobody'", "answered 'nobody'"),
        ("pruning", "return members[7]", "mine.py:6: IndexError"),
        ("pruning", "return [*members, *members]", "answered [Member("),
        ("score", "return 1 / 0 if path.trained else 0.0", "mine.py:6: ZeroDivisionError"),
        ("score", "return 'high'", "answered 'high'"),
        ("mutation", "draft.insert('block.7')", "mine.py:6: 'block.7' cannot be inserted"),
        ("mutation", "draft.change('opt.lr', -1)", "mine.py:6: opt.lr cannot be -1"),
        ("schedule", "return float('nan')", "answered nan"),
        ("schedule", "return hyperparameters['opt.decay']", "mine.py:6: KeyError: 'opt.decay'"),
        ("augmentation", "return x[:, :, 1:]", "answered 'Tensor"),
        ("augmentation", "return x * float('nan')", "values outside 0 to 1"),
    ],
)
def test_a_part_that_fails_at_work_is_named_and_the_system_is_as_it_was(
    kind: str, body: str, named: str, seedbed: Path, tmp_path: Path
) -> None:
    file = write(tmp_path, kind, body)
    before, held = state(seedbed), objects(seedbed)
    result = run("evolve", "digits", "--method", file, *ONCE, folder=seedbed, code=2)
    said = result.stderr.splitlines()[-1]
    assert said.startswith(f"error: {kind} 'mine' ")
    assert str(tmp_path / "mine.py") in said
    assert named in said
    assert state(seedbed) == before
    assert run("verify", folder=seedbed)
    run("evolve", "digits", "--method", "linear_probe", *ONCE, folder=seedbed)  # nothing is on record: it is given up
    assert objects(seedbed) > held


def test_a_mended_part_is_another_method(seedbed: Path, tmp_path: Path) -> None:
    """The second generation fails: what the first one made stays, and other code does not go on with it."""
    file = write(tmp_path, "pruning", "return members if len(members) < 3 else members[9]")
    more = (*ONCE, "--samples", "8", "--set", "max_population=none")
    run("evolve", "digits", "--method", file, *more, folder=seedbed, code=2)
    made = run_json("history", folder=seedbed)
    assert made
    assert "IndexError" in run("evolve", "digits", "--method", file, *more, folder=seedbed, code=2).stderr
    assert run_json("history", folder=seedbed) == made
    write(tmp_path, "pruning", "return members")
    assert "give it up with --restart" in refused("evolve", "digits", "--method", file, *more, folder=seedbed)
    assert run_json("history", folder=seedbed) == made
    run("evolve", "digits", "--method", file, *more, "--restart", folder=seedbed)
    assert run_json("status", folder=seedbed)[0]["path"]
