from collections import Counter
from collections.abc import Sequence
from dataclasses import replace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from ramet.base.records import Path
from ramet.method.document.hyperparameters import DOMAINS, is_shared
from ramet.method.document.schema import Method
from ramet.method.mutation import Draft, plan_child, plan_data
from ramet.method.plan import ChildPlan, Planned
from ramet.vit import spec

from .helpers import BASE, TINY, assert_frequency, component, method, part_size, root, still, trained, with_values

DRAWS = 3000
MU = 0.1


def plan(
    of: Method,
    parent: Path,
    rng: np.random.Generator,
    *,
    task: str = "task",
    agent: str = "agent",
    classes: int = 10,
    ancestors: Sequence[Path] = (),
    best: Path | None = None,
) -> ChildPlan:
    data = plan_data(of, best, parent.architecture, rng)
    lineage = (parent, *ancestors)
    return plan_child(Draft(of, parent, task=task, classes=classes, agent=agent, data=data, ancestors=lineage, rng=rng))


def child(of: Method, parent: Path, *, task: str = "task", agent: str = "agent", tag: object = "") -> Path:
    return trained(plan(of, parent, np.random.default_rng(0), task=task, agent=agent), agent, tag)


def plans(of: Method, parent: Path, draws: int = DRAWS, **kwargs: object) -> list[ChildPlan]:
    rng = np.random.default_rng(1)
    return [plan(of, parent, rng, **kwargs) for _ in range(draws)]  # type: ignore[arg-type]


def part(of: ChildPlan, name: str) -> Planned:
    return next(p for p in of.parts if p.name == name)


def count(found: Sequence[ChildPlan], action: str) -> int:
    return sum(action in p.mutations for p in found)


class TestClone:
    def test_every_component_draws_its_own(self) -> None:
        parent = root()
        found = plans(still(mutation__clone='{"*": mutate}'), parent)
        for c in parent.components:
            cloned = sum(part(p, c.name).trainable for p in found)
            assert_frequency(cloned, DRAWS, 1.0 if c.name == "head" else MU)
        both = sum(part(p, "block.0").trainable and part(p, "block.1").trainable for p in found)
        assert_frequency(both, DRAWS, MU**2)

    def test_mutations_name_what_was_cloned_by_chance(self) -> None:
        for p in plans(still(mutation__clone="{norm: always, '*': mutate}"), root(), 50):
            drawn = {f"clone:{q.name}" for q in p.parts if q.trainable and q.name not in ("norm", "head")}
            assert set(p.mutations) == drawn

    @pytest.mark.parametrize(
        ("rules", "trainable"),
        [
            ('{"*": always}', {"patch_embed", "cls_token", "pos_embed", "block.0", "block.1", "block.2", "norm"}),
            ('{"*": never}', set()),
            ('{norm: always, "*": never}', {"norm"}),
            ('{norm: always, "block[1:]": always, "*": never}', {"norm", "block.1", "block.2"}),
            ('{"block.1": never, "block.*": always, "*": never}', {"block.0", "block.2"}),
        ],
    )
    def test_the_first_rule_that_matches_counts(self, rules: str, trainable: set[str]) -> None:
        (found,) = plans(still(mutation__clone=rules), root(), 1)
        assert {p.name for p in found.parts if p.trainable} == trainable | {"head"}

    def test_what_a_random_root_drew_and_no_task_trained_is_always_cloned(self) -> None:
        parent = root(untrained=True)
        (found,) = plans(still(), parent, 1)
        assert all(p.trainable and p.origin is parent.component(p.name) for p in found.parts if p.name != "head")

    def test_that_rule_can_be_switched_off(self) -> None:
        (found,) = plans(still(mutation__clone_untrained="false"), root(untrained=True), 1)
        assert [p.name for p in found.parts if p.trainable] == ["head"]

    @pytest.mark.parametrize(
        ("task", "agent", "stays"),
        [("task", "agent", True), ("task", "later agent", False), ("other", "agent", False)],
    )
    def test_what_the_parent_trained_in_this_run_for_this_task_stays_trainable(
        self, task: str, agent: str, stays: bool
    ) -> None:
        parent = child(still(mutation__clone='{"block.1": always, "*": never}'), root())
        assert set(parent.trained) == {"block.1", "head"}
        (found,) = plans(still(), parent, 1, task=task, agent=agent)
        assert part(found, "block.1").trainable is stays
        assert part(found, "block.1").origin is parent.component("block.1")
        assert found.mutations == ()

    def test_frozen_parts_are_the_parents_own(self) -> None:
        parent = root()
        (found,) = plans(still(), parent, 1)
        frozen = [p for p in found.parts if p.name != "head"]
        assert all(p.origin is parent.component(p.name) and not p.trainable for p in frozen)


