from dataclasses import replace
from pathlib import Path

import pytest

from ramet.report.document import Picture
from ramet.study.design import GivenTask
from ramet.study.parts import PARTS, part_of, parts
from ramet.study.record import Record
from ramet.study.summary import Summary
from tests.study.made import DESIGN, SEEDS, TASKS, failed, records, summary_of


def text(summary: Summary, name: str) -> str:
    return part_of(summary, name).markdown(Path("figures"), Path("report.md"))


PINNED = {
    "verdict": (
        "µ2Net+, s = .9 is worse than µ2Net+ by test accuracy (−.020, 95 % interval −.020 to −.020, p = 0.0039, "
        "9 pairs, by 3 seeds −.020 to −.020).\n\nfull fine-tuning is worse than µ2Net+ by test accuracy (−.050, 95 % "
        "interval −.050 to −.050, p = 0.0039, 9 pairs, by 3 seeds −.050 to −.050). Its costs: accounted parameters "
        "×2.99 (×2.99 to ×2.99).\n"
    ),
    "overview": """\
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| µ2Net+ | .820 ± .033 | .800 ± .033 | 334 k | 1.00 k | 15.0 M | 3.00 T | 0:06:00 | 1.00 M |
| µ2Net+, s = .9 | .800 ± .033 | .780 ± .033 | 334 k | 1.00 k | 15.0 M | 3.00 T | 0:06:00 | 1.00 M |
| full fine-tuning | .770 ± .033 | .750 ± .033 | 1.00 M | 1.00 M | 15.0 M | 3.00 T | 0:06:00 | 3.00 M |
""",
    "differences": """\
| variant | measure | verdict | difference | 95 % interval | by seeds | pairs | +/=/− | p |
| --- | --- | --- | ---: | ---: | ---: | ---: | ---: | ---: |
| µ2Net+, s = .9 | validation | worse | −.020 | −.020 to −.020 | −.020 to −.020 | 9 | 0/0/9 | 0.0039 |
| µ2Net+, s = .9 | test | worse | −.020 | −.020 to −.020 | −.020 to −.020 | 9 | 0/0/9 | 0.0039 |
| full fine-tuning | validation | worse | −.050 | −.050 to −.050 | −.050 to −.050 | 9 | 0/0/9 | 0.0039 |
| full fine-tuning | test | worse | −.050 | −.050 to −.050 | −.050 to −.050 | 9 | 0/0/9 | 0.0039 |
""",
    "accuracy": """\
| variant | emnist/digits | kmnist | omniglot | mean |
| --- | ---: | ---: | ---: | ---: |
| µ2Net+ | .900 ± .025 | .800 ± .050 | .700 ± .025 | .800 ± .033 |
| µ2Net+, s = .9 | .880 ± .025 | .780 ± .050 | .680 ± .025 | .780 ± .033 |
| full fine-tuning | .850 ± .025 | .750 ± .050 | .650 ± .025 | .750 ± .033 |
| µNet, reported | – | .821 | .606 | – |
""",
    "published": """\
| task | command | state | whose | paper | ours |
| --- | --- | --- | --- | ---: | ---: |
| kmnist | `ramet benchmark run tiny --methods evolved --tasks kmnist` | done | µNet | .821 | .800 ± .050 |
| omniglot | `ramet benchmark run tiny --methods evolved --tasks omniglot` | done | µNet | .606 | .700 ± .025 |
""",
    "size": """\
| full fine-tuning | 1.00 M | 1.00 M | 1.00 M | 1.00 M |
""",
    "cost": """\
| variant | examples allowed | children | published | training FLOPs | time |
| --- | ---: | ---: | ---: | ---: | ---: |
| µ2Net+ | 1.28 M | 72 | 9 | 9.00 T | 0:18:00 |
""",
    "curves": "every seed, and their mean in bold](figures/curves.svg)\n",
    "mutations": """\
| action | µ2Net+ | µ2Net+, s = .9 | full fine-tuning |
| --- | ---: | ---: | ---: |
| clone:block | 18 → 18 | 18 → 18 | 18 → 18 |
| hp:opt.lr | 18 → 9 | 18 → 9 | 18 → 9 |
""",
    "mu": "| hp:opt.lr | 0.200 → 0.100 |\n",
    "transfer": """\
largest change | forward transfer | verdict | 95 % interval | by seeds | pairs | +/=/− | p |
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| µ2Net+ | 0.0 | 0.0 | +.030 | better | +.030 to +.030 | +.030 to +.030 | 6 | 6/0/0 | 0.031 |
| µ2Net+, s = .9 | 0.0 | 0.0 | – | – | – | – | – | – | – |
| full fine-tuning | 0.0 | 0.0 | – | – | – | – | – | – | – |

| forward transfer | kmnist | omniglot |
| --- | ---: | ---: |
| µ2Net+ | +.030 | +.030 |

Test accuracy of µ2Net+, seed 0: a row when its task had been learned, a column for each task of the system.

|  | emnist/digits | kmnist | omniglot |
| --- | ---: | ---: | ---: |
| emnist/digits | .890 |  |  |
| kmnist | .890 | .780 |  |
| omniglot | .890 | .780 | .690 |
""",
    "matrix": """\
| emnist/digits | 1.00 M | 1.00 M | 1.00 M |
""",
    "tasks": """\
| task | data | classes | train | validation | test |
| --- | --- | ---: | ---: | ---: | ---: |
| emnist/digits | npz | 10 | 1,000 | 100 | 200 |
""",
    "origin": """\
| command | `ramet benchmark run tiny --seeds 3` |
| root | random:vit_tiny_patch16 |
| scale | 0.5 |
| settings | budget.cycles = 2 |
| budget | 1,280,000 examples a task and variant at most |
| seeds | 0, 1 and 2 |
| runs done | 33 |
| time | 1:06:00 of training and validation, over all runs |
| machine | Abacus, 2 cores, 8.5 GB of memory, Linux x86_64 |
| versions | ramet 0.1.0, torch 2.6 |
| dates | 2026-01-30 to 2026-01-31 |
""",
}  # fmt: skip


