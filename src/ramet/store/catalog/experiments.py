"""Experiments on record: what each compares, from which commit, and what became of its trials."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, Literal

from sqlalchemy import Connection, delete, func, insert, select, update

from ramet.base.errors import InvalidValue, UnknownName
from ramet.base.text import did_you_mean
from ramet.results import Listing
from ramet.store.catalog import agents, leases, rows, schema
from ramet.store.catalog.database import Part
from ramet.store.catalog.schema import agents as runs
from ramet.store.catalog.schema import experiments, trials
from ramet.store.versions import commits as versions
from ramet.store.versions import refs
from ramet.store.versions.history import at_time

TrialState = Literal["done", "failed", "no-data"]

ALL_TASKS = "*"
"""What a branch's lease is called that covers all its tasks."""


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment as it began: its design as JSON, the commit that all its branches start from, and the time."""

    name: str
    design: Mapping[str, Any]
    base: str
    time: str


@dataclass(frozen=True, slots=True)
class Trial:
    """A task that has come to its end on a branch of an experiment.

    number counts the branch's trials in the order in which they ended, commit is the branch's last one then, problem
    what went wrong, if anything. details are whatever the experiment keeps beside it, as JSON.
    """

    experiment: str
    branch: str
    task: str
    number: int
    commit: str
    state: TrialState
    problem: str = ""
    details: Mapping[str, Any] = field(default_factory=dict)


class Experiments(Part):
    """A catalog's experiments; `ramet.study` runs them."""

    def begin(
        self,
        name: str,
        design: Mapping[str, Any],
        *,
        base: str,
        branches: Mapping[str, str],
        instead_of: Mapping[str, Any] | None = None,
    ) -> Experiment:
        """Put an experiment on record, with its branches; one that is there goes on.

        design, as JSON, decides its outcomes. branches are names, with the commit that each starts from; the name of
        base, the branch at whose last commit the experiment begins, means that commit. instead_of is the design on
        record that this one takes the place of, with the branches that it has more.

        Raises:
            InvalidValue: there is one of that name with another design, or a branch's name cannot be used.
        """
        with self._database.writing() as connection:
            there = _find(connection, name)
            if there is None:
                made = Experiment(name, dict(design), versions.head_id(connection, base), at_time(self._clock()))
                connection.execute(insert(experiments).values(asdict(made)))
                known = set()
            elif there.design == design:
                return there
            elif there.design == instead_of:
                made = replace(there, design=dict(design))
                connection.execute(update(experiments).where(experiments.c.name == name).values(design=made.design))
                known = set(connection.execute(select(schema.branches.c.name)).scalars())
            else:
                problem = f"there is an experiment {name!r} with another content, and one is never edited"
                raise InvalidValue(problem, "give a change another name")
            for branch, commit in branches.items():
                if branch not in known:
                    refs.add_branch(connection, branch, made.base if commit == base else commit)
            return made

    def get(self, name: str) -> Experiment:
        """Return the experiment of a name.

        Raises:
            UnknownName: there is none.
        """
        with self._database.reading() as connection:
            found = _find(connection, name)
            if found is None:
                known = connection.execute(select(experiments.c.name)).scalars().all()
                remedy = did_you_mean(name, known, "`ramet experiment list` lists them")
                raise UnknownName(f"no experiment is called {name!r}", remedy)
            return found

    def all(self) -> Listing[Experiment]:
        """Return all experiments, the oldest first."""
        with self._database.reading() as connection:
            chosen = select(experiments).order_by(experiments.c.time, experiments.c.name)
            return Listing((Experiment(**row) for row in connection.execute(chosen).mappings()), _shown)

    def hold(self, branch: str) -> leases.Lease:
        """Hold a branch of an experiment during a block, so that one process at a time works on it.

        Raises:
            Busy: another process holds it.
        """
        return leases.Leases(self._database, self._clock).hold(ALL_TASKS, branch=branch)

    def trials(self, experiment: str) -> Listing[Trial]:
        """Return the trials of an experiment that have come to their ends, by branch, in the order they ended."""
        with self._database.reading() as connection:
            of_it = select(trials).where(trials.c.experiment == experiment).order_by(trials.c.branch, trials.c.number)
            return Listing(Trial(**row) for row in connection.execute(of_it).mappings())

    def end_trial(
        self,
        experiment: str,
        branch: str,
        task: str,
        *,
        state: TrialState = "done",
        problem: str = "",
        details: Mapping[str, Any] | None = None,
    ) -> Trial:
        """Put the end of a trial on record; that of one which was tried again takes the place of the first."""
        with self._database.writing() as connection:
            of_branch = (trials.c.experiment == experiment) & (trials.c.branch == branch)
            last = connection.execute(select(func.max(trials.c.number)).where(of_branch)).scalar_one()
            number = 0 if last is None else last + 1
            commit = versions.head_id(connection, branch)
            trial = Trial(experiment, branch, task, number, commit, state, problem, dict(details or {}))
            connection.execute(delete(trials).where(of_branch & (trials.c.task == task)))
            connection.execute(insert(trials).values(asdict(trial)))
            return trial

    def drop_branches(self, names: Sequence[str]) -> list[str]:
        """Forget those of these branches that are there, giving up what runs on them are not done; they are returned.

        Raises:
            Busy: a process works on one of them.
        """
        with self._database.writing() as connection:
            leases.ensure_none(connection, self._clock(), names)
            there = sorted(rows.there(connection, schema.branches.c.name, names))
            for agent in agents.read(connection, runs.c.branch.in_(there), runs.c.state == "running"):
                agents.finish(connection, agent.id)
            for branch in there:
                refs.delete_branch(connection, branch)
            return there

    def count_children(self, branches: Sequence[str]) -> int:
        """Return how many children the runs on these branches have made."""
        return agents.Agents(self._database).count_children(branches=branches)


def _find(connection: Connection, name: str) -> Experiment | None:
    row = connection.execute(select(experiments).where(experiments.c.name == name)).mappings().one_or_none()
    return None if row is None else Experiment(**row)


def _shown(experiment: Experiment) -> dict[str, object]:
    return {"experiment": experiment.name, "base": experiment.base, "time": experiment.time}
