import os
import threading
import time
from collections.abc import Iterator

import pytest

from ramet.tasks.parallel import ordered_map


@pytest.mark.parametrize("count", [0, 1, 16, 17, 1000])
def test_results_come_in_the_order_of_the_items(count: int) -> None:
    def slow_at_first(i: int) -> int:
        time.sleep(0.01 if i < 3 else 0)
        return i * i

    assert list(ordered_map(slow_at_first, iter(range(count)))) == [i * i for i in range(count)]


def test_items_are_taken_in_this_thread_and_only_a_little_ahead() -> None:
    taken: list[int] = []
    threads: set[int] = set()

    def items() -> Iterator[int]:
        for i in range(10_000):
            taken.append(i)
            threads.add(threading.get_ident())
            yield i

    results = ordered_map(lambda i: i, items())
    assert next(results) == 0
    assert len(taken) <= 16 * (min(16, os.cpu_count() or 1) + 2)
    results.close()  # type: ignore[attr-defined]
    assert threads == {threading.get_ident()}


def test_an_error_reaches_the_caller() -> None:
    with pytest.raises(ZeroDivisionError):
        list(ordered_map(lambda i: 1 // (30 - i), range(100)))
