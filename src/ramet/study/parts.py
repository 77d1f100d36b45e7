"""What a report says: its parts, one a question, in sentences, tables and figures made of the summary's numbers.

A document takes those that it needs; a whole report has those for which there is something to say.
"""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence

from ramet.base.text import NOTHING, count, difference, duration, listed, share
from ramet.report.document import Block, Part, Picture, Table
from ramet.study.design import Measure
from ramet.study.statistics import Estimate, Paired
from ramet.study.summary import Fault, Summary, VariantResult
from ramet.study.tables import averaged, by_task, cell, legend, narrowed, reported_rows
from ramet.study.transfer import Matrix
from ramet.study.wording import COMPARISON, IN_SENTENCES, SHOWN, cost_verdict, times, told, with_interval
from ramet.tasks.sources.base import SPLITS

Blocks = tuple[Block, ...]
Maker = Callable[[Summary], Blocks]

LARGEST = 24
"""Tasks whose matrix is printed; of more, the JSON file has it."""

NOTHING_YET = "There is nothing to tell of this."

PARTS: dict[str, tuple[str, Maker]] = {}
"""The parts by name, in the order of a report: their titles, and what makes them."""


def parts(summary: Summary) -> tuple[Part, ...]:
    """Return the parts for which there is something to say."""
    return tuple(part for name in PARTS if (part := part_of(summary, name)).blocks)


def part_of(summary: Summary, name: str) -> Part:
    """Return the part of a name; it has no blocks where there is nothing to say."""
    title, make = PARTS[name]
    return Part(name, title, make(summary))


def _part(name: str, title: str) -> Callable[[Maker], Maker]:
    def add(make: Maker) -> Maker:
        PARTS[name] = (title, make)
        return make

    return add


@_part("verdict", "Verdict")
def _verdict(summary: Summary) -> Blocks:
    said = (variant.verdict for variant in summary.variants[1:])
    description = summary.design.description
    return (*([description] if description else []), *said, *(f"Note: {w}" for w in summary.warnings))


@_part("overview", "Overview")
def _overview(summary: Summary) -> Blocks:
    if not summary.records:
        return ()
    columns: dict[str, Callable[[Mapping[Measure, Estimate]], str]] = {
        "validation": lambda means: with_interval(share, means["quality"]),
        "test": lambda means: cell(summary, means["test_quality"], "test_quality"),
        "accounted parameters": lambda means: with_interval(count, means["accounted_params"]),
        "trained parameters": lambda means: with_interval(count, means["trained_params"]),
        "FLOPs": lambda means: count(means["flops"].mean),
        "training FLOPs": lambda means: count(means["training_flops"].mean),
        "time": lambda means: duration(means["seconds"].mean),
    }
    rows = tuple(
        (
            variant.label,
            *(show(variant.means) if variant.means else NOTHING for show in columns.values()),
            with_interval(count, variant.system_params if variant.means else None),
        )
        for variant in summary.variants
    )
    return (
        averaged(summary),
        Table(("variant", *columns, "parameters of all tasks"), rows),
        "Accuracies, parameters and FLOPs (of one image) are means over these tasks; training FLOPs and time "
        "(training and validation) are sums over them, means over seeds. Parameters of all tasks count each component "
        "once.",
    )


@_part("differences", "Differences to the control")
def _differences(summary: Summary) -> Blocks:
    judge, control = summary.design.judge, summary.control.label
    same = "quality" if judge == "score" else "score"

    def said(measure: Measure, found: Paired) -> str:
        return found.verdict if measure != "test_quality" or judge == "test_quality" else "decides nothing"

    rows = tuple(
        (variant.label, SHOWN[m][0], said(m, found), difference(found.mean), *told(found, difference))
        for variant in summary.variants
        for m, found in variant.differences.items()
        if m != same or not _scores_are_qualities(summary)
    )
    if not rows:
        return ()
    return (
        Table(("variant", "measure", "verdict", "difference", *COMPARISON), rows, left=3),
        f"Differences to {control}, paired by task and seed. The interval is a bootstrap of the pairs, p of Wilcoxon's "
        "signed-rank test. That by seeds is Student's, of the means of seeds: the pairs of a seed have in common how "
        "its run went. A variant is better or worse where all three say so; the verdict above is by "
        f"{IN_SENTENCES[judge]}. The pairs are of these tasks, and speak of these. Nothing is corrected for the number "
        "of comparisons: what much hangs on is to be asked again with other seeds. The score is by the terms of "
        f"{control} for all, in the system as it was when a branch had learned its last task.",
        Picture(
            "differences",
            f"Differences to {control}: means with their intervals (thin: by seeds), and every task's mean",
        ),
    )


