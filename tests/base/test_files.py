import errno
import os
from pathlib import Path

import pytest

from ramet.base.errors import StoreError
from ramet.base.files import refusals, write_whole


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
