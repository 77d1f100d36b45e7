from pathlib import Path

import pytest

from ramet.base.errors import DataError
from ramet.tasks.sources.csv_file import CsvSource
from tests.tasks.examples import picture, png


def write(folder: Path, text: str) -> str:
    for name in ("a.png", "b.png", "c d.png"):
        (folder / name).write_bytes(png(picture("train", 0, 0)))
    (folder / "t.csv").write_text(text, encoding="utf-8")
    return str(folder / "t.csv")


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        pytest.param("path,label\na.png,x\nb.png,y\n", {"train": [("a.png", "x"), ("b.png", "y")]}, id="no splits"),
        pytest.param(
            "\ufeffLabel,Path,Split\r\ny,a.png,\r\nx,c d.png,Train\r\ny,b.png,val\r\n",
            {"train": [("a.png", "y"), ("c d.png", "x")], "validation": [("b.png", "y")]},
            id="another order, a byte order mark, CRLF, splits by other names",
        ),
        pytest.param(
            'path,label,note\na.png,"x, really",1\nb.png, y ,2\n',
            {"train": [("a.png", "x, really"), ("b.png", "y")]},
            id="quotes, spaces, more columns",
        ),
    ],
)  # fmt: skip
def test_tables(tmp_path: Path, text: str, expected: dict[str, list[tuple[str, str]]]) -> None:
    source = CsvSource.open(write(tmp_path, text))
    assert {
        s: [(e.identifier, source.classes[e.label]) for e in found] for s, found in source.splits.items()
    } == expected


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["(none)", "path,label[,split]"]),
        ("file,label\na.png,x\n", ["file, label", "path,label[,split]"]),
        ("path,label\na.png,x\n,y\n", ["line 3", "no path"]),
        ("path,label\na.png\n", ["line 2", "no label"]),
        ("path,label,split\na.png,x,tset\n", ["line 2", "'tset'", "train, validation, test"]),
        ("path,label\na.png,x\nz.png,y\n", ["line 3", "'z.png'", "not there", "relative to the .csv"]),
        ("path,label,split\na.png,x,test\n", ["no training image"]),
    ],
)
def test_bad_tables(tmp_path: Path, text: str, words: list[str]) -> None:
    with pytest.raises(DataError) as raised:
        CsvSource.open(write(tmp_path, text))
    assert [word for word in ["t.csv", *words] if word not in str(raised.value)] == []


def test_not_utf8(tmp_path: Path) -> None:
    (tmp_path / "t.csv").write_bytes(b"path,label\n\xe9.png,x\n")
    with pytest.raises(DataError, match=r"t\.csv cannot be read as a table.*UTF-8"):
        CsvSource.open(str(tmp_path / "t.csv"))