@_part("frontier", "Quality against size and compute")
def _frontier(summary: Summary) -> Blocks:
    if sum(bool(variant.means) for variant in summary.variants) < 2:
        return ()
    return (
        averaged(summary),
        Picture("frontier-params", "Mean test accuracy against accounted parameters a task"),
        Picture("frontier-flops", "Mean test accuracy against FLOPs of an image"),
    )


@_part("score", "Score")
def _score(summary: Summary) -> Blocks:
    wanted = [measure for measure in ("score", "own_score") if measure in summary.design.metrics]
    if not summary.done or not wanted or (wanted == ["score"] and _scores_are_qualities(summary)):
        return ()
    own = ("By each variant's own terms:", by_task(summary, "own_score")) if "own_score" in wanted else ()
    return (by_task(summary, "score"), *own, legend(summary))


@_part("validation", "Validation accuracy")
def _validation(summary: Summary) -> Blocks:
    return (by_task(summary, "quality"), legend(summary)) if summary.done else ()


@_part("accuracy", "Test accuracy")
def _accuracy(summary: Summary) -> Blocks:
    if not summary.records:
        return ()
    note = " What is reported was not measured here: data and budget may differ." if summary.design.reported else ""
    figure = (Picture("accuracy", "Test accuracy by task and variant"),) if summary.done else ()
    return (by_task(summary, "test_quality", reported_rows(summary)), legend(summary) + note, *figure)


@_part("published", "Published accuracies")
def _published(summary: Summary) -> Blocks:
    """Return every published accuracy beside ours, with the command that measures it and how far that has come."""
    control, design = summary.control, summary.design
    states = {"done": "done", "failed": "failed", "no-data": "no data here", "missing": "not run"}
    whys = {(fault.variant, fault.task): fault.why for fault in summary.faults}
    rows = []
    for task, found in design.reported.items():
        for whose, value in found.items():
            result = control.tasks.get(task)
            means, state = (result.means, result.state) if result else ({}, "missing")
            why = whys.get((control.name, task), "").partition("; ")[0]
            command = f"`ramet benchmark run {design.name} --methods {control.name} --tasks {task}`"
            ours = with_interval(share, means.get("test_quality"))
            rows.append((task, command, f"{states[state]}{': ' if why else ''}{why}", whose, share(value), ours))
    return (Table(("task", "command", "state", "whose", "paper", "ours"), tuple(rows), left=4),) if rows else ()


@_part("size", "Parameters")
def _size(summary: Summary) -> Blocks:
    if not summary.done:
        return ()
    return (
        "Accounted parameters, when the last task had been learned: a component counts by its part for each task that "
        "holds it.",
        by_task(summary, "accounted_params"),
        "Trained parameters: those of the task's path that were trained for it.",
        by_task(summary, "trained_params"),
        legend(summary),
        Picture("size", "Accounted parameters by task and variant"),
    )


@_part("cost", "Cost")
def _cost(summary: Summary) -> Blocks:
    if not summary.done:
        return ()
    spent = tuple(
        (
            variant.label,
            count(variant.budget),
            f"{variant.spent['children']:,.0f}",
            f"{variant.found:,}",
            count(variant.spent["training_flops"]),
            duration(variant.spent["seconds"]),
        )
        for variant in summary.variants
    )
    ratios = tuple(
        (variant.label, SHOWN[m][0], cost_verdict(found), times(found.mean), *told(found, times))
        for variant in summary.variants
        for m, found in variant.costs.items()
    )
    compared = (
        Table(("variant", "measure", "verdict", "to control", *COMPARISON), ratios, left=3),
        f"Ratios to what {summary.control.label} costs, paired by task and seed and tested as above; their mean and "
        "intervals are those of the logarithms.",
    )
    told_by_task = ("params", "flops", "training_flops", "examples", "children", "seconds")
    measures = [measure for measure in summary.design.metrics if measure in told_by_task]
    return (
        Table(("variant", "examples allowed", "children", "published", "training FLOPs", "time"), spent),
        "Over all runs. Examples allowed are a task's at most; published are the children whose path was: a run that "
        "found nothing better than what was there published none. Time is that of training and validation.",
        *(compared if ratios else ()),
        *(block for m in measures for block in (f"By task: {SHOWN[m][0]}", by_task(summary, m))),
        legend(summary),
    )


