"""Ctrl-C at every point of what a test does."""

import gc
import signal
import sys
from collections.abc import Callable, Iterator
from itertools import count
from types import FrameType, ModuleType
from typing import Any


def stopped_at_each_point(
    action: Callable[[], object], *modules: ModuleType, step: int = 1, inside: bool = True
) -> Iterator[BaseException]:
    """Do it again and again, Ctrl-C being pressed at its first point, its second, and so on to the last.

    Points are where Python calls a function (unless `inside` is false: only the modules' own), and each line of the
    modules; of all points, every `step`-th. Yields what was raised: its traceback holds
    on to all that was going on, as it does while the error is on its way.
    """
    files = {module.__file__ for module in modules}
    left = 0

    def trace(frame: FrameType, _event: str, _argument: object) -> Callable[..., Any] | None:
        nonlocal left
        own = frame.f_code.co_filename in files
        left -= own or inside
        if left == 0:
            sys.settrace(None)
            signal.raise_signal(signal.SIGINT)
        return trace if own else None

    often = gc.get_threshold()
    for number in count(1, step):
        left = number
        try:
            gc.set_threshold(0)  # what is pressed while garbage is collected is forgotten, and when that is, is chance
            sys.settrace(trace)
            action()
        except BaseException as error:
            sys.settrace(None)
            yield error
        finally:
            sys.settrace(None)
            gc.set_threshold(*often)
        if left > 0:
            return
