import pytest

from ramet.method.document.rules import EXAMPLES, matches, possible


@pytest.mark.parametrize(
    ("pattern", "name", "expected"),
    [
        ("*", "head", True),
        ("norm", "norm", True),
        ("norm", "norm1", False),
        ("block.*", "block.11", True),
        ("block.*", "adapter.1", False),
        ("block.[0-3]", "block.2", True),
        ("block[3:]", "block.3", True),
        ("block[3:]", "block.2", False),
        ("block[3:]", "adapter.3", False),
        ("block[:2]", "block.1", True),
        ("block[:2]", "block.2", False),
        ("block[-2:]", "block.10", True),
        ("block[-2:]", "block.9", False),
        ("block[:]", "block.0", True),
        ("adapter[1:2]", "adapter.1", True),
        ("block[3:]", "norm", False),
        ("lora.*", "lora.7", True),
        ("lora[-1:]", "lora.11", True),
        ("lora[-1:]", "block.11", False),
    ],
)
def test_matches_in_a_path_of_twelve_layers(pattern: str, name: str, expected: bool) -> None:
    assert matches(pattern, name, 12) is expected


@pytest.mark.parametrize("pattern", EXAMPLES)
def test_examples_are_possible(pattern: str) -> None:
    assert possible(pattern)


@pytest.mark.parametrize("pattern", ["blok.*", "block", "block[3]", "", "block[5:2]", "encoder.*", "norm[1:]"])
def test_patterns_of_nothing_are_not(pattern: str) -> None:
    assert not possible(pattern)