@_part("curves", "Learning curves")
def _curves(summary: Summary) -> Blocks:
    caption = "The best score so far, by what was spent on training: every seed, and their mean in bold"
    return (Picture("curves", caption),) if any(record.tried for record in summary.done) else ()


@_part("mutations", "Mutations that survived")
def _mutations(summary: Summary) -> Blocks:
    drawn: Counter[str] = Counter()
    for variant in summary.variants:
        drawn.update({m.action: m.drawn for m in variant.mutations})
    found = {v.label: {m.action: f"{m.drawn:,} → {m.survived:,}" for m in v.mutations} for v in summary.variants}
    actions = sorted(drawn, key=lambda action: (-drawn[action], action))
    text = (
        "How often an action was drawn in all children, and how often it is among the mutations that led to a "
        "published path."
    )
    return (text, _by_action(actions, found)) if actions else ()


@_part("mu", "Learned mutation probabilities")
def _mu(summary: Summary) -> Blocks:
    found = {v.label: {m.action: f"{m.start:.3f} → {m.end:.3f}" for m in v.mu} for v in summary.variants if v.mu}
    actions = sorted({action for moved in found.values() for action in moved})
    text = (
        "The probability of every action where the run began and in the published path: means over the published "
        "paths that have it."
    )
    picture = Picture("mu", "From where the run began (open) to the published path (filled)")
    return (text, _by_action(actions, found), picture) if actions else ()


def _by_action(actions: Sequence[str], found: Mapping[str, Mapping[str, str]]) -> Table:
    rows = tuple((action, *(of_one.get(action, NOTHING) for of_one in found.values())) for action in actions)
    return Table(("action", *found), rows)


@_part("transfer", "Transfer")
def _transfer(summary: Summary) -> Blocks:
    found = [v for v in summary.variants if v.transfer.accuracy.tasks or v.transfer.forward]
    if not found:
        return ()
    forgetful = {v.label: v.transfer.largest_change for v in found if v.transfer.largest_change}
    matrices = (
        _matrix(
            f"Test accuracy of {v.label}, seed {v.transfer.seed}: a row when its task had been learned, a column for "
            "each task of the system.",
            v.transfer.accuracy,
            share,
        )
        for v in found
        if v.transfer.accuracy.tasks
    )
    columns = ("variant", "backward transfer", "largest change", "forward transfer", "verdict", *COMPARISON)
    return (
        "Backward transfer: a task's test accuracy, measured anew when the last task had been learned, less that when "
        "it had been learned itself. Published components are never written again, so it is 0 by construction; here it "
        "is as measured, and with it the largest change of any task after any other. Forward transfer: test accuracy "
        "less that of the same variant and seed on the task alone.",
        Table(columns, tuple(map(_transferred, found))),
        *(
            f"**{label} changed what it had learned, by up to {change}: this must not happen.**"
            for label, change in forgetful.items()
        ),
        *_forward_by_task(found),
        *next(matrices, ()),
    )


def _transferred(variant: VariantResult) -> tuple[str, ...]:
    """Return a row of transfer; what should be exactly 0 is not rounded to it."""
    found = variant.transfer
    back = NOTHING if found.backward is None else str(found.backward.mean)
    most = NOTHING if found.largest_change is None else str(found.largest_change)
    forward = found.forward
    if forward is None:
        return (variant.label, back, most, *(NOTHING,) * (2 + len(COMPARISON)))
    return (variant.label, back, most, difference(forward.mean), forward.verdict, *told(forward, difference))


def _forward_by_task(found: Sequence[VariantResult]) -> Blocks:
    known = {v.label: v.transfer.forward_tasks for v in found if v.transfer.forward_tasks}
    tasks = tuple(dict.fromkeys(task for gains in known.values() for task in gains))
    rows = tuple(
        (label, *(with_interval(difference, gains.get(task)) for task in tasks)) for label, gains in known.items()
    )
    return (narrowed(Table(("forward transfer", *tasks), rows), tasks),) if known else ()


