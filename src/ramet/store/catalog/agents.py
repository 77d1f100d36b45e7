"""Agents: runs of a method on a task, with their generations, children and population."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, fields, replace
from typing import Any, Literal

from sqlalchemy import ColumnElement, Connection, Select, delete, func, insert, select, update

from ramet.base.errors import Busy, InvalidValue, UnknownName
from ramet.base.records import Child, content_id
from ramet.store.catalog import rows, schema
from ramet.store.catalog.codec import child_of, child_record
from ramet.store.catalog.database import Part
from ramet.store.catalog.schema import agents, children, cycles, generations, paths, population, roots
from ramet.store.versions import commits as versions
from ramet.store.versions.commits import MAIN

AgentState = Literal["running", "done"]


@dataclass(frozen=True, slots=True)
class Agent:
    """A run of a method on a task.

    method is the resolved method, label its name and version. number counts the task's earlier agents on the same
    branch. While it runs, the agent is in `cycle`, which started from the commit `base`. The id follows from all this
    at the start and from the system's roots, so the same commands give the same ids in another system.
    """

    id: str
    task: str
    number: int
    branch: str
    method: Mapping[str, Any]
    label: str
    seed: int
    cycles: int
    samples: int
    state: AgentState
    cycle: int
    base: str


@dataclass(frozen=True, slots=True)
class Cycle:
    """The state that a cycle of an agent saw when it began: the commit that was published, and the ids of the roots."""

    base: str
    roots: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Terms:
    """The terms a generation was trained on: rounds of steps of a batch; where, as an engine says it."""

    rounds: int = 0
    steps: int = 0
    batch: int = 0
    place: str = ""


_RUNNING = agents.c.state == "running"
_UNSAID = Terms()


class Agents(Part):
    """A catalog's agents."""

    def start(
        self,
        task: str,
        *,
        method: Mapping[str, Any],
        label: str,
        seed: int,
        cycles: int,
        samples: int,
        branch: str = MAIN,
    ) -> Agent:
        """Start a run of a method on a task, in cycle 0 from the branch's last commit, and return it.

        Its population is the task's published path, if there is one. See Agent for what the arguments are; samples
        counts the children of a cycle.

        Raises:
            InvalidValue: the task has an agent that is not done, or the seed has more than 64 bits.
        """
        if not -(2**63) <= seed < 2**63:
            raise InvalidValue(f"seed {seed} is too large", "give one of 64 bits, below 9223372036854775808")
        with self._database.writing() as connection:
            rows.find_task(connection, task)
            if running(connection, task, branch) is not None:
                raise InvalidValue(f"task {task!r} has an agent that is not done", "resume it or finish it first")
            base = versions.head_id(connection, branch)
            number = count_earlier(connection, task, branch)
            settings = dict(method), label, seed, cycles, samples
            agent = Agent("", task, number, branch, *settings, state="running", cycle=0, base=base)
            of_system = connection.execute(select(roots.c.path).order_by(roots.c.path)).scalars().all()
            decides = {**asdict(agent), "method": _anywhere(method), "roots": list(of_system)}
            agent = replace(agent, id=content_id(decides))
            connection.execute(insert(agents).values(asdict(agent)))
            _restart_population(connection, agent.id, task, base)
            return agent

    def get(self, id: str) -> Agent:
        """Return the agent of an id, as it is now."""
        with self._database.reading() as connection:
            return _get(connection, id)

    def all(self, task: str | None = None, *, branch: str | None = None) -> list[Agent]:
        """Return all agents, or a task's, or a branch's, by task, branch and number."""
        with self._database.reading() as connection:
            chosen = [] if branch is None else [agents.c.branch == branch]
            if task is not None:
                rows.find_task(connection, task, removed=True)
                chosen.append(agents.c.task == task)
            return read(connection, *chosen)

    def score_terms(self) -> dict[str, str]:
        """Return what the paths of each agent are judged by, by the agent's id, as JSON text.

        It is `{"score": ..., "parts": ...}` of the agent's method; with many agents, reading whole methods takes much
        longer.
        """
        score, parts = (agents.c.method[field].as_string().label(field) for field in ("score", "parts"))

        def text(score: str, parts: str | None) -> str:
            part = score if score.startswith("{") else json.dumps(score)  # a part without settings is its name, bare
            return f'{{"score": {part}, "parts": {parts or "[]"}}}'

        with self._database.reading() as connection:
            return {row.id: text(row.score, row.parts) for row in connection.execute(select(agents.c.id, score, parts))}

    def evolving(self, *, branch: str = MAIN) -> set[str]:
        """Return the tasks with an agent on a branch that is not done."""
        with self._database.reading() as connection:
            of_branch = select(agents.c.task).where(agents.c.branch == branch, _RUNNING)
            return set(connection.execute(of_branch).scalars())

    def running(self, task: str, *, branch: str = MAIN) -> Agent | None:
        """Return the task's agent that is not done, if there is one: the same command goes on with it."""
        with self._database.reading() as connection:
            rows.find_task(connection, task, removed=True)
            return running(connection, task, branch)

    def begin_cycle(self, id: str) -> Agent:
        """Start an agent's cycle from what is published now on its branch.

        A cycle that has a generation on record goes on from the commit that it began with.
        """
        with self._database.writing() as connection:
            now = _get(connection, id)
            if now.state == "running" and not _generations(connection, id, now.cycle):
                head = versions.head_id(connection, now.branch)
                connection.execute(update(agents).where(agents.c.id == id).values(base=head))
                connection.execute(delete(cycles).where(cycles.c.agent == id, cycles.c.cycle == now.cycle))
                known = connection.execute(select(roots.c.path).order_by(roots.c.name)).scalars().all()
                connection.execute(insert(cycles).values(agent=id, cycle=now.cycle, base=head, roots=list(known)))
                _restart_population(connection, id, now.task, head)
            return _get(connection, id)

    def finish(self, id: str) -> None:
        """Make an agent done, wherever it is, and drop its population."""
        with self._database.writing() as connection:
            finish(connection, _get(connection, id).id)

    def cycle(self, id: str, cycle: int) -> Cycle:
        """Return what a cycle of an agent saw when it began."""
        with self._database.reading() as connection:
            of_cycle = (cycles.c.agent == id) & (cycles.c.cycle == cycle)
            row = connection.execute(select(cycles).where(of_cycle)).one_or_none()
            if row is None:
                raise UnknownName(f"agent {id!r} has no cycle {cycle} on record", "`ramet history` lists what there is")
            return Cycle(row.base, tuple(row.roots))

    def terms(self, id: str, cycle: int) -> list[Terms]:
        """Return how each generation of a cycle was trained, in their order."""
        with self._database.reading() as connection:
            of_cycle = (generations.c.agent == id) & (generations.c.cycle == cycle)
            columns = (generations.c[field.name] for field in fields(Terms))
            chosen = select(*columns).where(of_cycle).order_by(generations.c.generation)
            return [Terms(*row) for row in connection.execute(chosen)]

    def record_generation(
        self,
        agent_id: str,
        cycle: int,
        generation: int,
        children: Sequence[Child],
        population: Sequence[str],
        terms: Terms = _UNSAID,
    ) -> None:
        """Put a generation of the cycle that an agent is in on record, wholly or not at all.

        generation counts those of the cycle on record before it. children are all of its, joined or not; population
        names the paths that are alive after it, in any order that shall be kept.

        Raises:
            Busy: another process has recorded it, or has ended the cycle.
        """
        with self._database.writing() as connection:
            now = _get(connection, agent_id)
            at = (now.state, now.cycle, _generations(connection, agent_id, cycle))
            if at != ("running", cycle, generation):
                raise _overtaken(f"generation {generation} of cycle {cycle} of agent {agent_id}")
            rows.put_paths(connection, [child.path for child in children])
            key = {"agent": agent_id, "cycle": cycle, "generation": generation}
            connection.execute(insert(generations).values({**key, **asdict(terms)}))
            made = [{**key, "number": c.number, "path": c.path.id, "record": child_record(c)} for c in children]
            rows.add_rows(connection, schema.children, made)
            _set_population(connection, agent_id, population)

    def children(
        self,
        agent_id: str | None = None,
        *,
        task: str | None = None,
        cycle: int | None = None,
        branch: str | None = None,
    ) -> list[Child]:
        """Return the children on record, in the order in which they were recorded; of an agent, a task, ..., or all."""
        chosen = select(children, rows.path_text.label("path_record"), paths.c.metrics).join(paths)
        with self._database.reading() as connection:
            if task is not None:
                rows.find_task(connection, task, removed=True)
                chosen = chosen.where(paths.c.task == task)
            chosen = _of(chosen, agent_id, cycle, None if branch is None else [branch])
            return [
                child_of((row.cycle, row.generation, row.number), row.record, row.path_record, row.metrics)
                for row in connection.execute(chosen.order_by(children.c.sequence))
            ]

    def count_children(
        self, agent_id: str | None = None, *, cycle: int | None = None, branches: Sequence[str] | None = None
    ) -> int:
        """Return how many children are on record: of an agent, of its cycle, of the runs on some branches, or all."""
        with self._database.reading() as connection:
            chosen = _of(select(func.count()).select_from(children), agent_id, cycle, branches)
            return int(connection.execute(chosen).scalar_one())

    def parents_taken(self, task: str, *, branch: str = MAIN, before: tuple[str, int] | None = None) -> list[str]:
        """Return the parents of all children of a task on a branch, one a child, in the order of their recording.

        before: only of children recorded before those of this agent's cycle.
        """
        with self._database.reading() as connection:
            chosen = select(paths.c.parent).select_from(children.join(paths)).where(paths.c.task == task)
            chosen = _of(chosen.where(paths.c.parent.is_not(None)), None, None, [branch])
            if before is not None:
                first = connection.execute(_of(select(func.min(children.c.sequence)), *before, None)).scalar()
                chosen = chosen if first is None else chosen.where(children.c.sequence < first)
            return list(connection.execute(chosen.order_by(children.c.sequence)).scalars())