class TestHead:
    def test_a_root_gives_none(self) -> None:
        (found,) = plans(still(), root(), 1)
        assert part(found, "head") == Planned("head", None, trainable=True)

    def test_it_is_cloned_from_the_nearest_ancestor_of_the_task(self) -> None:
        grandparent = child(still(), root())
        parent = child(still(), grandparent, task="other")
        (found,) = plans(still(), parent, 1, ancestors=(grandparent, root()))
        assert part(found, "head") == Planned("head", grandparent.component("head"), trainable=True)

    def test_one_of_another_number_of_classes_is_not_taken(self) -> None:
        parent = child(still(), root())
        (found,) = plans(still(), parent, 1, classes=11)
        assert part(found, "head").origin is None


STEPS = {"mutation__hyperparameters": "mutate"}


class TestHyperparameters:
    def test_each_moves_one_position_with_even_odds(self) -> None:
        parent = child(still(), root())
        found = plans(still(**STEPS), parent)
        values = Counter(p.hyperparameters["opt.lr"] for p in found)
        assert set(values) == {0.005, 0.01, 0.02}
        changed = values[0.005] + values[0.02]
        # the child's µ moved first, itself with µ: 0.08 or 0.12 as often as each other
        assert_frequency(changed, DRAWS, MU)
        assert_frequency(values[0.02], changed, 0.5)
        assert count(found, "hp:opt.lr") == changed

    def test_up_is_as_likely_as_down(self) -> None:
        always = still(**STEPS, mu="[1.0]")
        found = plans(always, child(still(), root()))
        for name in ("opt.lr", "opt.momentum", "adapter_width"):
            start = still().hyperparameters[name].default
            assert_frequency(sum(p.hyperparameters[name] > start for p in found), DRAWS, 0.5)  # type: ignore[operator]
            assert count(found, f"hp:{name}") == DRAWS

    def test_they_are_clipped_at_the_ends(self) -> None:
        parent = with_values(child(still(), root()), opt__lr=0.5)
        found = plans(still(**STEPS), parent)
        assert {p.hyperparameters["opt.lr"] for p in found} == {0.2, 0.5}
        assert_frequency(count(found, "hp:opt.lr"), DRAWS, MU / 2)

    def test_global_mu_moves_first_and_decides_on_the_others(self) -> None:
        surest = still(**STEPS, mu="[0.0, 1.0]", mu__default="1.0")
        found = plans(surest, root(), 400)
        quiet = [p for p in found if p.hyperparameters["mu"] == 0.0]
        assert_frequency(len(quiet), 400, 0.5)
        assert {p.mutations for p in quiet} == {("hp:mu",)}
        assert all("hp:opt.momentum" in p.mutations for p in found if p not in quiet)

    def test_a_single_value_is_never_mutated(self) -> None:
        fixed = method(**STEPS, mu="1.0", mu__values="[1.0]", opt__lr="[0.01]", layers="[3]")
        (found,) = plans(fixed, root(), 1)
        assert found.hyperparameters["mu"] == 1.0
        assert not {"hp:mu", "hp:opt.lr", "hp:layers"} & {*found.mutations, *found.mu}

    def test_a_child_of_a_root_starts_from_the_methods_defaults(self) -> None:
        (found,) = plans(still(), root(BASE), 1)
        assert found.hyperparameters == {
            "mu": 0.1, "layers": 3, "adapter_width": 32, "data.image_size": 32, "data.crop_area_min": 1.0,
            "data.crop_aspect_min": 1.0, "data.flip": False, "data.brightness": 0.0, "data.contrast": 0.0,
            "data.saturation": 0.0, "data.hue": 0.0, "data.jpeg": 0.0, "opt.lr": 0.01, "opt.warmup": 0.1,
            "opt.momentum": 0.9, "opt.nesterov": False,
        }  # fmt: skip

    def test_the_word_root_is_the_roots_own(self) -> None:
        minutes = method("minutes", mutation__hyperparameters="never")
        (found,) = plans(minutes, root(BASE), 1)
        assert (found.hyperparameters["layers"], found.hyperparameters["data.image_size"]) == (12, 224)

    def test_a_parents_values_are_kept_and_strange_ones_go_to_the_nearest(self) -> None:
        parent = with_values(child(still(), root()), opt__lr=0.03, opt__momentum=0.5, mu=0.9)
        (found,) = plans(still(), parent, 1)
        assert [found.hyperparameters[n] for n in ("opt.lr", "opt.momentum", "mu")] == [0.02, 0.5, 0.3]

    def test_what_a_parent_lacks_starts_from_the_default(self) -> None:
        parent = child(still(), root())
        few = replace(parent, hyperparameters={"layers": 2, "adapter_width": 8})
        (found,) = plans(still(), few, 1)
        assert [found.hyperparameters[n] for n in ("layers", "adapter_width", "opt.lr")] == [2, 8, 0.01]

    def test_data_is_the_generations_and_never_the_parents(self) -> None:
        parent = with_values(child(still(), root()), data__flip=True, data__hue=0.2)
        (found,) = plans(still(), parent, 1)
        assert (found.hyperparameters["data.flip"], found.hyperparameters["data.hue"]) == (False, 0.0)


