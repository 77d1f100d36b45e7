import math
import threading
from collections import Counter
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F

from ramet.method.plan import Rounds
from ramet.method.schedule import Cosine
from ramet.runtime import device
from ramet.runtime.loader import stream
from ramet.tasks.augment import batch_images
from ramet.training.closed_form import closed_form
from ramet.training.generation import TrainedChild, train_generation
from ramet.vit import spec
from ramet.vit.network import Stage, forward
from tests.training.conftest import ARCHITECTURE, CLASSES, Lab

CPU = torch.device("cpu")
KEY = (0, "tiny", 0, 0, 0)


def train(lab: Lab, *plans, numbers=None, method=None, **options) -> list[TrainedChild]:
    return train_generation(
        plans,
        method or lab.method,
        lab.splits,
        lab.memory.load,
        KEY,
        CPU,
        numbers=numbers or range(len(plans)),
        rounds=Rounds.of(method or lab.method, len(lab.splits["train"].labels)),
        **options,
    )


def watch(monkeypatch, note):
    """Tell a function the names, the input and the output of every stage that runs."""
    run = Stage.run

    def watched(self, x):
        y = run(self, x)
        note(self.names, x, y)
        return y

    monkeypatch.setattr(Stage, "run", watched)


def same(a: TrainedChild, b: TrainedChild) -> bool:
    pairs = [(a.tensors, b.tensors), (a.momentum, b.momentum)]
    return (
        a.curve == b.curve
        and all(x.keys() == y.keys() for x, y in pairs)
        and all(torch.equal(x[name][k], y[name][k]) for x, y in pairs for name in x for k in x[name])
    )


def different_plans(lab: Lab):
    return [
        lab.plan({"block.2"}),
        lab.plan({"block.1"}, opt__lr=0.05),
        lab.plan({"patch_embed", "block.0"}, inserted=("adapter.1",)),
        lab.plan(set(), inserted=("adapter.0", "adapter.2"), opt__nesterov=True),
        lab.plan({"block.2"}, inserted=("lora.1",), lora_rank=2),
    ]


def test_side_by_side_equals_alone(lab):
    plans = different_plans(lab)
    together = train(lab, *plans)
    alone = [train(lab, plan, numbers=[i])[0] for i, plan in enumerate(plans)]
    assert all(same(a, b) for a, b in zip(together, alone, strict=True))


def test_a_child_learns(lab):
    budget = lab.method.budget.model_copy(update={"validations": 12})
    (child,) = train(
        lab, lab.plan({f"block.{i}" for i in range(3)}), method=lab.method.model_copy(update={"budget": budget})
    )
    assert child.quality > 0.9
    assert child.quality == max(child.curve)
    assert len(child.curve) == 12


def test_a_shared_prefix_runs_once_a_batch(lab, monkeypatch):
    runs = []
    watch(monkeypatch, lambda stage, x, y: runs.append(stage))
    train(lab, *[lab.plan({"block.2"}) for _ in range(4)])
    rounds = Rounds.of(lab.method, 160)
    batches = rounds.count * (rounds.steps + 1)  # one validation batch a round
    count = Counter(runs)
    assert count[("block.0",)] == count[("block.1",)] == batches
    assert count[("block.2", "norm", "head")] == 4 * batches


def test_the_next_batch_s_prefix_runs_while_children_train(lab, monkeypatch):
    """The first child waits until the prefix of another batch has been run."""
    begun = threading.Semaphore(0)
    waited = []

    def note(stage, x, y):
        if stage == ("block.1",):
            begun.release()
        elif "head" in stage and torch.is_grad_enabled() and not waited:
            waited.append(begun.acquire(timeout=30) and begun.acquire(timeout=30))

    watch(monkeypatch, note)
    train(lab, *[lab.plan({"block.2"}) for _ in range(2)], at_once=2)
    assert waited == [True]


