"""Ctrl-C: noted when it is pressed, and asked for between steps, so that no step is cut in the middle.

Steps are what a Progress is told of. A second Ctrl-C ends the process at once, which a system survives as it survives
`kill -9`. Where nothing of a system is under way (a prompt, a result that is printed), the first one does.
"""

import os
import signal
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

_pressed = False
_waiting = False


def note_interrupts() -> None:
    """Note Ctrl-C from now on; a process that was started to ignore it goes on ignoring it."""
    if signal.getsignal(signal.SIGINT) is signal.default_int_handler:
        signal.signal(signal.SIGINT, _note)


def was_pressed() -> bool:
    """Return whether Ctrl-C was pressed: then the process is to end by that signal."""
    return _pressed


def stop_if_pressed() -> None:
    """Raise KeyboardInterrupt if Ctrl-C was pressed; called where a stop is safe."""
    if _pressed:
        raise KeyboardInterrupt


@contextmanager
def at_once() -> Iterator[None]:
    """Let Ctrl-C take effect at any point of a block, in which nothing of a system is under way."""
    global _waiting
    stop_if_pressed()
    _waiting = True
    try:
        yield
    finally:
        _waiting = False
    stop_if_pressed()  # Python forgets what is raised while it destroys an object


def _note(_signal: int, _frame: FrameType | None) -> None:
    global _pressed
    again, _pressed = _pressed, True
    if _waiting:
        raise KeyboardInterrupt
    if again:
        os.write(2, b"\x1b[?25h\n" if os.isatty(2) else b"")  # a bar hides the cursor
        signal.signal(signal.SIGINT, signal.SIG_DFL)
        signal.raise_signal(signal.SIGINT)
    os.write(2, b"\nstopping after this step; Ctrl-C again ends at once\n")
