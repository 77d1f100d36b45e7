"""The order of logs, and where histories part."""

from hypothesis import given
from hypothesis import strategies as st

from ramet.store.versions.commits import Graph, Node, merge_bases, newest_first


def past(commits: dict[str, str], head: str) -> Graph:
    """A commit and all that it follows, of a graph written as {id: parents}, where ids are in the order of time."""
    nodes, left = {}, [head]
    while left:
        id = left.pop()
        nodes[id] = Node(tuple(commits[id]), id)
        left += commits[id]
    return nodes


def test_the_newer_comes_first_but_nothing_before_what_follows_it() -> None:
    commits = {"a": "", "b": "a", "c": "a", "d": "b", "e": "cd"}
    assert newest_first(past(commits, "e")) == list("edcba")
    late = {id: Node(node.parents, "late" if id == "a" else node.time) for id, node in past(commits, "e").items()}
    assert newest_first(late)[-1] == "a"


def test_at_one_time_a_line_stays_together() -> None:
    commits = {"a": "", "b": "a", "c": "b", "x": "a", "y": "x", "m": "cy"}
    at_once = {id: Node(node.parents, "now") for id, node in past(commits, "m").items()}
    assert newest_first(at_once) == list("myxcba")


def test_the_bases_are_the_nearest_common_commits() -> None:
    commits = {"a": "", "b": "a", "c": "a", "d": "bc", "e": "cb", "f": "d", "g": "e"}
    assert merge_bases(past(commits, "b"), past(commits, "c")) == {"a"}
    assert merge_bases(past(commits, "b"), past(commits, "d")) == {"b"}
    assert merge_bases(past(commits, "f"), past(commits, "g")) == {"b", "c"}
    assert merge_bases(past({"a": ""}, "a"), past({"z": ""}, "z")) == frozenset()


@given(st.lists(st.sets(st.integers(0, 12), max_size=2), min_size=2, max_size=13), st.data())
def test_logs_and_bases_of_any_graph(links: list[set[int]], data: st.DataObject) -> None:
    commits = {chr(97 + i): "".join(chr(97 + parent) for parent in ps if parent < i) for i, ps in enumerate(links)}
    one, other = (past(commits, data.draw(st.sampled_from(sorted(commits)))) for _ in range(2))
    order = newest_first(one)
    assert sorted(order) == sorted(one)
    assert all(order.index(id) < order.index(parent) for id in order for parent in one[id].parents)
    bases = merge_bases(one, other)
    assert bases == merge_bases(other, one)
    common = one.keys() & other.keys()
    assert all(any(id in past(commits, base) for base in bases) for id in common)
    assert all(not (past(commits, base).keys() - {base}) & bases for base in bases)