class TestLayers:
    def test_a_dropped_layer_takes_its_adapter_along(self) -> None:
        parent = child(still(mutation__adapters="always"), root())
        shallow = with_values(parent, layers=2)
        (found,) = plans(still(), shallow, 1)
        assert [p.name for p in found.parts] == [*spec.component_names(2, ["adapter.0", "adapter.1"])]

    def test_a_new_layer_comes_from_the_nearest_ancestor_that_has_it(self) -> None:
        oldest = root()
        parent = child(still(layers="2"), oldest)
        deeper = with_values(parent, layers=3)
        (found,) = plans(still(), deeper, 1, ancestors=(oldest,))
        assert part(found, "block.2") == Planned("block.2", oldest.component("block.2"), trainable=False)

    def test_else_it_is_new(self) -> None:
        parent = root(replace(TINY, layers=0, pool="mean"), untrained=True)
        (found,) = plans(method("quick", layers="2", mutation__hyperparameters="never"), parent, 1)
        assert part(found, "block.1") == Planned("block.1", None, trainable=True)

    @pytest.mark.parametrize(("pool", "least"), [("cls", 1), ("mean", 0)])
    def test_a_path_that_reads_the_class_token_keeps_a_layer(self, pool: str, least: int) -> None:
        parent = child(still(layers="1"), root(replace(TINY, pool=pool)))  # type: ignore[arg-type]
        found = plans(still(**STEPS, mu="[1.0]"), parent, 200)
        assert min(int(p.hyperparameters["layers"]) for p in found) == least


