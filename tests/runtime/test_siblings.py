import os
import threading

import pytest
import torch

from ramet.runtime.siblings import Siblings

CPU = torch.device("cpu")


@pytest.mark.parametrize("at_once", [1, 2, 4])
def test_one_s_items_are_worked_on_in_their_order(at_once):
    found: dict[str, list[int]] = {"a": [], "b": [], "c": []}
    items = [(name, i) for i in range(20) for name in found]
    with Siblings(CPU, at_once) as siblings:
        siblings.each(items, lambda item: found[item[0]].append(item[1]))
    assert all(done == list(range(20)) for done in found.values())


def test_two_are_worked_on_at_the_same_time():
    """Each waits for the other: in turn, neither would end."""
    both = threading.Barrier(2, timeout=30)
    with Siblings(CPU, 2) as siblings:
        siblings.each([("a",), ("b",)], lambda _: both.wait())
    assert not both.broken


@pytest.mark.parametrize("at_once", [1, 2])
def test_an_error_is_raised(at_once):
    def work(item):
        raise ValueError(item[0])

    with pytest.raises(ValueError, match="a"), Siblings(CPU, at_once) as siblings:
        siblings.each([("a",), ("b",)], work)


@pytest.mark.parametrize(
    ("device", "threads", "workers"), [("cpu", 1, 3), ("cpu", 2, 1), ("cpu", 3, 1), ("cuda", 1, 1)]
)
def test_there_are_as_many_as_there_are_cores_for(monkeypatch, device, threads, workers):
    monkeypatch.setattr(os, "sched_getaffinity", lambda _: {0, 1, 2}, raising=False)
    monkeypatch.setattr(torch, "get_num_threads", lambda: threads)
    with Siblings(torch.device(device)) as siblings:
        names = set()
        barrier = threading.Barrier(workers, timeout=30)

        def work(_):
            names.add(threading.current_thread().name)
            barrier.wait()

        siblings.each([(i,) for i in range(3 * workers)], work)
    assert len(names) == workers
