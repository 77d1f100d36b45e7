"""Agents: runs of a method on a task, with their generations, children and population."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, replace
from typing import Any, Literal

from sqlalchemy import Connection, delete, func, insert, select, update

from ramet.base.errors import Busy, InvalidValue, UnknownName
from ramet.base.records import Child, Path, content_id
from ramet.store.catalog.codec import child_of, child_record, path_of
from ramet.store.catalog.rows import columns, path_text, put_paths
from ramet.store.catalog.schema import agents, children, generations, paths, population, roots
from ramet.store.versions import commits as versions

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


def start(
    connection: Connection,
    task: str,
    *,
    branch: str,
    method: Mapping[str, Any],
    label: str,
    seed: int,
    cycles: int,
    samples: int,
) -> Agent:
    """A new agent, in cycle 0 from the branch's last commit."""
    if running(connection, task, branch) is not None:
        raise InvalidValue(f"task {task!r} has an agent that is not done", "resume it or finish it first")
    earlier = (agents.c.branch == branch) & (agents.c.task == task)
    agent = Agent(
        id="",
        task=task,
        number=connection.execute(select(func.count()).where(earlier)).scalar_one(),
        branch=branch,
        method=dict(method),
        label=label,
        seed=seed,
        cycles=cycles,
        samples=samples,
        state="running",
        cycle=0,
        base=versions.head_id(connection, branch),
    )
    of_system = connection.execute(select(roots.c.path).order_by(roots.c.path)).scalars().all()
    decides = {**asdict(agent), "method": _anywhere(method), "roots": list(of_system)}
    agent = replace(agent, id=content_id(decides))
    connection.execute(insert(agents).values(asdict(agent)))
    _restart_population(connection, agent.id, task, agent.base)
    return agent


def get(connection: Connection, agent: str) -> Agent:
    """The agent of an id."""
    row = connection.execute(select(agents).where(agents.c.id == agent)).mappings().one_or_none()
    if row is None:
        raise UnknownName(f"no agent is called {agent!r}", "`ramet history` lists them")
    return Agent(**row)


def listed(connection: Connection, task: str | None) -> list[Agent]:
    """All agents, or a task's, in the order of their tasks, branches and numbers."""
    chosen = select(agents).order_by(agents.c.task, agents.c.branch, agents.c.number)
    if task is not None:
        chosen = chosen.where(agents.c.task == task)
    return [Agent(**row) for row in connection.execute(chosen).mappings()]


def score_terms(connection: Connection) -> dict[str, str]:
    """What each agent's method says of scores, `{"score": ..., "parts": ...}`, as JSON text.

    With many agents, reading whole methods takes much longer.
    """
    terms = select(
        agents.c.id,
        agents.c.method["score"].as_string().label("score"),
        agents.c.method["parts"].as_string().label("parts"),
    )

    def text(score: str, parts: str | None) -> str:
        part = score if score.startswith("{") else json.dumps(score)  # a part without settings is its name, unquoted
        return f'{{"score": {part}, "parts": {parts or "[]"}}}'

    return {row.id: text(row.score, row.parts) for row in connection.execute(terms)}


def evolving(connection: Connection, branch: str) -> set[str]:
    """The tasks with an agent on a branch that is not done."""
    chosen = (agents.c.branch == branch) & (agents.c.state == "running")
    return set(connection.execute(select(agents.c.task).where(chosen)).scalars())


def running(connection: Connection, task: str, branch: str) -> Agent | None:
    """The task's agent that is not done, if any."""
    chosen = (agents.c.task == task) & (agents.c.branch == branch) & (agents.c.state == "running")
    row = connection.execute(select(agents).where(chosen)).mappings().one_or_none()
    return None if row is None else Agent(**row)


def begin_cycle(connection: Connection, agent: str) -> Agent:
    """The agent, its cycle started from its branch's last commit; one with a generation on record stays where it is."""
    now = get(connection, agent)
    if now.state == "running" and not generations_done(connection, agent, now.cycle):
        head = versions.head_id(connection, now.branch)
        connection.execute(update(agents).where(agents.c.id == agent).values(base=head))
        _restart_population(connection, agent, now.task, head)
    return get(connection, agent)


