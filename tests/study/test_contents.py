from dataclasses import replace
from pathlib import Path

import pytest
from ramet.study.record import Record
from ramet.study.parts import PARTS, parts
from ramet.study.runs import gather
from ramet.study.summary import Summary, summarise

from ramet.report.tables import Picture
from tests.study.made import SEEDS, TASKS, TERMS, VARIANTS, failed, records


def text(summary: Summary, name: str) -> str:
    found = next(part for part in parts(summary) if part.name == name)
    return found.markdown(Path("figures"), Path("report.md"))


PINNED = {
    "overview": """\
| --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| µ2Net+ | .800 ± .033 | .820 ± .033 | 334 k | 1.00 k | 1.00 M | 15.0 M | 3.00 T | 0:06:00 |
| µ2Net+, s = .9 | .780 ± .033 | .800 ± .033 | 334 k | 1.00 k | 1.00 M | 15.0 M | 3.00 T | 0:06:00 |
| full fine-tuning | .750 ± .033 | .770 ± .033 | 1.00 M | 1.00 M | 3.00 M | 15.0 M | 3.00 T | 0:06:00 |
""",
    "comparison": """\
| method | verdict | difference | over seeds | pairs | better | equal | worse | p |
| --- | --- | ---: | ---: | ---: | ---: | ---: | ---: | ---: |
| µ2Net+, s = .9 | worse | −.020 | −.020 | 9 | 0 | 0 | 9 | 0.0039 |
| full fine-tuning | worse | −.050 | −.050 | 9 | 0 | 0 | 9 | 0.0039 |
""",
    "accuracy": """\
| method | emnist/digits | kmnist | omniglot | mean |
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
| µ2Net+ | 49.2 k | 24 | 3.00 T | 0:06:00 ± 0:07:27 | 15.0 M |
""",
    "transfer": """\
| method | backward transfer | largest change | forward transfer | pairs | verdict |
| --- | ---: | ---: | ---: | ---: | ---: |
| µ2Net+ | 0.0 | 0.0 | +.030 | 6 | better |
| µ2Net+, s = .9 | 0.0 | 0.0 | – | – | – |
| full fine-tuning | 0.0 | 0.0 | – | – | – |

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
    "faults": "Every run is there.\n",
    "origin": """\
| command | `ramet benchmark run tiny --seeds 3` |
| root | random:vit_tiny_patch16 |
| scale | 0.5 |
| budget | 16,384 examples a task and method at most |
| settings | budget.cycles = 2 |
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


def test_every_part_is_made_in_order(summary: Summary) -> None:
    assert [part.name for part in parts(summary)] == list(PARTS)
    assert all(part.blocks for part in parts(summary))


def test_what_is_left_out_or_has_fewer_seeds_is_said() -> None:
    runs = [
        *records(lambda variant, task, seed: variant == "finetune" and seed == 2),
        *(failed(VARIANTS[1], "omniglot", seed) for seed in SEEDS),
    ]
    found = text(summarise(gather(TERMS, runs)), "overview")
    assert found.startswith(
        "Means over 2 of 3 tasks that all methods have done, and over seeds 0, 1 and 2 (full fine-tuning: seeds 0 and "
        "1); ± is a 95 % interval over seeds. Left out: omniglot: failed (µ2Net+, s = .9)."
    )
    assert "| full fine-tuning | .792 ± .095 (n = 2) |" in found


def test_a_method_under_way_is_not_averaged() -> None:
    runs = records(lambda variant, task, seed: variant == "finetune" and (task, seed) != (TASKS[0], 0))
    summary = summarise(gather(TERMS, runs))
    assert "Not finished yet, so not averaged: full fine-tuning." in text(summary, "overview")
    assert "| full fine-tuning | .840 (n = 1) | – | – | – |" in text(summary, "accuracy")


def test_one_seed_has_no_intervals() -> None:
    summary = summarise(gather(TERMS, (one for one in records() if one.seed == 0)))
    assert "±" not in text(summary, "overview") + text(summary, "accuracy")
    assert "over seed 0." in text(summary, "overview")


def test_cells_of_runs_that_are_not_done_say_why() -> None:
    runs = [
        *records(lambda variant, task, seed: variant == "finetune"),
        *(failed(VARIANTS[2], "kmnist", seed) for seed in SEEDS),
        *(replace(failed(VARIANTS[2], "omniglot", seed, "not there"), state="no-data") for seed in SEEDS),
    ]
    summary = summarise(gather(TERMS, runs))
    assert "| full fine-tuning | – | failed | no data | – |" in text(summary, "accuracy")
    assert (
        text(summary, "faults")
        == """\
Failed:

| method | task | learned | seeds | why |
| --- | --- | --- | --- | --- |
| full fine-tuning | kmnist | together | 0, 1 and 2 | ValueError: a \\| b |

Without data:

| task | why |
| --- | --- |
| omniglot | not there |

Not there yet:

| method | tasks | runs |
| --- | --- | ---: |
| full fine-tuning | emnist/digits | 3 |
"""
    )


def test_forgetting_is_not_overlooked() -> None:
    def forgetful(one: Record) -> Record:
        if (one.variant.name, one.task, one.seed) != ("finetune", "omniglot", 0):
            return one
        return replace(one, standings={**one.standings, TASKS[0]: replace(one.standings[TASKS[0]], test=0.5)})

    found = text(summarise(gather(TERMS, map(forgetful, records()))), "transfer")
    assert "**full fine-tuning changed what it had learned, by up to 0.33" in found
    assert "| full fine-tuning | 0.0 |" not in found


def test_many_tasks_are_set_one_below_the_other() -> None:
    tasks = tuple(f"task{i}" for i in range(30))
    runs = [replace(one, task=tasks[0]) for one in records() if one.task == TASKS[0]]
    runs = [replace(one, standings={tasks[0]: one.standings[TASKS[0]]}) for one in runs]
    found = text(summarise(gather(replace(TERMS, tasks=tasks), runs)), "accuracy")
    assert "| method | µ2Net+ | µ2Net+, s = .9 | full fine-tuning | µNet, reported |" in found
    assert "| task0 | .900 ± .025 | .880 ± .025 | .850 ± .025 | – |" in found


@pytest.mark.parametrize("runs", [[], [failed(VARIANTS[0], "kmnist", 0)]])
def test_without_any_run_done_there_are_no_figures(runs: list[Record]) -> None:
    made = parts(summarise(gather(TERMS, runs)))
    assert not [block for part in made for block in part.blocks if isinstance(block, Picture)]
    assert "No task has been done by all methods yet" in made[0].markdown(Path(), Path())
    told = "ValueError: a \\| b" if runs else "There are no runs yet."
    assert told in next(part for part in made if part.name == "faults").markdown(Path(), Path())
