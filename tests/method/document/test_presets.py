import json

import pytest

from ramet.base.errors import InvalidValue, UnknownName
from ramet.method.document import presets
from ramet.method.document.hyperparameters import DOMAINS
from ramet.method.parts import plain
from tests.method.helpers import BASE, TINY, method

METHODS = ["mu2net-plus", "mu2net", "munet", "finetune", "freeze_bottom:2", "adapters:16", "linear_probe"]
SIZES = ["seconds", "minutes", "hour", "characters", "decathlon", "large", "quick"]
ALL = [f"{m}@{size}" for m in METHODS for size in SIZES]


@pytest.mark.parametrize("name", ALL)
def test_every_preset_loads_and_reads_back(name: str) -> None:
    found = presets.load(name)
    assert found.name == name
    assert found.description
    assert presets.load(found.to_yaml()) == found
    assert presets.load(found.model_dump(mode="json")) == found
    assert presets.load(json.dumps(found.model_dump(mode="json"), sort_keys=True)) == found
    assert presets.load(found.resolved().to_yaml()).budget == found.budget.resolved()
    for architecture in (TINY, BASE):
        assert set(found.space(architecture)) == set(DOMAINS)


def test_no_two_are_alike() -> None:
    assert len({presets.load(name).fingerprint for name in ALL}) == len(ALL)


def test_methods_and_sizes_are_two_lists_of_what_load_takes() -> None:
    assert set(presets.methods()) == {name.replace(":2", ":N").replace(":16", ":D") for name in METHODS}
    assert list(presets.sizes()) == SIZES
    for name, description in {**presets.methods(), **presets.sizes()}.items():
        presets.load(name.replace(":N", ":1").replace(":D", ":8"))
        assert description
        assert "\n" not in description


def test_a_size_alone_is_mu2net_plus_at_it_and_a_method_alone_is_at_minutes() -> None:
    assert presets.load("characters") == presets.load("mu2net-plus@characters")
    assert presets.load("munet") == presets.load("munet@minutes")


def most_examples(size: str) -> int:
    return presets.load(size).budget.examples


def test_the_sizes_are_in_the_order_of_what_they_take() -> None:
    assert 20 * most_examples("seconds") < most_examples("minutes")
    assert 5 * most_examples("minutes") < most_examples("hour")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("mu3net@large", "no method is called 'mu3net'; did you mean"),
        ("mu3net", "no method or size is called 'mu3net'; did you mean"),
        ("minuets", "did you mean minutes"),
        ("standard", "no method or size is called 'standard'; choose one of adapters:D, "),
        ("second", "did you mean seconds"),
        ("munet@char", "no size is called 'char'; choose one of"),
        ("munet@characers", "did you mean characters"),
        ("@characters@quick", "no method is called"),
        ("minutes@quick", "no method is called 'minutes'"),
        ("finetune:3", "write finetune"),
        ("freeze_bottom", "write freeze_bottom:N"),
        ("freeze_bottom:-1", "give a whole number of at least 0"),
        ("adapters:x", "give a whole number of at least 0"),
        ("adapters:0", "hyperparameters.adapter_width.default is 0"),
        ("method.yaml", "no method or size is called 'method.yaml'"),
    ],
)
def test_a_wrong_name_is_an_error_with_a_remedy(name: str, message: str) -> None:
    with pytest.raises((UnknownName, InvalidValue)) as caught:
        presets.load(name)
    assert message in str(caught.value)
    assert caught.value.remedy


# METHOD section 7, row by row
@pytest.mark.parametrize(
    ("name", "budget", "batch", "most", "score", "defaults"),
    [
        ("characters", (51200, 4, 5120, 5, 32), 512, None, (1.0, 1484162, 15e6), (0.1, 3, 32, 0.01, 0.1, 0.9, 32)),
        ("decathlon", (51200, 4, 5120, 10, 32), 128, None, (1.0, 85652738, 100e9), (0.1, 12, 32, 0.01, 0.1, 0.9, 80)),
        ("large", (100000, 8, 10000, 24, 16), 16, 16, (0.99, 2.2e9, 3.8e12), (0.2, 24, 32, 0.01, 0.05, 0.9, 384)),
        ("quick", (51200, 2, 5120, 8, 16), 512, 7, (0.99, 1e6, 1e6), (0.2, 0, 32, 0.01, 0.1, 0.9, 32)),
    ],
)
def test_reference_configurations(
    name: str,
    budget: tuple[int, ...],
    batch: int,
    most: int | None,
    score: tuple[float, ...],
    defaults: tuple[float, ...],
) -> None:
    found = method(name)
    b, s, h = found.budget, found.score, found.hyperparameters
    assert (b.examples_per_validation, b.validations, b.validation_examples, b.cycles, b.samples_per_cycle) == budget
    assert (found.batch, found.max_population) == (batch, most)
    assert plain(s) == dict(zip(("factor", "params", "flops"), score, strict=True))
    keys = ("mu", "layers", "adapter_width", "opt.lr", "opt.warmup", "opt.momentum", "data.image_size")
    assert tuple(h[key].default for key in keys) == defaults
    assert h["opt.nesterov"].default is False
    assert found.mutation.adapters == ("never" if name == "large" else "mutate")
    assert found.mutation.clone == (("norm", "always"), ("*", "mutate"))
    assert found.mutation.learned
    assert (found.training.warmup_start, found.training.clip_norm) == (1e-3, 1.0)
    augmentations = [h[key].default for key in DOMAINS if key.startswith("data.") and key != "data.image_size"]
    assert augmentations == [1.0, 1.0, False, 0.0, 0.0, 0.0, 0.0, 0.0]


