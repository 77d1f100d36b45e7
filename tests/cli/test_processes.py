"""The command as people start it: a process, its exit code, and what reaches the terminal."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from tests.cli.helpers import BUDGET, run, run_json, start, wait_for


def ramet(
    *arguments: object, cwd: Path, env: Mapping[str, str] | None = None, shell: str = '"$@"'
) -> tuple[int, str, str]:
    """Return a command's exit code and what it wrote; `shell` may say where to."""
    done = subprocess.run(
        ["bash", "-c", shell, "bash", sys.executable, "-m", "ramet", *map(os.fspath, map(str, arguments))],
        cwd=cwd,
        env={**os.environ, "PYTHONUTF8": "1", **(env or {})},
        capture_output=True,
        errors="surrogateescape",
    )
    assert "Traceback" not in done.stderr, done.stderr
    return done.returncode, done.stdout, done.stderr


STRICT = {"PYTHONIOENCODING": "utf-8:strict"}


@pytest.mark.parametrize(
    ("arguments", "options", "code", "told"),
    [
        (["predict", "digits", "p\udce9.png"], {"env": STRICT}, 2, r"p\udce9.png"),
        (["predict", "digits", "p\x1b]0;x\x07.png"], {}, 2, r"p\x1b]0;x\x07.png"),
        (["show", "a\x1b[2Jb"], {}, 2, r"a\x1b[2Jb"),
        (["history", "p\udce9"], {"env": STRICT}, 2, r"p\udce9"),
        (["status"], {"shell": '"$@" > /dev/full'}, 2, "No space left on device"),
        (["status", "--json"], {"shell": '"$@" > /dev/full'}, 2, "No space left on device"),
        (["--help"], {"shell": '"$@" > /dev/full'}, 2, "No space left on device"),
        (["--version"], {"shell": '"$@" > /dev/full'}, 2, "No space left on device"),
        (["method", "show", "mu2net"], {"shell": '"$@" > /dev/full'}, 2, "No space left on device"),
        (["evolve", "digits", "--seed", "9223372036854775808"], {}, 2, "seed is 9223372036854775808"),
        (["evolve", "digits", "--seed", "-1"], {}, 2, "seed is -1"),
        (["init", "new", "--root", "random:vit_tiny_patch8@16x1", "--seed", "9223372036854775808"], {}, 2, "seed is"),
        (["evolve", "digits", "--cycles", "9223372036854775808"], {}, 2, "cycles"),
        (["evolve", "digits", "--samples", "9223372036854775808"], {}, 2, "samples"),
        (["log", "--limit", "9223372036854775808"], {}, 2, "limit"),
        (["history", "--limit", "9223372036854775808"], {}, 2, "limit"),
        (["-C", "x" * 300, "status"], {}, 2, "x" * 300),
        (["export", "digits", "/dev/null/x"], {}, 2, "/dev/null/x"),
        (["report", "/dev/full"], {}, 2, "/dev/full"),
        (["predict", "digits", "."], {}, 2, "holds no images"),
        (["evaluate", "digits", "--confusion", "/dev/null/x.csv"], {}, 2, "/dev/null/x.csv"),
    ],
)
def test_what_cannot_be_is_one_line(
    arguments: Sequence[str], options: Mapping[str, object], code: int, told: str, grown: Path
) -> None:
    found, printed, messages = ramet(*arguments, cwd=grown, **options)  # type: ignore[arg-type]
    assert (found, printed) == (code, "")
    assert told in messages
    assert messages.isprintable() or set(messages) - {"\n"} == {c for c in messages if c.isprintable()}
    assert len([line for line in messages.splitlines() if "Exception ignored" in line]) == 0


AS_NOBODY = """
import os, sys
import ramet.evolution.roots, ramet.system
from ramet.cli.main import main
if os.getuid() == 0:
    os.setuid(65534)  # root may enter every folder
main()
"""


def test_a_folder_that_may_not_be_entered(tmp_path: Path) -> None:
    closed = tmp_path / "closed"
    closed.mkdir()
    closed.chmod(0o000)
    for arguments in (
        ["-C", closed / "in", "status"],
        ["-C", closed, "status"],
        ["init", closed / "new", "--root", "random:vit_tiny_patch8@16x1"],
    ):
        done = subprocess.run(
            [sys.executable, "-c", AS_NOBODY, *map(str, arguments)], capture_output=True, text=True, cwd="/"
        )
        assert (done.returncode, done.stdout) == (2, ""), done.stderr
        assert "ermission denied" in done.stderr
        assert str(closed) in done.stderr
        assert len(done.stderr.splitlines()) == 1
    closed.chmod(0o700)


@pytest.mark.parametrize("columns", ["0", "", "-1", "1", "many"])
def test_a_strange_width_hides_nothing(columns: str, grown: Path) -> None:
    env = {"COLUMNS": columns}
    assert "digits" in ramet("status", cwd=grown, env=env)[1]
    code, printed, _ = ramet("show", "digits", cwd=grown, env=env)
    assert code == 0
    assert "head" in printed
    assert "evolve" in ramet("--help", cwd=grown, env=env)[1].replace("\n", "") or columns == "1"