def read(connection: Connection, *chosen: ColumnElement[bool]) -> list[Agent]:
    """Return the agents that some conditions hold for, by task, branch and number."""
    query = select(agents).where(*chosen).order_by(agents.c.task, agents.c.branch, agents.c.number)
    return [Agent(**row) for row in connection.execute(query).mappings()]


def running(connection: Connection, task: str, branch: str) -> Agent | None:
    """Return the task's agent that is not done, if any."""
    return next(iter(read(connection, agents.c.task == task, agents.c.branch == branch, _RUNNING)), None)


def finish(connection: Connection, agent: str) -> None:
    """Make an agent done and drop its population."""
    connection.execute(update(agents).where(agents.c.id == agent).values(state="done"))
    connection.execute(delete(population).where(population.c.agent == agent))


def close_cycle(connection: Connection, agent: Agent, commit: str) -> None:
    """End the agent's cycle, whose result is in a commit; the next one starts from there, or the agent is done.

    Raises:
        Busy: the cycle was ended already.
    """
    here = (agents.c.id == agent.id) & (agents.c.cycle == agent.cycle) & _RUNNING
    next_cycle = agent.cycle + 1
    if not connection.execute(update(agents).where(here).values(cycle=next_cycle, base=commit)).rowcount:
        raise _overtaken(f"cycle {agent.cycle} of agent {agent.id}")
    if next_cycle == agent.cycles:
        finish(connection, agent.id)
    else:
        _restart_population(connection, agent.id, agent.task, commit)


