from pathlib import Path

import numpy as np
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


def test_the_images_that_are_most_wrong_are_written(grown: Path, tmp_path: Path) -> None:
    (found,) = run_json("evaluate", "digits", "--details", folder=grown)
    told = run("evaluate", "digits", "--errors", tmp_path / "wrong", folder=grown).stderr
    files = sorted((tmp_path / "wrong").iterdir())
    worst = found["details"]["worst"]
    assert [file.name for file in files] == [
        f"{n:02}-{w['label']}-taken-for-{w['predicted']}-{w['index']}.png" for n, w in enumerate(worst, 1)
    ]
    assert f"{len(worst)} images written to" in told
    split = ramet.open(grown).examples("digits")
    with Image.open(files[0]) as image:
        assert np.array_equal(np.asarray(image), split.images[worst[0]["index"]])
    run("evaluate", *TASKS, "--errors", tmp_path / "all", folder=grown)
    assert {folder.name for folder in (tmp_path / "all").iterdir()} == set(TASKS)


def test_what_makes_an_accuracy_doubtful_is_said(tmp_path: Path) -> None:
    rng = np.random.default_rng(0)
    images, labels = rng.integers(0, 255, (60, 8, 8, 3), dtype=np.uint8), np.arange(60) % 3
    test = labels[:20] != 2
    arrays = {"x_train": images, "y_train": labels, "x_test": images[:20][test], "y_test": labels[:20][test]}
    np.savez(tmp_path / "seen.npz", **arrays)
    system = ramet.init(tmp_path / "system", "random:vit_tiny_patch8@8x1")
    system.tasks.add("seen", f"npz:{tmp_path / 'seen.npz'}")
    system.evolve("seen", method="linear_probe@seconds", settings={"budget.validations": 1}, quiet=True)
    told = run("evaluate", "seen", folder=tmp_path / "system").stderr
    assert "seen: 1 class has no test image: 2" in told
    assert "which is no test of what was not seen" in told
    assert "seen:" not in run("evaluate", "seen", "--split", "train", folder=tmp_path / "system").stderr


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


def test_one_bad_picture_costs_only_itself(grown: Path, pictures: list[Path], tmp_path: Path) -> None:
    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    result = run("predict", "digits", pictures[0], bad, pictures[1], folder=grown, code=1)
    assert [line.split()[0] for line in result.stdout.splitlines()[1:]] == [str(file) for file in pictures]
    assert "bad.png" in result.stderr
    assert result.stderr.splitlines()[-1] == "1 of 3 images cannot be read"
    assert "bad.png" in refused("predict", "digits", bad, folder=grown)


def test_a_folder_is_all_its_pictures_and_the_answers_a_file(grown: Path, pictures: list[Path], tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("no picture")
    file = tmp_path / "answers.csv"
    run("predict", "digits", tmp_path, "--csv", file, "--top", "2", folder=grown)
    rows = [line.split(",") for line in file.read_text().splitlines()]
    assert rows[0] == ["image", "class 1", "probability 1", "class 2", "probability 2"]
    assert [row[0] for row in rows[1:]] == [str(picture) for picture in pictures]
    expected = run_json("predict", "digits", *pictures, folder=grown)
    assert [row[1] for row in rows[1:]] == [each["classes"][0]["class"] for each in expected]


def test_details_tell_of_every_class(grown: Path, tmp_path: Path) -> None:
    file = tmp_path / "confusion.csv"
    result = run("evaluate", "digits", "--details", "--confusion", file, folder=grown)
    assert "balanced accuracy" in result.stdout
    assert "macro-F1" in result.stdout
    rows = [line.split(",") for line in file.read_text().splitlines()]
    assert rows[0] == ["is / taken for", *"0123456789"]
    counts = [[int(cell) for cell in row[1:]] for row in rows[1:]]
    assert sum(map(sum, counts)) == 360
    (found,) = run_json("evaluate", "digits", "--details", folder=grown)
    assert found["details"]["confusion"] == counts
    assert found["accuracy"] == sum(counts[i][i] for i in range(10)) / 360
    assert "one task" in refused("evaluate", "--all", "--confusion", file, folder=grown)
