import math
import time
from io import StringIO

import pytest
import typer
from rich.console import Console

from ramet.base.records import Architecture, Child, Path
from ramet.cli import progress
from ramet.cli.progress import Picture, showing, watching
from ramet.evolution.observer import Lines, Plan, Watcher

SHAPE = Architecture(patch_size=8, width=192, heads=3, mlp_width=768, layers=1, image_size=16)


class Clock:
    now = 0.0

    def __call__(self) -> float:
        return self.now


def a_path(quality: float) -> Path:
    return Path("abc", "digits", SHAPE, (), {}, metrics={"quality": quality, "test_quality": 0.5})


def children(*qualities: float) -> list[Child]:
    return [Child(a_path(quality), "joined", 0, 0, i, (), (), {}) for i, quality in enumerate(qualities)]


def generation(watcher: Watcher, cycle: int, done: int) -> None:
    watcher.generation_started(cycle, done, 2, math.nan)
    watcher.advanced("training", 10, 10)
    watcher.measured("child 0", 0.5)
    watcher.measured("child 1", 0.75)
    watcher.generation_finished(children(0.5, 0.75), 0.75)


@pytest.fixture
def console(monkeypatch: pytest.MonkeyPatch) -> Console:
    made = Console(file=StringIO(), width=80, markup=False, highlight=False)
    monkeypatch.setattr(progress, "err", made)
    return made


def written(console: Console) -> str:
    assert isinstance(console.file, StringIO)
    return console.file.getvalue()


def test_the_time_left_follows_from_what_is_done_of_all_tasks(console: Console) -> None:
    clock = Clock()
    watcher = Watcher(2, None, progress.line, clock=clock)
    assert watcher.left is None
    clock.now = 100
    watcher.run_started(Plan("digits", "m", cycles=2, samples_per_cycle=4, cycle=0, samples_done=0))
    assert watcher.left is None
    watcher.generation_started(0, 0, 2, math.nan)
    clock.now = 110
    watcher.advanced("training", 5, 10)
    assert (watcher.done, watcher.total) == (1, 8)
    assert watcher.left == pytest.approx(10 * 15)
    generation(watcher, 0, 0)
    generation(watcher, 0, 2)
    watcher.cycle_finished(0, a_path(0.75), published=True)
    assert watcher.fraction == 0.5
    clock.now = 140
    watcher.run_started(Plan("letters", "m", cycles=2, samples_per_cycle=4, cycle=0, samples_done=0))
    assert watcher.title == "letters (2 of 2)"


def test_what_was_done_before_does_not_count_as_quick(console: Console) -> None:
    clock = Clock()
    watcher = Watcher(3, None, progress.line, clock=clock)
    watcher.finished("latin")
    watcher.run_started(Plan("digits", "m", cycles=2, samples_per_cycle=4, cycle=1, samples_done=2))
    assert watcher.title == "digits (2 of 3)"
    generation(watcher, 1, 2)
    clock.now = 10
    assert watcher.left == pytest.approx(10 / 0.25 * 1)
    assert "from cycle 2, sample 3" in written(console)
    assert "latin: was finished by this command before" in written(console)


def test_a_limit_bounds_the_time_left(console: Console) -> None:
    clock = Clock()
    watcher = Watcher(1, 60, progress.line, clock=clock)
    watcher.run_started(Plan("digits", "m", cycles=100, samples_per_cycle=4, cycle=0, samples_done=0))
    assert watcher.left == 60
    generation(watcher, 0, 0)
    clock.now = 50
    assert watcher.left == 10
    clock.now = 70
    assert watcher.left == 0


def test_a_line_tells_of_a_generation(console: Console) -> None:
    lines = Lines(1, None, progress.line, clock=Clock())
    lines.run_started(Plan("digits", "mu2net v1", cycles=1, samples_per_cycle=2, cycle=0, samples_done=0))
    lines.generation_started(0, 0, 2, math.nan)
    lines.generation_finished(children(0.5, math.nan), 0.5)
    lines.cycle_finished(0, a_path(0.5), published=False)
    assert written(console).splitlines() == [
        "digits: mu2net v1 (# is the fingerprint of all its settings), 1 cycle of 2 samples",
        "digits: cycle 1/1, 2/2 samples, best score 0.500, validation of 2 children 50.0 – %, "
        "0:00:00 elapsed, 0:00:00 left",
        "digits: cycle 1 found none better than abc: validation 50.0%, test 50.0%",
    ]


