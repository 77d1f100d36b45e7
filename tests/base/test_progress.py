import pytest

from ramet.base.progress import QUIET, Progress


def test_nobody_has_to_listen():
    QUIET.advanced("images", 1, 2)
    QUIET.noted("the source changed")


def test_a_watcher_may_stop_the_work():
    class Impatient(Progress):
        def advanced(self, what: str, done: int, total: int) -> None:
            if done > 2:
                raise TimeoutError(f"{what}: {done} of {total}")

    watcher = Impatient()
    watcher.advanced("steps", 2, 10)
    with pytest.raises(TimeoutError, match="steps: 3 of 10"):
        watcher.advanced("steps", 3, 10)
