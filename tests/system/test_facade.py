"""The facade's parts on a small real system."""

import sqlite3
from pathlib import Path

import numpy as np
import pytest
import torch
from PIL import Image
from sklearn.metrics import balanced_accuracy_score, confusion_matrix, f1_score, precision_score

import ramet
from ramet.base.errors import DataError, InvalidValue, UnknownName
from ramet.base.progress import Progress
from ramet.system import System
from tests.evolution.conftest import SMALL, make_system, write_task


@pytest.fixture(scope="module")
def grown(tmp_path_factory: pytest.TempPathFactory) -> System:
    system = make_system(tmp_path_factory.mktemp("facade"), "one", "two")
    system.evolve("one", method="mu2net-plus", settings={**SMALL, "budget.cycles": 1, "opt.lr": 0.05})
    return system


def test_a_system_is_closed_behind_its_block(tmp_path: Path) -> None:
    with ramet.init(tmp_path / "s", "random:vit_tiny_patch8@16x1") as system:
        system.versions.add_branch("other")
    assert sorted(file.name for file in (tmp_path / "s").iterdir()) == ["catalog.sqlite", "objects", "ramet.json"]
    with pytest.raises(UnknownName), ramet.open(tmp_path / "s") as system:
        system.evaluate("nothing")
    assert sorted(file.name for file in (tmp_path / "s").iterdir()) == ["catalog.sqlite", "objects", "ramet.json"]


def test_tasks_are_found_by_name(grown: System) -> None:
    assert [task.name for task in grown.tasks] == ["one", "two"]
    assert len(grown.tasks) == 2
    assert "one" in grown.tasks
    assert "three" not in grown.tasks
    assert 1 not in grown.tasks
    assert grown.tasks["two"].name == "two"
    with pytest.raises(UnknownName, match="did you mean one"):
        grown.tasks["onee"]


def test_a_task_comes_and_goes(grown: System, tmp_path: Path) -> None:
    told: list[tuple[str, int, int]] = []

    class Told(Progress):
        def advanced(self, what: str, done: int, total: int) -> None:
            told.append((what, done, total))

    source = write_task(tmp_path, "three")
    added = grown.tasks.add("three", source, progress=Told())
    assert grown.tasks["three"] == added
    assert (told[-1][1], {what for what, *_ in told}) == (told[-1][2], {"decoding three"})
    with pytest.raises(InvalidValue, match="already"):
        grown.tasks.add("three", source)
    grown.tasks.remove("three")
    assert "three" not in grown.tasks
    assert "three" in {task.name for task in grown.tasks.listed(removed=True)}


def test_reprs_fit_a_line(grown: System) -> None:
    assert repr(grown) == f"<system 'system' at {grown.store.folder}, on branch main>"
    assert repr(grown.tasks) == "<tasks of system: one, two>"
    for value in (grown, grown.tasks, grown.versions, grown.path("one"), grown.history("one")[0]):
        assert len(repr(value).splitlines()) == 1
        assert len(repr(value)) < 300


def test_listings_become_frames(grown: System) -> None:
    status = grown.status().to_frame().set_index("task")
    assert status.loc["one", "quality"] == grown.path("one").metrics["quality"]
    history = grown.history().to_frame()
    assert history["path"].tolist() == [child.path.id for child in grown.history()]
    assert history["task"].unique().tolist() == ["one"]
    assert (history["seconds"] > 0).all()
    for listing, rows in (
        (grown.versions.log(), 2),
        (grown.versions.branches(), 1),
        (grown.versions.tags(), 0),
        (grown.experiments.all(), 0),
        (grown.runs(), 1),
        (grown.tasks, 2),
    ):
        assert len(listing.to_frame()) == rows
        assert "<table>" in listing._repr_html_()
    assert grown.tasks.to_frame()["train"].tolist() == [192, 192]


@pytest.mark.parametrize("seed", [-1, 2**63, 2**64, True, "1"])
def test_a_seed_that_no_catalog_can_keep_is_refused(grown: System, seed: int, tmp_path: Path) -> None:
    for asked in (grown.evolve, grown.estimate):
        with pytest.raises(InvalidValue, match="seed"):
            asked("two", settings=SMALL, seed=seed)
    with pytest.raises(InvalidValue, match="seed"):
        ramet.init(tmp_path / "new", "random:vit_tiny_patch8@16x1", seed=seed)
    assert not (tmp_path / "new").exists()


def test_python_values_are_settings(grown: System, tmp_path: Path) -> None:
    texts, values = ({"opt.lr": "0.02", "batch": "32"}, {"opt.lr": 0.02, "batch": 32})
    small = {"budget.examples_per_validation": 32, "budget.validations": 1, "budget.validation_examples": 32}
    paths = []
    for i, settings in enumerate((texts, values)):
        system = make_system(tmp_path / str(i), "one")
        system.evolve("one", method="mu2net-plus", settings={**small, **settings}, cycles=1, samples=1)
        paths.append(system.path("one").id)
    assert paths[0] == paths[1]


# Evaluation