class TestAdapters:
    def test_each_layer_without_one_draws_its_own(self) -> None:
        found = plans(still(mutation__adapters="mutate"), root())
        for i in range(3):
            assert_frequency(count(found, f"add:adapter.{i}"), DRAWS, MU)
            inserted = [part(p, f"adapter.{i}") for p in found if f"add:adapter.{i}" in p.mutations]
            assert set(inserted) == {Planned(f"adapter.{i}", None, trainable=True)}

    def test_one_that_is_there_is_kept_and_not_drawn_again(self) -> None:
        parent = child(still(mutation__adapters="always"), root())
        (found,) = plans(still(mutation__adapters="mutate", mu="[1.0]"), parent, 1, agent="later")
        assert found.mutations == ()
        assert part(found, "adapter.1") == Planned("adapter.1", parent.component("adapter.1"), trainable=False)

    def test_always_inserts_where_none_is_and_keeps_those_there_are(self) -> None:
        always = still(mutation__adapters="always")
        parent = with_values(child(still(layers="2", mutation__adapters="always"), root()), layers=3)
        (found,) = plans(always, parent, 1, agent="later", ancestors=(root(),))
        assert part(found, "adapter.1") == Planned("adapter.1", parent.component("adapter.1"), trainable=False)
        assert part(found, "adapter.2") == Planned("adapter.2", None, trainable=True)

    def test_an_insertion_is_new_even_where_an_ancestor_had_one(self) -> None:
        """It must leave the path's outputs unchanged, which only a zero-initialised one does."""
        grandparent = child(still(mutation__adapters="always"), root())
        parent = child(still(), root())
        (found,) = plans(still(mutation__adapters="always"), parent, 1, ancestors=(grandparent,))
        assert part(found, "adapter.0").origin is None

    def test_another_width_takes_those_of_the_nearest_ancestor_that_has_it(self) -> None:
        always = {"mutation__adapters": "always"}
        grandparent = child(still(adapter_width="8", **always), root())
        parent = child(still(adapter_width="16", **always), root())
        wanted = with_values(parent, adapter_width=8)
        (found,) = plans(still(), wanted, 1, ancestors=(grandparent,))
        assert part(found, "adapter.2") == Planned("adapter.2", grandparent.component("adapter.2"), trainable=True)

    def test_else_they_are_new(self) -> None:
        parent = child(still(mutation__adapters="always"), root())
        (found,) = plans(still(), with_values(parent, adapter_width=64), 1, ancestors=(root(),))
        assert part(found, "adapter.0") == Planned("adapter.0", None, trainable=True)


class TestInsertionsOfAnotherMethod:
    """A low-rank update stays in a line of paths whose method knows nothing of it."""

    def parent(self) -> Path:
        plain = child(still(), root())
        sizes = spec.dimensions({"data.image_size": 32, "adapter_width": 32, "lora_rank": 4}, 2)
        lora = component("lora.1", spec.size(TINY, "lora.1", sizes))
        parts = (*plain.components[:4], lora, *plain.components[4:])
        return replace(plain, components=parts, hyperparameters={**plain.hyperparameters, "lora_rank": 4})

    def test_it_is_kept_as_it_is_with_what_sizes_it(self) -> None:
        parent = self.parent()
        (found,) = plans(still(), parent, 1, agent="later")
        assert part(found, "lora.1") == Planned("lora.1", parent.component("lora.1"), trainable=False)
        assert [p.name for p in found.parts] == [*spec.component_names(3, ["lora.1"])]
        assert found.hyperparameters["lora_rank"] == found.dimensions["lora_rank"] == 4

    def test_it_can_be_cloned(self) -> None:
        (found,) = plans(still(mutation__clone='{"lora.*": always, "*": never}'), self.parent(), 1, agent="later")
        assert part(found, "lora.1").trainable

    def test_it_goes_with_its_layer_and_so_does_what_sizes_it(self) -> None:
        (found,) = plans(still(layers="[1]"), self.parent(), 1, agent="later")
        assert [p.name for p in found.parts] == [*spec.component_names(1)]
        assert "lora_rank" not in found.hyperparameters


class TestImageSize:
    def test_a_position_embedding_of_another_size_is_the_parents_and_trainable(self) -> None:
        parent = child(still(), root())
        (found,) = plans(still(data__image_size="48"), parent, 1, agent="later")
        assert part(found, "pos_embed") == Planned("pos_embed", parent.component("pos_embed"), trainable=True)
        assert part_size(found, "pos_embed") == (9 + 1) * 192

    def test_one_of_the_same_size_is_a_component_as_any_other(self) -> None:
        (found,) = plans(still(), root(), 1)
        assert not part(found, "pos_embed").trainable