@_part("matrix", "Shared components")
def _shared(summary: Summary) -> Blocks:
    found = next((v for v in summary.variants if len(v.transfer.sharing.tasks) > 1), None)
    if found is None:
        return ()
    return (
        f"Parameters of the components that two tasks both hold, all of a task's on the diagonal: "
        f"{found.label}, seed {found.transfer.seed}.",
        *_matrix("", found.transfer.sharing, count),
        Picture("sharing", f"Parameters shared between tasks by {found.label}"),
    )


def _matrix(text: str, found: Matrix, show: Callable[[float], str]) -> Blocks:
    if len(found.tasks) > LARGEST:
        return (f"{text} Of {len(found.tasks)} tasks: see report.json.".strip(),)
    rows = tuple(
        (task, *("" if value is None else show(value) for value in row))
        for task, row in zip(found.tasks, found.rows, strict=True)
    )
    return (*((text,) if text else ()), Table(("", *found.tasks), rows))


@_part("tasks", "Data")
def _tasks(summary: Summary) -> Blocks:
    splits = [split for split in SPLITS if any(split in data.splits for data in summary.data)]
    rows = tuple(
        (d.task, d.source, str(d.classes), *(f"{d.splits[s]:,}" if s in d.splits else NOTHING for s in splits))
        for d in summary.data
    )
    return (Table(("task", "data", "classes", *splits), rows, left=2),) if rows else ()


@_part("faults", "Faults")
def _faults(summary: Summary) -> Blocks:
    labels = {variant.name: variant.label for variant in summary.variants}
    by_state: dict[str, list[Fault]] = {state: [] for state in ("failed", "no-data", "missing")}
    for fault in summary.faults:
        by_state[fault.state].append(fault)
    failed = (
        (labels[f.variant], f.task, "alone" if f.alone else "together", listed(f.seeds), f.why)
        for f in by_state["failed"]
    )
    without_data = dict.fromkeys((fault.task, fault.why) for fault in by_state["no-data"])  # the same for all variants
    late = {name: [f for f in by_state["missing"] if f.variant == name] for name in labels}
    missing = (
        (labels[name], listed([f.task for f in found]), str(sum(len(f.seeds) for f in found)))
        for name, found in late.items()
        if found
    )
    tables = {
        "Failed:": Table(("variant", "task", "learned", "seeds", "why"), tuple(failed), left=5),
        "Without data:": Table(("task", "why"), tuple(without_data), left=2),
        "Not there yet:": Table(("variant", "tasks", "runs"), tuple(missing), left=2),
    }
    return tuple(block for title, table in tables.items() if table.rows for block in (title, table))


@_part("origin", "Origin")
def _origin(summary: Summary) -> Blocks:
    design, found = summary.design, summary.origin
    settings = ", ".join(f"{key} = {value}" for key, value in design.settings.items())
    of_suite = (
        *(("command", f"`{line}`") for line in design.commands),
        ("root", design.root),
        ("scale", f"{design.scale:g}"),
        ("settings", settings or "the suite's"),
    )
    facts = (
        *(of_suite if design.root else (("base", f"{design.base} at {found.commit}"), ("begun", found.time))),
        ("budget", f"{max(v.budget for v in summary.variants):,} examples a task and variant at most"),
        ("seeds", listed(found.seeds or design.seeds)),
        ("runs done", f"{found.runs:,}"),
        ("time", f"{duration(found.seconds)} of training and validation, over all runs"),
        *(("machine", machine) for machine in found.machines),
        *(("versions", versions) for versions in found.versions),
        ("dates", " to ".join(dict.fromkeys((found.first_date, found.last_date))) or NOTHING),
        *([("children", "not kept in these records")] if any(r.tried is None for r in summary.done) else []),
    )
    return (
        *((design.paper,) if design.paper else ()),
        *((f"Expected: {design.expect}",) if design.expect else ()),
        Table(("", ""), facts, left=2),
        Table(("variant", "name", "method"), tuple((v.label, v.name, v.method) for v in summary.variants), left=3),
    )


def _scores_are_qualities(summary: Summary) -> bool:
    return all(record.score == record.quality for record in summary.done)
