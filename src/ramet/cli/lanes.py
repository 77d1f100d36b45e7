"""The graph of a log: a column a line of commits, `*` where a commit is, `|` where the line of another passes."""

from collections.abc import Iterable, Iterator, Sequence


def drawn(commits: Iterable[tuple[str, Sequence[str]]]) -> Iterator[tuple[str, str | None]]:
    r"""The rows of a graph: each with its commit, or None where lines only part (`|\`) or meet (`|/`).

    Args:
        commits: ids with their parents, each commit before what it follows.
    """
    lanes: list[str] = []
    for id, parents in commits:
        if id not in lanes:
            lanes.append(id)
        here = lanes.index(id)
        yield " ".join("*" if lane == here else "|" for lane in range(len(lanes))), id
        if not parents:
            del lanes[here]
            continue
        first, *others = parents
        for other in others:
            if other in lanes:
                yield _touching(here, lanes.index(other), len(lanes)), None
            else:
                yield _parting(here, len(lanes)), None
                lanes.insert(here + 1, other)
        yield from _step(lanes, here, first)


def _step(lanes: list[str], here: int, parent: str) -> Iterator[tuple[str, None]]:
    """A lane goes on to a parent; if another one waits for it too, they meet in the left one."""
    if parent in lanes:
        left, right = sorted((here, lanes.index(parent)))
        lanes[here] = parent
        yield _meeting(left, right, len(lanes)), None
        del lanes[right]
    else:
        lanes[here] = parent


def _parting(lane: int, count: int) -> str:
    return "| " * lane + "|\\" + " \\" * (count - lane - 1)


def _touching(lane: int, other: int, count: int) -> str:
    left, right = sorted((lane, other))
    slope = "\\" if lane < other else "/"
    return "| " * left + "|" + "_|" * (right - left - 1) + f"{slope}|" + " |" * (count - right - 1)


def _meeting(left: int, right: int, count: int) -> str:
    return "| " * left + "|" + "_|" * (right - left - 1) + "/" + " /" * (count - right - 1)
