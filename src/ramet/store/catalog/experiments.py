"""Experiments on record: what each compares, from which commit, and what became of its trials."""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from typing import Any

from sqlalchemy import Connection, delete, insert, select

from ramet.base.errors import InvalidValue, UnknownName
from ramet.base.text import did_you_mean
from ramet.store.catalog import agents, leases
from ramet.store.catalog.database import Database
from ramet.store.catalog.leases import Clock
from ramet.store.catalog.schema import agents as runs
from ramet.store.catalog.schema import branches, experiments, trials
from ramet.store.versions import commits as versions
from ramet.store.versions import refs
from ramet.store.versions.history import at_time


@dataclass(frozen=True, slots=True)
class Experiment:
    """An experiment as it began: its design as JSON, the commit that all its branches start from, and the time."""

    name: str
    design: Mapping[str, Any]
    base: str
    time: str


@dataclass(frozen=True, slots=True)
class Trial:
    """A variant with a seed that has come to its end: its branch's last commit then, and what went wrong, if any."""

    experiment: str
    variant: str
    seed: int
    branch: str
    commit: str
    problem: str = ""


class Experiments:
    """A catalog's experiments."""

    def __init__(self, database: Database, clock: Clock) -> None:
        self._database = database
        self._clock = clock

    def begin(self, name: str, design: Mapping[str, Any], *, base: str, branches: Sequence[str]) -> Experiment:
        """Put an experiment on record, with its branches, at the last commit of a branch; one that is there goes on.

        Raises:
            InvalidValue: there is one of that name with another design, or a branch's name cannot be used.
        """
        with self._database.writing() as connection:
            there = _find(connection, name)
            if there is not None:
                if there.design != design:
                    raise InvalidValue(
                        f"there is an experiment {name!r} with another content, and one is never edited",
                        "give a change another name",
                    )
                return there
            made = Experiment(name, dict(design), versions.head_id(connection, base), at_time(self._clock()))
            connection.execute(insert(experiments).values(asdict(made)))
            for branch in branches:
                refs.add_branch(connection, branch, made.base)
            return made

    def get(self, name: str) -> Experiment:
        """Return the experiment of a name."""
        with self._database.reading() as connection:
            found = _find(connection, name)
            if found is None:
                known = connection.execute(select(experiments.c.name)).scalars().all()
                remedy = did_you_mean(name, known, "`ramet experiment list` lists them")
                raise UnknownName(f"no experiment is called {name!r}", remedy)
            return found

    def all(self) -> list[Experiment]:
        """Return all experiments, the oldest first."""
        with self._database.reading() as connection:
            chosen = select(experiments).order_by(experiments.c.time, experiments.c.name)
            return [Experiment(**row) for row in connection.execute(chosen).mappings()]

    def trials(self, experiment: str) -> list[Trial]:
        """Return the trials of an experiment that have come to their ends, by variant and seed."""
        with self._database.reading() as connection:
            of_it = select(trials).where(trials.c.experiment == experiment)
            return [
                Trial(**row) for row in connection.execute(of_it.order_by(trials.c.variant, trials.c.seed)).mappings()
            ]

    def end_trial(self, experiment: str, variant: str, seed: int, branch: str, problem: str = "") -> Trial:
        """Put the end of a trial on record; that of one which was tried again takes the place of the first."""
        with self._database.writing() as connection:
            trial = Trial(experiment, variant, seed, branch, versions.head_id(connection, branch), problem)
            same = (trials.c.experiment == experiment) & (trials.c.variant == variant) & (trials.c.seed == seed)
            connection.execute(delete(trials).where(same))
            connection.execute(insert(trials).values(asdict(trial)))
            return trial

    def drop_branches(self, names: Sequence[str]) -> list[str]:
        """Forget those of these branches that are there, giving up what runs on them are not done; they are returned.

        Raises:
            Busy: a process works on one of them.
        """
        with self._database.writing() as connection:
            leases.ensure_none(connection, self._clock(), names)
            there = connection.execute(select(branches.c.name).where(branches.c.name.in_(names))).scalars().all()
            undone = (runs.c.branch.in_(there)) & (runs.c.state == "running")
            for agent in connection.execute(select(runs.c.id).where(undone)).scalars().all():
                agents.finish(connection, agent)
            for branch in there:
                refs.delete_branch(connection, branch)
            return sorted(there)


def _find(connection: Connection, name: str) -> Experiment | None:
    row = connection.execute(select(experiments).where(experiments.c.name == name)).mappings().one_or_none()
    return None if row is None else Experiment(**row)
