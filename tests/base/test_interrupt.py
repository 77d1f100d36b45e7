import signal
import sys
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest

from ramet.base.interrupt import held_back, load_torch, press_again


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


def test_an_error_in_the_block_does_not_make_it_forgotten() -> None:
    with pytest.raises(KeyboardInterrupt) as told:
        interrupted(lambda: 1 / 0)
    assert isinstance(told.value.__context__, ZeroDivisionError)


def test_of_blocks_in_one_another_the_outermost_ends_first() -> None:
    done = []

    @held_back()
    def outer() -> None:
        interrupted(lambda: done.append("inner"))
        done.append("outer")

    with pytest.raises(KeyboardInterrupt):
        outer()
    assert done == ["inner", "outer"]


def test_who_ignores_it_goes_on_ignoring_it() -> None:
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        interrupted(lambda: None)
        assert signal.getsignal(signal.SIGINT) is signal.SIG_IGN
    finally:
        signal.signal(signal.SIGINT, before)


def test_other_threads_have_none_to_hold_back() -> None:
    handler = signal.getsignal(signal.SIGINT)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(held_back()(lambda: signal.getsignal(signal.SIGINT))).result() is handler


class Pressed:
    """Ctrl-C comes while it is destroyed."""

    def __del__(self) -> None:
        signal.raise_signal(signal.SIGINT)


def test_what_comes_while_an_object_is_destroyed_is_not_forgotten(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "unraisablehook", press_again)
    Pressed()
    with pytest.raises(KeyboardInterrupt):
        wait_in_python(10)
    assert capsys.readouterr() == ("", "")


def wait_in_python(seconds: float) -> None:
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        pass


class Broken:
    def __del__(self) -> None:
        raise ZeroDivisionError


def test_other_errors_there_are_told_as_ever(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "unraisablehook", press_again)
    Broken()
    assert "ZeroDivisionError" in capsys.readouterr().err


def test_torch_is_there_afterwards() -> None:
    load_torch()
    assert "torch" in sys.modules
