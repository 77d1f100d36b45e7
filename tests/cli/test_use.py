from pathlib import Path

import pytest
from PIL import Image

import ramet
from tests.cli.helpers import TASKS, refused, run, run_json


@pytest.fixture
def pictures(grown: Path, tmp_path: Path) -> list[Path]:
    """Two test images of the digits as files."""
    split = ramet.open(grown).examples("digits")
    files = [tmp_path / f"{i}.png" for i in range(2)]
    for i, file in enumerate(files):
        Image.fromarray(split.images[i]).save(file)
    return files


def test_evaluate_measures_what_was_published(grown: Path) -> None:
    recorded = {status["task"]: status["test_quality"] for status in run_json("status", folder=grown)}
    measured = run_json("evaluate", "--all", folder=grown)
    assert {each["task"]: each["accuracy"] for each in measured} == {task: recorded[task] for task in TASKS}
    (validation,) = run_json("evaluate", "digits", "--split", "validation", folder=grown)
    assert (validation["split"], validation["examples"]) == ("validation", 70)
    assert "360" in run("evaluate", "digits", folder=grown).stdout


def test_evaluate_of_nothing_learned(sown: Path) -> None:
    assert "no task has a path yet" in run("evaluate", "--all", folder=sown).stderr


def test_predict_names_classes_with_probabilities(grown: Path, pictures: list[Path]) -> None:
    predicted = run_json("predict", "digits", *pictures, "--top", "10", folder=grown)
    assert [each["image"] for each in predicted] == [str(file) for file in pictures]
    for each in predicted:
        probabilities = [found["probability"] for found in each["classes"]]
        assert sum(probabilities) == pytest.approx(1, abs=1e-5)
        assert probabilities == sorted(probabilities, reverse=True)
        assert {found["class"] for found in each["classes"]} == set("0123456789")
    top = run_json("predict", "digits", *pictures, "--top", "1", folder=grown)
    assert [each["classes"] for each in top] == [each["classes"][:1] for each in predicted]
    assert predicted[0]["classes"][0]["class"] in run("predict", "digits", *pictures, folder=grown).stdout


@pytest.mark.parametrize(
    ("arguments", "named"),
    [
        (["evaluate"], "--all"),
        (["evaluate", "digits", "--all"], "--all"),
        (["evaluate", "digits", "--split", "holdout"], "holdout"),
        (["evaluate", "digitz"], "did you mean digits?"),
        (["evaluate", "fresh"], "evolve fresh`"),
        (["predict", "digitz", "x.png"], "did you mean digits?"),
        (["predict", "fresh", "x.png"], "evolve fresh`"),
        (["predict", "digits", "nowhere.png"], "nowhere.png"),
        (["predict", "digits", __file__], "test_use.py"),
    ],
)
def test_what_cannot_be_done_is_named(arguments: list[str], named: str, grown: Path) -> None:
    assert named in refused(*arguments, folder=grown)


def test_a_tampered_object_is_never_loaded(colony: Path, pictures: list[Path]) -> None:
    head = next(c for c in run_json("show", "digits", folder=colony)["path"]["components"] if c["name"] == "head")
    (file,) = (file for file in (colony / "objects").rglob("*") if head["digest"][2:] in str(file).replace("/", ""))
    file.chmod(0o644)
    data = bytearray(file.read_bytes())
    data[-1] ^= 1
    file.write_bytes(data)
    assert head["digest"][:8] in refused("predict", "digits", *pictures, folder=colony)
