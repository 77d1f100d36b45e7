"""Ctrl-C: what it must not cut in the middle."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType


@contextmanager
def held_back() -> Iterator[None]:
    """Hold Ctrl-C back while a block runs; it takes effect at the end."""
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
        raise KeyboardInterrupt


def load_torch() -> None:
    """Import torch, which aborts the process when it is interrupted while it loads."""
    with held_back():
        import torch  # noqa: F401