def test_how_many_are_trained_at_once_makes_no_difference(lab):
    plans = different_plans(lab)
    bad = replace(plans[0], hyperparameters={**plans[0].hyperparameters, "opt.lr": math.inf})
    plans = [*plans, lab.plan({"block.2"}, opt__lr=0.2), bad]
    in_turn, *others = (train(lab, *plans, at_once=at_once) for at_once in (1, 2, 5))
    assert all(same(a, b) for children in others for a, b in zip(in_turn, children, strict=True))


def test_no_gradient_below_the_lowest_trainable_component(lab, monkeypatch):
    seen = {}

    def note(stage, x, y):
        if torch.is_grad_enabled():
            seen.setdefault(stage, set()).add(y.requires_grad)

    watch(monkeypatch, note)
    train(lab, lab.plan({"block.1"}))
    assert seen == {("block.1",): {True}, ("block.2", "norm", "head"): {True}}


def test_a_low_rank_update_is_trained_over_the_frozen_weights_of_its_block(lab, monkeypatch):
    """The block is run for the child alone, and what is below it once for all, without a gradient."""
    seen = {}
    plan = lab.plan(set(), inserted=("lora.1",), lora_rank=2, opt__lr=0.3)
    budget = lab.method.budget.model_copy(update={"validations": 12})
    watch(monkeypatch, lambda s, x, y: seen.setdefault(s, set()).add((torch.is_grad_enabled(), x.requires_grad)))
    (child,) = train(lab, plan, method=lab.method.model_copy(update={"budget": budget}))
    assert set(child.tensors) == {"lora.1", "norm", "head"}
    assert all(t.abs().max() > 0 for t in child.tensors["lora.1"].values())
    assert (True, True) not in seen[("block.0",)] | seen[("lora.1", "block.1")]
    assert (True, False) in seen[("lora.1", "block.1")]
    assert child.quality > 0.6


def test_siblings_share_a_frozen_low_rank_update(lab, monkeypatch):
    """The same block with and without an update are two stages; with the same one it is one."""
    sizes = spec.dimensions({"data.image_size": 8, "lora_rank": 2}, CLASSES)
    tensors = {k: torch.randn(s) for k, s in spec.shapes(ARCHITECTURE, "lora.0", sizes).items()}
    lora = lab.memory.keep("lora.0", tensors)
    runs = []
    watch(monkeypatch, lambda stage, x, y: runs.append(stage))

    def with_update(plan):
        parts = [replace(p, origin=lora, trainable=False) if p.name == "lora.0" else p for p in plan.parts]
        return replace(plan, parts=tuple(parts))

    updated = [with_update(lab.plan({"block.2"}, inserted=("lora.0",), lora_rank=2)) for _ in range(3)]
    children = train(lab, *updated, lab.plan({"block.2"}))
    rounds = Rounds.of(lab.method, 160)
    batches = rounds.count * (rounds.steps + 1)
    count = Counter(runs)
    assert count[("lora.0", "block.0")] == count[("block.0",)] == batches
    assert count[("block.1",)] == 2 * batches
    assert "lora.0" not in children[0].tensors


def test_only_trainable_components_change(lab):
    before = {d: {k: t.clone() for k, t in o.items()} for d, o in lab.memory.objects.items()}
    children = train(lab, *different_plans(lab))
    assert [sorted(c.tensors) for c in children] == [
        sorted(p.name for p in c.plan.parts if p.trainable) for c in children
    ]
    assert all(torch.equal(before[d][k], t) for d, o in lab.memory.objects.items() for k, t in o.items())