def test_details_are_sklearns(grown: System) -> None:
    (found,) = grown.evaluate("one", details=True)
    split = grown.examples("one", "test")
    predicted = grown.model("one")(torch.from_numpy(np.array(split.images))).argmax(dim=1).numpy()
    details, labels = found.details, np.array(split.labels)
    assert details is not None
    assert found.accuracy == (predicted == labels).mean()
    assert np.array_equal(details.confusion, confusion_matrix(labels, predicted, labels=range(3)))
    assert details.balanced_accuracy == pytest.approx(balanced_accuracy_score(labels, predicted))
    assert details.macro_f1 == pytest.approx(f1_score(labels, predicted, average="macro"))
    precision = precision_score(labels, predicted, average=None, labels=range(3), zero_division=0)
    assert [c.precision or 0 for c in details.classes] == pytest.approx(precision)
    assert sum(c.examples for c in details.classes) == found.examples == 64
    wrong = {int(i) for i in np.flatnonzero(predicted != labels)}
    assert {image.index for image in details.worst} <= wrong
    assert len(details.worst) == min(20, len(wrong))
    sureness = [image.probability for image in details.worst]
    assert sureness == sorted(sureness, reverse=True)
    assert grown.evaluate("one")[0].details is None


def test_a_class_without_images_has_no_accuracy(grown: System) -> None:
    from ramet.results import ClassDetail, Details

    details = Details((ClassDetail("a", 4, 0.5, 1.0), ClassDetail("b", 0, None, None)), ((2, 2), (0, 0)), ())
    assert details.balanced_accuracy == 0.5
    assert details.macro_f1 == pytest.approx(2 / 3)


# Prediction


@pytest.fixture
def picture(grown: System, tmp_path: Path) -> Path:
    file = tmp_path / "picture.png"
    Image.fromarray(np.array(grown.examples("one").images[0])).save(file)
    return file


def test_one_image_in_every_form_has_one_answer(grown: System, picture: Path) -> None:
    pixels = np.array(Image.open(picture))
    (expected,) = grown.predict("one", [picture])
    for form in (picture, str(picture), picture.read_bytes(), Image.open(picture), pixels, pixels[None], [pixels]):
        (found,) = grown.predict("one", form)
        assert found.probabilities == expected.probabilities
    grey = pixels[:, :, 0]
    repeated = np.repeat(grey[:, :, None], 3, axis=2)
    assert grown.predict("one", grey)[0].probabilities == grown.predict("one", repeated)[0].probabilities


@pytest.mark.parametrize(
    "images",
    [
        np.zeros((16, 16, 3), np.float32),
        np.zeros((16, 16, 3), np.int64),
        np.zeros((16, 16, 7), np.uint8),
        np.zeros(16, np.uint8),
        [np.zeros((2, 16, 16, 3), np.uint8)],
        5,
        [5],
        None,
        [None],
        {"a.png"},
    ],
)
def test_what_is_no_image_is_refused(grown: System, images: object) -> None:
    with pytest.raises(InvalidValue, match="is no image"):
        grown.predict("one", images)  # type: ignore[arg-type]


def test_no_images_have_no_answers(grown: System) -> None:
    assert grown.predict("one", []) == []


def test_a_bad_image_is_named_and_costs_only_itself(grown: System, picture: Path, tmp_path: Path) -> None:
    notes: list[str] = []

    class Told(Progress):
        def noted(self, text: str) -> None:
            notes.append(text)

    bad = tmp_path / "bad.png"
    bad.write_bytes(b"no picture")
    found = grown.predict("one", [bad, picture, tmp_path / "none.png"], skip_bad_images=True, progress=Told())
    assert [prediction.image for prediction in found] == [str(picture)]
    assert [name in note for name, note in zip(("bad.png", "none.png"), notes, strict=True)] == [True, True]
    with pytest.raises(DataError, match=r"bad\.png"):
        grown.predict("one", [picture, bad])


# The module


def test_the_model_is_what_predict_computes(grown: System) -> None:
    images = np.array(grown.examples("one").images[:8])
    model = grown.model("one")
    assert isinstance(model, torch.nn.Module)
    logits = model(torch.from_numpy(images))
    classes = grown.tasks["one"].classes
    assert model.classes == classes
    expected = [dict(p.probabilities) for p in grown.predict("one", images)]
    for row, probabilities in zip(logits.softmax(dim=1).tolist(), expected, strict=True):
        assert row == pytest.approx([probabilities[name] for name in classes], abs=1e-6)
    floats = torch.from_numpy(images).permute(0, 3, 1, 2).float() / 255
    assert torch.allclose(model(floats), logits, atol=1e-5)


def test_gradients_reach_the_images_and_weights_load(grown: System) -> None:
    model = grown.model("one")
    images = torch.rand(2, 3, 16, 16, requires_grad=True)
    model(images).sum().backward()
    assert images.grad is not None
    assert images.grad.abs().sum() > 0
    state = model.state_dict()
    assert sum(tensor.numel() for tensor in state.values()) == grown.path("one").params
    other = grown.model("one")
    other.load_state_dict({name: torch.zeros_like(tensor) for name, tensor in state.items()})
    assert torch.equal(other(images), torch.zeros(2, 3))
    other.load_state_dict(state)
    assert torch.equal(other(images), model(images))


def test_one_row_is_read_where_one_is_asked_for(grown: System, monkeypatch: pytest.MonkeyPatch) -> None:
    """A record that cannot be read is in nobody's way who does not ask for it."""
    with sqlite3.connect(grown.store.folder / "catalog.sqlite") as catalog:
        (record,) = catalog.execute("select record from tasks where name = 'two'").fetchone()
        catalog.execute("update tasks set record = 'damaged' where name = 'two'")
    try:
        assert grown.path("one").task == "one"
        assert "one" in grown.tasks
        assert grown.evaluate("one")[0].task == "one"
    finally:
        with sqlite3.connect(grown.store.folder / "catalog.sqlite") as catalog:
            catalog.execute("update tasks set record = ? where name = 'two'", [record])