class TestLearnedMu:
    learned = still(mutation__learned="true", mutation__clone='{"block.0": mutate, "*": never}')

    def test_the_probability_moves_one_step_with_global_mu_and_decides(self) -> None:
        """METHOD section 4, from the global µ of 0.1: 0.08 and 0.12 with µ / 2 each; then it acts with what it is."""
        found = plans(self.learned, root(), 6000)
        entries = Counter(p.mu["clone:block.0"] for p in found)
        assert set(entries) == {0.08, 0.1, 0.12}
        for value, probability in ((0.08, MU / 2), (0.1, 1 - MU), (0.12, MU / 2)):
            assert_frequency(entries[value], 6000, probability)
            acted = sum("clone:block.0" in p.mutations for p in found if p.mu["clone:block.0"] == value)
            assert_frequency(acted, entries[value], value)

    def test_it_moves_up_as_often_as_down(self) -> None:
        restless = still(
            mutation__learned="true", mutation__clone='{"*": mutate}', mu="[0.2, 0.4, 1.0]", mu__default="1.0"
        )
        parent = replace(root(), mu={"clone:block.0": 0.4})
        found = plans(restless, parent)
        assert_frequency(sum(p.mu["clone:block.0"] == 1.0 for p in found), DRAWS, 0.5)
        assert {p.mu["clone:block.0"] for p in found} == {0.2, 1.0}

    def test_it_starts_from_the_stored_one(self) -> None:
        parent = replace(root(), mu={"clone:block.0": 0.3})
        found = plans(self.learned, parent)
        entries = Counter(p.mu["clone:block.0"] for p in found)
        assert set(entries) == {0.28, 0.3}
        assert_frequency(entries[0.28], DRAWS, MU / 2)  # half of the moves are clipped at the end

    def test_a_stored_one_outside_the_list_goes_to_the_nearest(self) -> None:
        parent = replace(root(), mu={"clone:block.0": 0.97})
        assert {p.mu["clone:block.0"] for p in plans(self.learned, parent, 100)} == {0.28, 0.3}

    def test_the_table_holds_one_entry_a_decision(self) -> None:
        parent = child(still(), root(), agent="earlier")
        (found,) = plans(method(layers="[3]"), parent, 1, best=parent)
        steps = {f"hp:{name}" for name in DOMAINS if name != "layers"}
        adapters = {f"add:adapter.{i}" for i in range(3)}
        clones = {f"clone:{c.name}" for c in parent.components if c.name not in ("norm", "head")}
        assert set(found.mu) == steps | adapters | clones

    def test_the_global_one_can_be_far_from_those_learned(self) -> None:
        parent = replace(root(), mu={"clone:block.0": 0.3})
        found = plans(self.learned, with_values(child(self.learned, parent), mu=0.02), agent="later")
        assert_frequency(count(found, "clone:block.0"), DRAWS, found[0].mu["clone:block.0"])

    def test_without_learning_the_table_is_passed_on_untouched(self) -> None:
        parent = replace(root(), mu={"clone:block.0": 0.3})
        found = plans(still(mutation__clone='{"*": mutate}'), parent)
        assert_frequency(count(found, "clone:block.0"), DRAWS, MU)
        assert all(p.mu == parent.mu for p in found)


class TestData:
    def test_the_defaults_while_there_is_no_best_path(self) -> None:
        rng = np.random.default_rng(0)
        found = plan_data(method(), None, TINY, rng)
        assert found.hyperparameters == {n: c.default for n, c in method().space(TINY).items() if is_shared(n)}
        assert (found.mu, found.mutations) == ({}, ())
        assert rng.bit_generator.state == np.random.default_rng(0).bit_generator.state

    def test_the_best_paths_values_mutated(self) -> None:
        best = with_values(child(still(), root()), data__hue=0.02, data__image_size=64)
        rng = np.random.default_rng(2)
        of = still(**STEPS)
        found = [plan_data(of, best, TINY, rng) for _ in range(DRAWS)]
        for name, near in (("data.hue", {0.01, 0.02, 0.05}), ("data.image_size", {48, 64, 80})):
            assert {d.hyperparameters[name] for d in found} == near
            assert_frequency(sum(f"hp:{name}" in d.mutations for d in found), DRAWS, MU)

    def test_two_values_change_half_as_often_as_they_are_drawn(self) -> None:
        best = child(still(), root())
        rng = np.random.default_rng(3)
        of = still(**STEPS)
        found = [plan_data(of, best, TINY, rng) for _ in range(DRAWS)]
        assert_frequency(sum(bool(d.hyperparameters["data.flip"]) for d in found), DRAWS, MU / 2)

    def test_its_entries_replace_the_parents(self) -> None:
        parent = replace(root(), mu={"hp:data.flip": 0.3, "clone:block.0": 0.3})
        best = replace(child(still(), root()), mu={"hp:data.flip": 0.02, "hp:opt.lr": 0.02})
        (found,) = plans(still(**STEPS), parent, 1, best=best)
        assert found.mu == {"hp:data.flip": 0.02, "clone:block.0": 0.3}

    def test_learned_entries_are_of_data_alone(self) -> None:
        best = replace(child(still(), root()), mu={"hp:opt.lr": 0.02})
        found = plan_data(method(), best, TINY, np.random.default_rng(0))
        assert set(found.mu) == {f"hp:{name}" for name in DOMAINS if is_shared(name)}

    def test_a_baseline_mutates_nothing(self) -> None:
        found = plan_data(method("finetune"), child(still(), root()), TINY, np.random.default_rng(0))
        assert (found.mu, found.mutations) == ({}, ())