def reference_training(lab: Lab, plan) -> dict[str, dict[str, torch.Tensor]]:
    """The same training as a plain loop with torch's own optimiser and nothing shared."""
    parts = {
        n.name: {k: t.clone() for k, t in lab.memory.load(n.origin.digest).items()} for n in plan.parts if n.origin
    }
    parts["head"] = {"weight": torch.zeros(3, 16), "bias": torch.zeros(3)}
    weights = [t.requires_grad_() for p in plan.parts if p.trainable for t in parts[p.name].values()]
    optimiser = torch.optim.SGD(weights, lr=1.0, momentum=0.9)
    rounds = Rounds.of(lab.method, 160)
    draws = stream(160, rounds.batch, (*KEY, "examples"))
    total = rounds.count * rounds.steps
    images = torch.from_numpy(lab.splits["train"].images)
    labels = torch.from_numpy(lab.splits["train"].labels)
    for step in range(total):
        chosen = torch.from_numpy(next(draws) % 160)
        optimiser.param_groups[0]["lr"] = 0.1 * Cosine().factor(step, total, {"opt.warmup": 0.1}, 1e-3)
        optimiser.zero_grad()
        F.cross_entropy(
            forward(lab.root.architecture, parts, batch_images(images[chosen], image_size=8)), labels[chosen]
        ).backward()
        torch.nn.utils.clip_grad_norm_(weights, 1.0)
        optimiser.step()
    return {p.name: parts[p.name] for p in plan.parts if p.trainable}


def test_equals_a_plain_loop(lab):
    budget = lab.method.budget.model_copy(update={"validations": 1})
    lab.method = lab.method.model_copy(update={"budget": budget})
    plan = lab.plan({"block.1", "block.2"})
    (child,) = train(lab, plan)
    expected = reference_training(lab, plan)
    for name, tensors in expected.items():
        for key, tensor in tensors.items():
            torch.testing.assert_close(child.tensors[name][key], tensor.detach(), atol=1e-5, rtol=1e-4)


def test_momentum_is_stored_and_inherited(lab):
    plan = lab.plan({"block.2"})
    (first,) = train(lab, plan)
    assert any(t.abs().max() > 0 for t in first.momentum["block.2"].values())
    momentum = lab.memory.keep("block.2", {k: t * 100 for k, t in first.momentum["block.2"].items()})
    inheriting = replace(
        plan,
        parts=tuple(
            replace(p, origin=replace(p.origin, momentum=momentum.digest)) if p.name == "block.2" else p
            for p in plan.parts
        ),
    )
    (second,) = train(lab, inheriting)
    assert not torch.equal(first.tensors["block.2"]["mlp.fc1.weight"], second.tensors["block.2"]["mlp.fc1.weight"])


def test_a_diverging_child_drops_out_and_the_others_do_not_notice(lab):
    plans = different_plans(lab)
    bad = replace(plans[0], hyperparameters={**plans[0].hyperparameters, "opt.lr": math.inf})
    children = train(lab, plans[0], bad, plans[1], numbers=[0, 9, 1])
    alone = [train(lab, plans[0], numbers=[0])[0], train(lab, plans[1], numbers=[1])[0]]
    assert children[1].failure == "diverged"
    assert [c.examples for c in children] == [288, 96, 288]  # it stopped after the first of three validations
    assert math.isnan(children[1].quality)
    assert children[1].tensors == {}
    assert same(children[0], alone[0])
    assert same(children[2], alone[1])


@pytest.mark.parametrize(
    ("examples", "batch", "limit", "expected"),
    [
        (1000, 100, 500, Rounds(3, 5, 100)),
        (1000, 300, 5000, Rounds(3, 4, 300)),
        (1000, 300, 800, Rounds(3, 2, 300)),
        (50, 512, 5000, Rounds(3, 1, 50)),
        (4000, 512, 4096, Rounds(3, 8, 512)),  # METHOD section 8: 16,384 examples in 4 rounds,
        (2000, 512, 4096, Rounds(3, 4, 512)),  # and 8,192 where an epoch is 2,000
        (5000, 512, 100, Rounds(3, 1, 512)),
    ],
)
def test_rounds(lab, examples, batch, limit, expected):
    budget = lab.method.budget.model_copy(update={"examples_per_validation": limit})
    assert Rounds.of(lab.method.model_copy(update={"batch": batch, "budget": budget}), examples) == expected