def test_a_cycle_without_a_path_is_told(console: Console) -> None:
    watcher = Watcher(1, None, progress.line, clock=Clock())
    watcher.run_started(Plan("digits", "m", cycles=1, samples_per_cycle=2, cycle=0, samples_done=0))
    watcher.cycle_finished(0, None, published=False)
    watcher.noted("the source changed")
    assert written(console).splitlines()[1:] == ["digits: cycle 1 found no path", "note: the source changed"]
    assert watcher.found == set()


def test_the_picture_shows_what_happens(console: Console) -> None:
    picture = Picture(1, None, progress.line, clock=Clock())

    def shown() -> str:
        with console.capture() as capture:
            console.print(picture)
        assert max(map(len, capture.get().splitlines())) <= 80
        return capture.get()

    assert "starting ... 0:00:00 elapsed, -:--:-- left" in shown()
    picture.advanced("decoding", 10, 2000)
    assert "decoding images, 10 of 2,000" in shown()
    picture.run_started(Plan("digits", "m", cycles=2, samples_per_cycle=4, cycle=0, samples_done=2))
    assert "2/8, cycle 1/2, best –" in shown()
    picture.generation_started(0, 2, 2, 0.5)
    assert "2/8, cycle 1/2, best 0.500" in shown()
    picture.advanced("training", 3, 10)
    picture.measured("child 0", 0.25)
    assert "2 children, step 3/10" in shown()
    assert "validation  25.0 –" in shown()
    picture.generation_finished(children(0.5, 0.75), 0.75)
    assert "4/8, cycle 1/2, best 0.750" in shown()
    picture.advanced("testing", 5, 10)
    assert "measuring test quality, 5 of 10" in shown()
    picture.cycle_finished(0, a_path(0.75), published=True)
    assert "4/8, cycle 2/2" in shown()


def test_a_terminal_gets_a_picture_and_a_file_lines(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    with watching(1) as watcher:
        assert isinstance(watcher, Lines)
    monkeypatch.setattr(progress, "err", Console(file=StringIO(), width=80, force_terminal=True))
    with watching(1) as watcher:
        assert isinstance(watcher, Picture)


def test_an_interruption_ends_in_order(console: Console, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(typer.Exit) as ended, watching(1):
        raise KeyboardInterrupt
    assert ended.value.exit_code == 130
    assert capsys.readouterr().err == "stopped; the same command goes on\n"


def test_long_work_is_never_silent_in_a_file(console: Console, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(progress, "SILENCE", 0.02)
    with showing() as steps:
        steps.advanced("checking objects", 3, 2000)
        while "checking objects: 3 of 2,000, 0:00:0" not in written(console):
            time.sleep(0.01)
    with watching(1) as watcher:
        watcher.run_started(Plan("digits", "m", cycles=1, samples_per_cycle=2, cycle=0, samples_done=0))
        watcher.generation_started(0, 0, 2, math.nan)
        watcher.advanced("training", 3, 10)
        watcher.measured("child 0", 0.25)
        while "digits: training 2 children, step 3/10, 0.6/2 samples, validation 25.0 –, " not in written(console):
            time.sleep(0.01)
    lines = len(written(console).splitlines())
    time.sleep(0.1)
    assert len(written(console).splitlines()) == lines, "nothing is written when the work is over"


def test_what_is_told_in_time_is_not_told_twice(console: Console) -> None:
    with showing() as steps:
        for done in range(100):
            steps.advanced("checking objects", done, 100)
    assert written(console) == ""


def test_a_bar_has_the_name_of_the_work(monkeypatch: pytest.MonkeyPatch) -> None:
    screen = Console(file=StringIO(), width=80, force_terminal=True)
    monkeypatch.setattr(progress, "err", screen)
    with showing() as steps:
        steps.advanced("measuring \x1b]0;title\x07", 3, 10)
        steps.bars.refresh()
    shown = written(screen)
    assert "measuring \\x1b]0;title\\x07" in shown
    assert "\x1b]" not in shown
    assert "3/10" in shown
