import errno
import os
from pathlib import Path

import pytest

from ramet.base.errors import StoreError
from ramet.base.files import refusals, whole_folder, write_whole


def test_a_file_is_written_whole_and_replaced_whole(tmp_path: Path) -> None:
    file = tmp_path / "folder" / "file"
    for data in (b"one", b"another"):
        write_whole(file, data)
        assert file.read_bytes() == data
    assert list(file.parent.iterdir()) == [file]


def test_others_may_read_what_the_umask_lets_them(tmp_path: Path) -> None:
    write_whole(tmp_path / "file", b"")
    (tmp_path / "plain").touch()
    assert (tmp_path / "file").stat().st_mode == (tmp_path / "plain").stat().st_mode


@pytest.mark.parametrize(
    ("number", "remedy"),
    [
        (errno.ENOSPC, "free some space"),
        (errno.EDQUOT, "free some space"),
        (errno.EROFS, "read-only"),
        (errno.EIO, "disk"),
    ],
)
def test_a_refusal_says_what_failed_why_and_what_to_do(number: int, remedy: str) -> None:
    with pytest.raises(StoreError, match=f"cannot do it: {os.strerror(number)}.*{remedy}"), refusals("cannot do it"):
        raise OSError(number, os.strerror(number))


@pytest.mark.parametrize("there", [True, False])
def test_a_whole_folder_takes_the_place_of_another(tmp_path: Path, there: bool) -> None:
    if there:
        (tmp_path / "t").mkdir()
        (tmp_path / "t" / "old").touch()
    with whole_folder(tmp_path / "t") as folder:
        (folder / "new").touch()
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["new", "t"]


def test_a_folder_stays_when_its_successor_fails_and_leftovers_go(tmp_path: Path) -> None:
    (tmp_path / "t").mkdir()
    (tmp_path / "t" / "old").touch()
    seen: list[Path] = []

    def fail() -> None:
        with whole_folder(tmp_path / "t") as folder:
            seen.extend([folder, *folder.iterdir()])
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        fail()
    seen[0].mkdir()
    (seen[0] / "of a killed process").touch()
    with pytest.raises(KeyboardInterrupt):
        fail()
    assert seen == [seen[0], seen[0]]
    assert sorted(p.name for p in tmp_path.rglob("*")) == ["old", "t"]