def count_earlier(connection: Connection, task: str, branch: str) -> int:
    """Return how many agents a task has had on a branch."""
    return connection.execute(select(func.count()).where(agents.c.branch == branch, agents.c.task == task)).scalar_one()


def _get(connection: Connection, agent: str) -> Agent:
    found = read(connection, agents.c.id == agent)
    if not found:
        raise UnknownName(f"no agent is called {agent!r}", "`ramet history` lists them")
    return found[0]


def _generations(connection: Connection, agent: str, cycle: int) -> int:
    of_cycle = (generations.c.agent == agent) & (generations.c.cycle == cycle)
    return connection.execute(select(func.count()).where(of_cycle)).scalar_one()


def _of(chosen: Select[Any], agent: str | None, cycle: int | None, branches: Sequence[str] | None) -> Select[Any]:
    """Limit a query of children to those of an agent, a cycle and branches, as far as given."""
    if branches is not None:
        chosen = chosen.join(agents, agents.c.id == children.c.agent).where(agents.c.branch.in_(branches))
    if agent is not None:
        chosen = chosen.where(children.c.agent == agent)
    return chosen if cycle is None else chosen.where(children.c.cycle == cycle)


def _restart_population(connection: Connection, agent: str, task: str, commit: str) -> None:
    """Make the population that of a cycle's start: the task's published path, if there is one."""
    published = versions.path_at(connection, commit, task)
    _set_population(connection, agent, [] if published is None else [published])


def _set_population(connection: Connection, agent: str, alive: Sequence[str]) -> None:
    connection.execute(delete(population).where(population.c.agent == agent))
    placed = [{"agent": agent, "position": i, "path": path} for i, path in enumerate(alive)]
    rows.add_rows(connection, population, placed)


def _anywhere(method: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return a method without the places where the code of its parts lies: wherever it is, it is the same."""
    return {**method, "parts": [part["digest"] for part in method["parts"]]} if "parts" in method else method


def _overtaken(what: str) -> Busy:
    return Busy(f"{what} is on record already, or was given up", "another process works on this task: let it finish")