DELTAS = (0.0, 0.01, 0.02, 0.05, 0.1, 0.2)
PIXELS = (16, 32, 48, 64, 80, 96, 112)


@pytest.mark.parametrize(
    ("name", "sizes", "layers"),
    [
        ("characters", PIXELS, "0..root"),
        ("decathlon", PIXELS, "0..root"),
        ("large", (224, 384), "0..root"),
        ("quick", (32, 48), (0, 1, 2, 3)),
        *((name, ("root",), "0..root") for name in ("seconds", "minutes", "hour")),
    ],
)
def test_ranges(name: str, sizes: tuple[object, ...], layers: object) -> None:
    values = {key: h.values for key, h in method(name).hyperparameters.items()}
    assert values == {
        "mu": tuple(round(0.02 * i, 2) for i in range(1, 16)),
        "layers": layers,
        "adapter_width": (32,) if name == "large" else (8, 16, 32, 64, 128),
        "data.image_size": sizes,
        "data.crop_area_min": (0.05, 0.5, 0.95, 1.0),
        "data.crop_aspect_min": (0.5, 0.75, 1.0),
        "data.flip": (False, True),
        **dict.fromkeys(["data.brightness", "data.contrast", "data.saturation", "data.hue", "data.jpeg"], DELTAS),
        "opt.lr": (1e-4, 2e-4, 5e-4, 1e-3, 2e-3, 5e-3, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5),
        "opt.warmup": (0.0, 0.01, 0.02, 0.05, 0.1, 0.2, 0.3),
        "opt.momentum": (0.5, 0.6, 0.7, 0.75, 0.8, 0.85, 0.9, 0.95, 0.98, 0.99),
        "opt.nesterov": (False, True),
    }


@pytest.mark.parametrize("name", ["munet", "mu2net"])
def test_the_older_methods(name: str) -> None:
    found = method(f"{name}@characters")
    h = found.hyperparameters
    assert (h["data.crop_area_min"].default, h["data.crop_aspect_min"].default, h["data.flip"].default) == (
        0.05,
        0.75,
        True,
    )
    assert not found.mutation.learned
    assert plain(found.score) == {"factor": 1.0, "params": 1484162, "flops": None}
    assert plain(found.parents) == ("mu2net" if name == "mu2net" else "mu2net-plus")
    assert (len(h["mu"].values) == 1) == (name == "munet")
    assert h["data.jpeg"].values == (0.0,)


@pytest.mark.parametrize("name", ["finetune", "freeze_bottom:2", "adapters:16", "linear_probe"])
@pytest.mark.parametrize("size", SIZES)
def test_baselines_spend_the_budget_of_the_method_on_one_child_of_the_root(name: str, size: str) -> None:
    found, full = method(f"{name}@{size}"), method(size).budget
    once = found.resolved().budget
    assert (once.cycles, once.samples_per_cycle, once.generation) == (1, 1, 1)
    assert once.validations == full.validations * full.cycles * full.samples_per_cycle
    assert once.examples_per_validation == full.examples_per_validation
    assert plain(found.parents) == "root"
    assert found.mutation.hyperparameters == "never"
    assert found.mutation.adapters == ("always" if name.startswith("adapters") else "never")


VARIANT = """
extends: mu2net@quick
name: wider-lr
version: 3
budget: {cycles: 2}
mutation:
  learned: true
  clone: {"block.*": always}
hyperparameters:
  mu: {default: 0.06, values: 0.02..0.10 step 0.04}
  opt.lr: {default: 1.0, values: [0.1, 1.0, 10.0]}
  opt.warmup: 0.3
"""


def test_a_document_extends_a_method_by_what_differs() -> None:
    found = presets.load(VARIANT)
    assert found.label.startswith("wider-lr v3 #")
    assert (found.budget.cycles, found.budget.samples_per_cycle) == (2, 16)
    assert found.mutation.clone == (("block.*", "always"), ("norm", "always"), ("*", "mutate"))
    assert found.hyperparameters["mu"].values == (0.02, 0.06, 0.1)
    assert found.hyperparameters["opt.lr"].values == (0.1, 1.0, 10.0)
    assert found.hyperparameters["opt.warmup"].default == 0.3
    assert found.hyperparameters["opt.warmup"].values == presets.load("quick").hyperparameters["opt.warmup"].values