def with_training(lab: Lab, **settings: object):
    return lab.method.model_copy(update={"training": lab.method.training.model_copy(update=settings)})


def test_a_new_head_begins_with_the_closed_form_for_its_features(lab):
    method = with_training(lab, head="closed-form")
    plans = [lab.plan({"block.2"}, opt__lr=1e-9), lab.plan(set(), opt__lr=1e-9)]
    zero = train(lab, *plans)
    solved = train(lab, *plans, method=method)
    assert all(child.curve[0] > before.curve[0] + 0.2 for child, before in zip(solved, zero, strict=True))
    images, labels = lab.splits["train"].images, lab.splits["train"].labels
    x = batch_images(torch.from_numpy(images), image_size=8)
    parts = {c.name: lab.memory.load(c.digest) for c in lab.root.components}
    parts["head"] = {"weight": torch.eye(ARCHITECTURE.width), "bias": torch.zeros(ARCHITECTURE.width)}
    head = closed_form(forward(ARCHITECTURE, parts, x), torch.from_numpy(labels), CLASSES)
    assert torch.allclose(solved[0].tensors["head"]["weight"], head.weight, atol=1e-3)
    alone = [train(lab, plan, numbers=[i], method=method)[0] for i, plan in enumerate(plans)]
    assert all(same(a, b) for a, b in zip(solved, alone, strict=True))


def test_a_head_that_is_inherited_is_left_as_it_is(lab):
    plan = lab.plan({"block.2"}, opt__lr=1e-9)
    (first,) = train(lab, plan)
    head = lab.memory.keep("head", first.tensors["head"])
    parts = tuple(replace(p, origin=head) if p.name == "head" else p for p in plan.parts)
    (child,) = train(lab, replace(plan, parts=parts), method=with_training(lab, head="closed-form"))
    assert torch.allclose(child.tensors["head"]["weight"], first.tensors["head"]["weight"], atol=1e-6)


@pytest.mark.parametrize("head", ["zero", "closed-form"])
def test_adamw_side_by_side_equals_alone_and_learns(lab, head):
    method = with_training(lab, head=head)
    plans = [
        lab.plan({"block.2"}, opt__adamw=True, opt__lr=0.01, opt__weight_decay=0.1),
        lab.plan({"block.1"}, opt__adamw=True, opt__lr=0.02),
        lab.plan({"block.2"}),
    ]
    together = train(lab, *plans, method=method)
    alone = [train(lab, plan, numbers=[i], method=method)[0] for i, plan in enumerate(plans)]
    assert all(same(a, b) for a, b in zip(together, alone, strict=True))
    assert together[0].quality > 0.6
    assert {"weight", "weight.square"} <= together[0].momentum["head"].keys()
    assert "weight.square" not in together[2].momentum["head"]


def test_products_are_in_bfloat16_where_the_method_and_the_cpu_say_so(lab, monkeypatch):
    seen = set()
    watch(monkeypatch, lambda stage, x, y: seen.add(torch.is_autocast_enabled("cpu")))
    for has_it, precision, expected in ((True, "bfloat16", True), (False, "bfloat16", False), (True, "device", False)):
        seen.clear()
        monkeypatch.setattr(device, "_cpu_has_bf16", lambda has_it=has_it: has_it)
        (child,) = train(lab, lab.plan({"block.1"}), method=with_training(lab, precision=precision))
        assert seen == {expected}
        assert all(t.dtype == torch.float32 for of in child.tensors.values() for t in of.values())
        assert child.quality > 0.4


def test_in_bfloat16_too_side_by_side_equals_alone(lab, monkeypatch):
    monkeypatch.setattr(device, "_cpu_has_bf16", lambda: True)
    method, plans = with_training(lab, precision="bfloat16"), different_plans(lab)
    together = train(lab, *plans, method=method)
    alone = [train(lab, plan, numbers=[i], method=method)[0] for i, plan in enumerate(plans)]
    assert all(same(a, b) for a, b in zip(together, alone, strict=True))