@pytest.mark.parametrize("name", PINNED)
def test_tables(name: str, summary: Summary) -> None:
    assert PINNED[name] in text(summary, name)


def test_parts_with_something_to_say_are_made_in_order(summary: Summary) -> None:
    assert [part.name for part in parts(summary)] == [name for name in PARTS if name not in ("score", "faults")]
    assert all(part.blocks for part in parts(summary))


def test_the_score_is_told_where_it_is_not_the_validation_accuracy() -> None:
    found = summary_of(replace(one, score=one.quality / 2) for one in records())
    assert "| µ2Net+ | .460 ± .012 | .410 ± .025 | .360 ± .012 | .410 ± .017 |" in text(found, "score")


def test_records_without_children_say_so() -> None:
    found = summary_of(replace(one, tried=None) for one in records())
    assert "| children | not kept in these records |" in text(found, "origin")
    assert not part_of(found, "mutations").blocks


def test_what_is_left_out_or_has_fewer_seeds_is_said() -> None:
    runs = [
        *records(lambda variant, task, seed: variant == "finetune" and seed == 2),
        *(failed("evolved-s.9", "omniglot", seed) for seed in SEEDS),
    ]
    found = text(summary_of(runs), "overview")
    assert found.startswith(
        "Means over 2 of 3 tasks that all variants have done, and over seeds 0, 1 and 2 (full fine-tuning: seeds 0 and "
        "1); ± is a 95 % interval over seeds. Left out: omniglot: failed (µ2Net+, s = .9)."
    )
    assert ".792 ± .095 (n = 2)" in found


def test_a_method_under_way_is_not_averaged() -> None:
    runs = records(lambda variant, task, seed: variant == "finetune" and (task, seed) != (TASKS[0], 0))
    summary = summary_of(runs)
    assert "Not finished yet, so not averaged: full fine-tuning." in text(summary, "overview")
    assert "| full fine-tuning | .840 (n = 1) | – | – | – |" in text(summary, "accuracy")


def test_one_seed_has_no_intervals() -> None:
    summary = summary_of(one for one in records() if one.seed == 0)
    assert "±" not in text(summary, "overview") + text(summary, "accuracy")
    assert "over seed 0." in text(summary, "overview")


def test_cells_of_runs_that_are_not_done_say_why() -> None:
    runs = [
        *records(lambda variant, task, seed: variant == "finetune"),
        *(failed("finetune", "kmnist", seed) for seed in SEEDS),
        *(replace(failed("finetune", "omniglot", seed, "not there"), state="no-data") for seed in SEEDS),
    ]
    summary = summary_of(runs)
    assert "| full fine-tuning | – | failed | no data | – |" in text(summary, "accuracy")
    assert (
        text(summary, "faults")
        == """\
Failed:

| variant | task | learned | seeds | why |
| --- | --- | --- | --- | --- |
| full fine-tuning | kmnist | together | 0, 1 and 2 | ValueError: a \\| b |

Without data:

| task | why |
| --- | --- |
| omniglot | not there |

Not there yet:

| variant | tasks | runs |
| --- | --- | ---: |
| full fine-tuning | emnist/digits | 3 |
"""
    )


def test_forgetting_is_not_overlooked() -> None:
    def forgetful(one: Record) -> Record:
        if (one.variant, one.task, one.seed) != ("finetune", "omniglot", 0):
            return one
        return replace(one, measured={**one.measured, TASKS[0]: 0.5})

    found = text(summary_of(map(forgetful, records())), "transfer")
    assert "**full fine-tuning changed what it had learned, by up to 0.33" in found
    assert "| full fine-tuning | 0.0 |" not in found


def test_many_tasks_are_set_one_below_the_other() -> None:
    tasks = tuple(f"task{i}" for i in range(30))
    design = DESIGN.model_copy(update={"tasks": tuple(GivenTask(name=task) for task in tasks)})
    runs = [replace(one, task=tasks[0]) for one in records() if one.task == TASKS[0]]
    found = text(summary_of(runs, design), "accuracy")
    assert "| variant | µ2Net+ | µ2Net+, s = .9 | full fine-tuning | µNet, reported |" in found
    assert "| task0 | .900 ± .025 | .880 ± .025 | .850 ± .025 | – |" in found


@pytest.mark.parametrize("runs", [[], [failed("evolved", "kmnist", 0)]])
def test_without_any_run_done_there_are_no_figures(runs: list[Record]) -> None:
    summary = summary_of(runs)
    made = parts(summary)
    assert not [block for part in made for block in part.blocks if isinstance(block, Picture)]
    assert ("ValueError: a \\| b" in text(summary, "faults")) == bool(runs)
    assert "| full fine-tuning | emnist/digits, kmnist and omniglot | 9 |" in text(summary, "faults")
