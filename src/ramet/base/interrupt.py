"""Ctrl-C: what it must not cut in the middle, and that it is not forgotten."""

import _thread
import signal
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def held_back() -> Iterator[None]:
    """Hold Ctrl-C back while a block runs; it takes effect at the end, whatever the block raised.

    Python raises it between any two instructions, so a block that is left by it may not even come to its `finally`.
    """
    if threading.current_thread() is not threading.main_thread() or signal.getsignal(signal.SIGINT) is None:
        yield  # Ctrl-C is the main thread's, or that of the program which Python runs in
        return
    pressed = False

    def remember(_signal: int, _frame: FrameType | None) -> None:
        nonlocal pressed
        pressed = True

    before = signal.signal(signal.SIGINT, remember)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
        if pressed:
            signal.raise_signal(signal.SIGINT)


def press_again(unraisable: "sys.UnraisableHookArgs") -> None:
    """Press Ctrl-C again if it came while Python destroyed an object and so was forgotten: a `sys.unraisablehook`."""
    if unraisable.exc_type is KeyboardInterrupt:
        later = threading.Timer(0.1, _thread.interrupt_main)
        later.daemon = True
        later.start()
    else:
        sys.__unraisablehook__(unraisable)


def load_torch() -> None:
    """Import torch, which aborts the process when it is interrupted while it loads."""
    with held_back():
        import torch  # noqa: F401
