"""A map over threads that keeps the order and stays only a little ahead, so that streams of any length fit in memory.

Pillow and hashlib let other threads run while they work.
"""

import os
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from itertools import islice
from typing import TypeVar

T = TypeVar("T")
R = TypeVar("R")

_CHUNK = 16


def ordered_map(function: Callable[[T], R], items: Iterable[T]) -> Iterator[R]:
    """Yield function of every item, in the order of the items; what it raises is raised here.

    Items are taken, in this thread, at most a few chunks before their results are asked for.
    """
    workers = min(16, os.cpu_count() or 1)
    source = iter(items)
    running: deque[Future[list[R]]] = deque()
    with ThreadPoolExecutor(workers, thread_name_prefix="images") as pool:
        while chunk := list(islice(source, _CHUNK)):
            running.append(pool.submit(lambda some: [function(item) for item in some], chunk))
            if len(running) > workers:
                yield from running.popleft().result()
        while running:
            yield from running.popleft().result()