def finish(connection: Connection, agent: str) -> None:
    """Make an agent done and drop its population."""
    connection.execute(update(agents).where(agents.c.id == agent).values(state="done"))
    connection.execute(delete(population).where(population.c.agent == agent))


def close_cycle(connection: Connection, agent: Agent, commit: str) -> None:
    """End the agent's cycle, whose result is in a commit; the next one starts from there, or the agent is done.

    Raises:
        Busy: the cycle was ended already.
    """
    here = (agents.c.id == agent.id) & (agents.c.cycle == agent.cycle) & (agents.c.state == "running")
    next_cycle = agent.cycle + 1
    if not connection.execute(update(agents).where(here).values(cycle=next_cycle, base=commit)).rowcount:
        raise _overtaken(f"cycle {agent.cycle} of agent {agent.id}")
    if next_cycle == agent.cycles:
        finish(connection, agent.id)
    else:
        _restart_population(connection, agent.id, agent.task, commit)


def record_generation(
    connection: Connection,
    agent: str,
    cycle: int,
    generation: int,
    made: Sequence[Child],
    alive: Sequence[str],
) -> None:
    """Add a generation's children, and replace the population by the paths of these ids.

    Raises:
        Busy: the agent is not there: it is done, in another cycle, or at another generation.
    """
    now = get(connection, agent)
    at = (now.state, now.cycle, generations_done(connection, agent, cycle))
    if at != ("running", cycle, generation):
        raise _overtaken(f"generation {generation} of cycle {cycle} of agent {agent}")
    put_paths(connection, [child.path for child in made])
    connection.execute(insert(generations).values(agent=agent, cycle=cycle, generation=generation))
    for child in made:
        key = {"agent": agent, "cycle": cycle, "generation": generation, "number": child.number}
        connection.execute(insert(children).values(**key, path=child.path.id, record=child_record(child)))
    _set_population(connection, agent, alive)


def generations_done(connection: Connection, agent: str, cycle: int) -> int:
    """The number of generations of a cycle that are on record."""
    of_cycle = (generations.c.agent == agent) & (generations.c.cycle == cycle)
    return connection.execute(select(func.count()).where(of_cycle)).scalar_one()


def made_children(
    connection: Connection, agent: str | None, task: str | None, cycle: int | None, branch: str | None
) -> list[Child]:
    """The children on record, in the order in which they were recorded."""
    chosen = select(children, path_text.label("path_record"), paths.c.metrics).join(paths)
    if branch is not None:
        chosen = chosen.join(agents, agents.c.id == children.c.agent).where(agents.c.branch == branch)
    for column, value in ((children.c.agent, agent), (paths.c.task, task), (children.c.cycle, cycle)):
        if value is not None:
            chosen = chosen.where(column == value)
    return [
        child_of((row.cycle, row.generation, row.number), row.record, row.path_record, row.metrics)
        for row in connection.execute(chosen.order_by(children.c.sequence))
    ]


def living(connection: Connection, agent: str) -> list[Path]:
    """The agent's population, in the order it was recorded in."""
    alive = select(*columns).join(population, population.c.path == paths.c.id).where(population.c.agent == agent)
    return [path_of(row.record, row.metrics) for row in connection.execute(alive.order_by(population.c.position))]


def _restart_population(connection: Connection, agent: str, task: str, commit: str) -> None:
    """The population at the start of a cycle: the task's published path, if there is one."""
    now = versions.state(connection, commit)
    _set_population(connection, agent, connection.execute(select(now.c.path).where(now.c.task == task)).scalars().all())


def _set_population(connection: Connection, agent: str, alive: Sequence[str]) -> None:
    connection.execute(delete(population).where(population.c.agent == agent))
    rows = [{"agent": agent, "position": i, "path": path} for i, path in enumerate(alive)]
    if rows:
        connection.execute(insert(population), rows)


def _anywhere(method: Mapping[str, Any]) -> Mapping[str, Any]:
    """A method without the places where the code of its parts lies: wherever it is, it is the same."""
    return {**method, "parts": [part["digest"] for part in method["parts"]]} if "parts" in method else method


def _overtaken(what: str) -> Busy:
    return Busy(f"{what} is on record already, or was given up", "another process works on this task: let it finish")
