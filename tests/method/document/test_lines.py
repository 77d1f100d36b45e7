import pytest

from ramet.method.document.lines import line_of

TEXT = """extends: quick
parts: [mine.py]
score:
  part: mine
  factor: 2
hyperparameters:
  opt.lr:
    default: 0.1
    values: [1]
mutation: {steps: [a, b]}
"""


@pytest.mark.parametrize(
    ("problem", "line"),
    [
        ("score.factor is 2", 5),
        ("score is 'x', and no such part is known", 3),
        ("hyperparameters.opt.lr.default is 0.1, which is not one of its values", 8),
        ("hyperparameters has no 'opt.lr'", 7),
        ("'score.part' is no field of a method", 4),
        ("parts: mine.py failed at /x/mine.py:3: ValueError: score", 2),
        ("mutation.steps is 'c'", 10),
        ("hyperparameters.opt.momentum is missing", 6),
        ("batch is missing", None),
        ("no method is called 'quik'", None),
    ],
)
def test_the_line_of_a_problem(problem: str, line: int | None) -> None:
    assert line_of(TEXT, problem) == line


@pytest.mark.parametrize("text", ["", "- a\n- b", "a: b: c", "[", "3"])
def test_of_what_is_no_mapping_there_is_none(text: str) -> None:
    assert line_of(text, "a is 3") is None
