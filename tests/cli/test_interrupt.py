import signal
import sys
from collections.abc import Callable

import pytest

from ramet.cli.interrupt import held_back, load_torch


@held_back()
def interrupted(then: Callable[[], object]) -> None:
    signal.raise_signal(signal.SIGINT)
    then()


def test_what_is_held_back_takes_effect_at_the_end() -> None:
    handler, done = signal.getsignal(signal.SIGINT), []
    with pytest.raises(KeyboardInterrupt):
        interrupted(lambda: done.append(True))
    assert done
    assert signal.getsignal(signal.SIGINT) is handler


def test_nothing_happens_where_nothing_was_pressed() -> None:
    with held_back():
        pass


def test_an_error_in_the_block_is_what_is_told() -> None:
    with pytest.raises(ZeroDivisionError):
        interrupted(lambda: 1 / 0)


def test_torch_is_there_afterwards() -> None:
    load_torch()
    assert "torch" in sys.modules
