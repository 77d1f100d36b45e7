import os
import threading

import pytest
import torch

from ramet.runtime.device import MOST_AHEAD, MicroBatch, Siblings, is_out_of_memory

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


def test_on_a_gpu_they_take_turns_however_many_are_wanted():
    names = set()
    with Siblings(torch.device("cuda"), 4) as siblings:
        siblings.each([(i,) for i in range(4)], lambda _: names.add(threading.current_thread().name))
    assert names == {"MainThread"}


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


@pytest.mark.parametrize("at_once", [1, 2, 9])
def test_what_is_made_ahead_comes_in_order_and_a_bounded_number_waits(at_once):
    made, used = [], []
    with Siblings(CPU, at_once) as siblings:
        for item in siblings.ahead(range(30), lambda item: made.append(item) or item):
            used.append(item)
            assert len(made) <= len(used) + MOST_AHEAD
    assert used == list(range(30))


def test_the_next_is_made_while_one_is_used():
    second = threading.Event()
    with Siblings(CPU, 2) as siblings:
        for item in siblings.ahead([0, 1], lambda item: item and second.set()):
            assert item or second.wait(timeout=30)


@pytest.mark.parametrize("at_once", [1, 2])
def test_an_error_of_what_is_made_ahead_is_raised_in_its_turn(at_once):
    used = []
    with Siblings(CPU, at_once) as siblings:
        made = siblings.ahead([4, 2, 0, 1], lambda item: 1 / item)
        with pytest.raises(ZeroDivisionError):
            used.extend(made)
    assert used == [0.25, 0.5]


@pytest.mark.parametrize("at_once", [1, 2])
def test_who_is_interrupted_leaves_nothing_under_way(at_once):
    made = []

    def interrupted():
        with Siblings(CPU, at_once) as siblings:
            for _ in siblings.ahead(range(1000), made.append):
                raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        interrupted()
    assert len(made) <= 1 + MOST_AHEAD


def test_pieces_halve_until_they_fit_and_stay_so():
    micro, tried = MicroBatch(), []

    def work(piece: slice) -> int:
        tried.append(piece.stop - piece.start)
        if piece.stop - piece.start > 3:
            torch.empty(1 << 60, dtype=torch.uint8)
        return piece.start

    assert [made for _, made in micro.each(8, work)] == [0, 2, 4, 6]
    assert tried == [8, 4, 2, 2, 2, 2]
    assert [(piece.start, piece.stop) for piece, _ in micro.each(5, work)] == [(0, 2), (2, 4), (4, 5)]
    assert micro.rows == 2


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (torch.OutOfMemoryError("CUDA out of memory"), True),
        (MemoryError(), True),
        (RuntimeError("DefaultCPUAllocator: can't allocate memory"), True),
        (RuntimeError("shape mismatch"), False),
    ],
)
def test_which_errors_are_of_memory(error, expected):
    assert is_out_of_memory(error) == expected