@pytest.mark.parametrize(
    ("name", "trainable"),
    [
        ("finetune", [*spec.component_names(12)]),
        ("freeze_bottom:10", ["block.10", "block.11", "norm", "head"]),
        ("freeze_bottom:99", ["norm", "head"]),
        ("linear_probe", ["norm", "head"]),
        ("adapters:16", [*(f"adapter.{i}" for i in range(12)), "norm", "head"]),
    ],
)
@pytest.mark.parametrize("untrained", [False, True])
def test_baselines(name: str, trainable: list[str], untrained: bool) -> None:
    (found,) = plans(method(f"{name}@minutes"), root(BASE, untrained=untrained), 1)
    assert [p.name for p in found.parts if p.trainable] == trainable
    assert (found.mutations, found.mu) == ((), {})
    if name == "adapters:16":
        assert found.hyperparameters["adapter_width"] == 16


def test_a_plan_is_the_same_for_the_same_generator() -> None:
    parent = child(method(), root())
    assert plans(method(), parent, 20, best=parent) == plans(method(), parent, 20, best=parent)


METHODS = [
    method(),
    method("quick"),
    method("mu2net@characters"),
    method(mu="[0.5]"),
    method("adapters:8"),
    method("finetune"),
]
ROOTS = [root(), root(untrained=True), root(replace(TINY, layers=5, pool="mean"))]


@settings(max_examples=60, deadline=None)
@given(
    st.sampled_from(ROOTS),
    st.lists(st.tuples(st.sampled_from(METHODS), st.sampled_from("ab"), st.integers(0, 2**32)), min_size=1, max_size=6),
)
def test_any_line_of_descent_is_consistent(oldest: Path, steps: list[tuple[Method, str, int]]) -> None:
    lineage = [oldest]
    for of, task, seed in steps:
        found = plan(of, lineage[0], np.random.default_rng(seed), task=task, ancestors=lineage[1:], best=lineage[0])
        _assert_consistent(of, found, lineage)
        lineage.insert(0, trained(found, tag=seed))


def _assert_consistent(of: Method, found: ChildPlan, lineage: Sequence[Path]) -> None:
    names = [p.name for p in found.parts]
    layers, space = int(found.hyperparameters["layers"]), of.space(found.parent.architecture)
    assert tuple(names) == spec.component_names(layers, names)
    assert tuple(found.hyperparameters) == tuple(DOMAINS)
    assert all(value in space[name].values for name, value in found.hyperparameters.items())
    held = {id(c) for ancestor in lineage for c in ancestor.components}
    for p in found.parts:
        assert p.origin is None or (id(p.origin) in held and p.origin.name == p.name)
        assert p.trainable or p.origin is not None
        resampled = p.name == "pos_embed" and p.trainable
        assert p.origin is None or resampled or p.origin.size == part_size(found, p.name)
    assert {"head"} <= {p.name for p in found.parts if p.trainable}


def test_two_paths_may_hold_a_component_of_one_name() -> None:
    """The nearest ancestor wins, whatever the order of digests."""
    near, far = (replace(root(tag=t), components=(component("block.0", 1, t),)) for t in ("near", "far"))
    parent = replace(root(), components=tuple(c for c in root().components if c.name != "block.0"))
    size = root().component("block.0").size  # type: ignore[union-attr]
    sized = [replace(a, components=(replace(a.components[0], size=size),)) for a in (near, far)]
    (found,) = plans(still(), parent, 1, ancestors=sized)
    assert part(found, "block.0").origin is sized[0].components[0]