def test_names_steer_no_terminal(grown: Path, tmp_path: Path) -> None:
    pictures = tmp_path / "pictures"
    pictures.mkdir()
    pixels = np.zeros((8, 8), np.uint8)
    for name in ("a\x1b[31m.png", "b\n.png", "c\udce9.png"):
        Image.fromarray(pixels).save(os.fsencode(pictures / name), format="png")
    env = {**STRICT, "RAMET_SYSTEM": str(grown)}
    code, printed, _ = ramet("predict", "digits", "pictures", cwd=tmp_path, env=env)
    assert code == 0
    assert [line.split()[0] for line in printed.splitlines()[1:]] == [
        r"pictures/a\x1b[31m.png",
        r"pictures/b\n.png",
        r"pictures/c\udce9.png",
    ]
    code, printed, _ = ramet("predict", "digits", "pictures", "--json", cwd=tmp_path, env=env)

    assert [each["image"] for each in json.loads(printed)] == [
        f"pictures/{n}.png" for n in ("a\x1b[31m", "b\n", "c\udce9")
    ]
    assert "\x1b" not in printed


def test_hints_can_be_pasted(sown: Path, tmp_path: Path) -> None:
    home = shutil.copytree(sown, tmp_path / "my colony")
    for arguments in (["-C", home, "task", "add", "x", "demo:ogham"], ["task", "remove", "x", "-y", "-C", home]):
        code, printed, messages = ramet(*arguments, cwd=tmp_path)
        assert code == 0
        assert f"ramet -C '{home}' " in printed + messages
    assert "`ramet gc`" in ramet("branch", "x", cwd=home)[2] + ramet("branch", "x", "-d", cwd=home)[1]
    messages = ramet("-b", "main", "evaluate", "digits", cwd=home)[2]
    assert "`ramet -b main evolve digits`" in messages
    assert "`ramet init`" in ramet("-C", tmp_path, "status", cwd=home)[2]


# Ctrl-C


def interrupted(process: "subprocess.Popen[str]", times: int = 1) -> tuple[int, str, str]:
    for _ in range(times):
        process.send_signal(signal.SIGINT)
        time.sleep(0.2)
    printed, messages = process.communicate(timeout=120)
    return process.returncode, printed, messages


def test_a_stop_waits_for_the_step_and_says_so(seedbed: Path) -> None:
    process = start("-C", seedbed, "evolve", "digits", *BUDGET)
    wait_for(process, "1/2")
    code, printed, messages = interrupted(process)
    assert (code, printed) == (-signal.SIGINT, "")
    assert "stopping after this step; Ctrl-C again ends at once" in messages
    assert messages.splitlines()[-1] == "stopped; the same command goes on"
    run("verify", folder=seedbed)


SLOW = """
import os, time
from pathlib import Path
from ramet.cli import main
def slow(*_, **__):
    Path(os.environ["MARK"]).touch()
    time.sleep(600)
import ramet.system.store
ramet.system.store.gc = slow
main.main()
"""


def test_a_second_ctrl_c_ends_at_once(sown: Path, tmp_path: Path) -> None:
    mark = tmp_path / "begun"
    process = subprocess.Popen(
        [sys.executable, "-c", SLOW, "-C", sown, "gc"],
        env={**os.environ, "MARK": str(mark)},
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    while not mark.exists():
        assert process.poll() is None
        time.sleep(0.01)
    process.send_signal(signal.SIGINT)
    assert process.stderr is not None
    wait_for(process, "Ctrl-C again ends at once")
    assert process.poll() is None
    code, _, messages = interrupted(process)
    assert code == -signal.SIGINT
    assert messages == ""


def test_a_prompt_is_left_at_once(seedbed: Path) -> None:
    process = start("-C", seedbed, "task", "remove", "digits", stdin=subprocess.PIPE)
    assert process.stderr is not None
    text = ""
    while "?" not in text:
        text += process.stderr.read(1)
    code, _, _ = interrupted(process)
    assert code == -signal.SIGINT
    assert len(run_json("task", "list", folder=seedbed)) == 2


def test_a_blocked_output_is_left_at_once(grown: Path) -> None:
    code = "import sys; from ramet.cli import output, main; show = output.show_json\n"
    code += (
        "from ramet.cli import look; look.show_json = lambda value: [show(value) for _ in range(10000)]\nmain.main()"
    )
    process = subprocess.Popen(
        [sys.executable, "-c", code, "-C", grown, "status", "--json"],
        stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert process.stdout is not None
    process.stdout.read(1)
    time.sleep(1)  # the pipe is full by then, or will be: either way the process does not end by itself
    process.send_signal(signal.SIGINT)
    assert process.wait(timeout=60) == -signal.SIGINT


def test_who_was_started_to_ignore_it_ignores_it(sown: Path) -> None:
    loop = 'trap "" INT; "$@" & pid=$!; sleep 0.5; kill -INT $pid; wait $pid'
    code, printed, _ = ramet("status", cwd=sown, shell=loop)
    assert code == 0
    assert "digits" in printed
