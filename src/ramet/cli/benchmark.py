"""`ramet benchmark`: packaged experiments, each with the root that its system grows from."""

import shlex
from pathlib import Path
from typing import Annotated

import typer

import ramet
from ramet.cli.options import AsJson, Device, Jobs, Settings, argument, closed_at_the_end, listed, option, pairs
from ramet.cli.output import TextTable, say, show, show_json

app = typer.Typer(help="Methods compared on suites of tasks, the papers' comparison.", no_args_is_help=True)

_NOT_OF_RESULTS = ("output", "jobs", "device")
"""Options that change nothing of what comes out."""

SYSTEM = "system"
"""The folder of a suite's system in that of its results."""


@app.command("list")
def list_(as_json: AsJson = False) -> None:
    """The suites: their tasks, methods and budget, and what the papers found."""
    from ramet.study.suite import names, suite

    suites = [suite(name) for name in names()]
    if as_json:
        show_json([{**s.recipe.model_dump(mode="json", by_alias=True), "reported": s.reported} for s in suites])
        return
    rows = []
    for found in suites:
        recipe = found.recipe
        examples = found.method(next(iter(recipe.variants.values()))).budget.examples
        counts = (str(len(found.task_names)), str(len(recipe.variants)), f"{examples / 1e6:,.2f} M")
        rows.append((recipe.name, *counts, recipe.title))
    right = ("tasks", "methods", "examples a task")
    show(TextTable(("suite", *right, "what"), rows, right=right))


@app.command()
def run(
    context: typer.Context,
    suite: Annotated[str, argument("SUITE", "A suite (`ramet benchmark list`), or the YAML file of one.")],
    data: Annotated[
        Path | None,
        option("DIR", "Where the data is: NAME.npz files, folders, or what TFDS prepared.", "where TFDS has it"),
    ] = None,
    methods: Annotated[
        str, typer.Option(metavar="A,B", help="Methods by name; core: all but those for the frontier alone; all.")
    ] = "core",
    tasks: Annotated[str, option("A,B", "Some of the tasks.", "all")] = "",
    seeds: Annotated[int, typer.Option(min=1, help="How many, from 0.")] = 1,
    scale: Annotated[
        float, typer.Option(help="The part of the suite's budget: children and their examples shrink alike.")
    ] = 1.0,
    root: Annotated[str | None, option("ROOT", "What the system grows from.", "the suite's")] = None,
    settings: Settings = None,
    alone: Annotated[
        bool, typer.Option("--alone/--no-alone", help="Also learn each task alone, to see what transfer gave.")
    ] = True,
    output: Annotated[Path | None, option("DIR", "Where results go.", "results/SUITE")] = None,
    jobs: Jobs = None,
    device: Device = "auto",
) -> None:
    """Run every method of a suite on every task, from the same root at the same budget.

    Stopped at any moment, the same command goes on; what failed is tried again. Several processes may share the work.
    """
    from ramet.cli.study import end, run_design
    from ramet.study import record, study_of
    from ramet.study.suite import choose_tasks, choose_variants
    from ramet.study.suite import suite as load_suite

    chosen = load_suite(suite)
    wanted, variants = choose_tasks(chosen, listed(tasks)), choose_variants(chosen, listed(methods))
    changes, command = pairs(settings, "--set"), _command(context)
    design = chosen.design(
        variants, seeds=seeds, scale=scale, root=root, settings=changes, alone=alone, command=command
    )
    folder = output or Path("results") / design.name
    place = folder / SYSTEM
    there = (place / "ramet.json").exists()
    system = closed_at_the_end(ramet.open(place) if there else ramet.init(place, design.root, name=design.name))
    try:
        failed = run_design(system, design, tasks=wanted, data=data, jobs=jobs, device=device)
    finally:
        if design.name in {experiment.name for experiment in system.experiments.all()}:
            record.write(folder, study_of(system, design.name))
    say(f"records are in {folder}; next: ramet benchmark report {folder}")
    end(failed)


@app.command()
def report(
    folder: Annotated[Path, argument("FOLDER", "What `ramet benchmark run` wrote to.")],
    output: Annotated[Path | None, option("DIR", "Where the report goes.", "FOLDER/report")] = None,
    document: Annotated[
        Path | None,
        option(
            "FILE",
            "A Markdown file to put them into as well, between <!-- NAME --> and <!-- end of NAME -->.",
            False,
            "--fill",
            exists=True,
            dir_okay=False,
        ),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make the tables and figures of a benchmark from its records, finished or not."""
    from ramet.study.parts import part_of
    from ramet.study.write import plain, write_report

    place = output or folder / "report"
    summary = write_report(folder, place, document)
    if as_json:
        show_json(plain(summary))
    else:
        show(part_of(summary, "overview").markdown(place, place / "report.md").rstrip())
    say(f"written to {place}" + (f", and into {document}" if document else ""))


def _command(context: typer.Context) -> str:
    """Return the command as one would type it again: what is not as by default, but for where results go."""
    words = []
    for parameter in context.command.params:
        value = context.params.get(str(parameter.name))
        if parameter.param_type_name == "argument":
            words.append(str(value))
        elif parameter.name not in _NOT_OF_RESULTS and value not in (None, (), [], parameter.default):
            if value is False:
                words.append(parameter.secondary_opts[0])
            else:
                for one in value if isinstance(value, list | tuple) else [value]:
                    words += [parameter.opts[0], f"{one:g}" if isinstance(one, float) else str(one)]
    return shlex.join(["ramet", "benchmark", "run", *words])
