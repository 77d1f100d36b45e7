from pathlib import Path

import pytest

from ramet.base.errors import DataError, InvalidValue
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
    ("text", "options", "expected", "columns"),
    [
        ("filename,class\na.png,x\nb.png,y\n", {}, ["x", "y"], {"path": "filename", "label": "class"}),
        ("\n \n\nImage,Category,Subset\na.png,x,train\nb.png,y,\n", {}, ["x", "y"],
         {"path": "Image", "label": "Category", "split": "Subset"}),
        ("file,path,class,label\nq,a.png,q,x\nq,b.png,q,y\n", {}, ["x", "y"], {"path": "path", "label": "label"}),
        ("path,what,label\na.png,u,x\nb.png,v,y\n", {"label": "what"}, ["u", "v"], {"path": "path", "label": "what"}),
        ("a,b,c\na.png,x,val\nb.png,y,\n", {"path": "a", "label": "b", "split": "c"}, ["y", "x"],
         {"path": "a", "label": "b", "split": "c"}),
    ],
)  # fmt: skip
def test_columns_by_other_names(
    tmp_path: Path, text: str, options: dict[str, str], expected: list[str], columns: dict[str, str]
) -> None:
    source = CsvSource.open(write(tmp_path, text), **options)
    assert [source.classes[e.label] for found in source.splits.values() for e in found] == expected
    assert source.columns == columns


def test_a_column_that_is_not_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidValue, match=r"t\.csv has no column 'lable'; did you mean label"):
        CsvSource.open(write(tmp_path, "path,label\na.png,x\n"), label="lable")


def test_paths_of_windows_and_of_the_home_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "sub").mkdir()
    (tmp_path / "sub" / "e.png").write_bytes(b"e")
    (tmp_path / "odd\\name.png").write_bytes(b"odd")
    monkeypatch.setenv("HOME", str(tmp_path))
    source = CsvSource.open(write(tmp_path, "path,label\nsub\\e.png,x\nodd\\name.png,y\n~/sub/e.png,y\n"))
    assert [content.read_bytes() for content in source.contents("train")] == [b"e", b"odd", b"e"]
    assert source.splits["train"][0].identifier == "sub/e.png"
    assert len(source.stamps()) == 4


def test_a_picture_that_cannot_be_read_is_no_fault_of_the_table(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    table, is_file = write(tmp_path, "path,label\na.png,x\nb.png,y\n"), Path.is_file

    def refused(path: Path) -> bool:
        if path.name == "b.png":
            raise PermissionError(13, "Permission denied")
        return is_file(path)

    monkeypatch.setattr(Path, "is_file", refused)
    with pytest.raises(DataError, match=r"line 3 of .* names 'b\.png', which cannot be read: .*denied; correct"):
        CsvSource.open(table)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("", ["(none)", "path,label[,split]"]),
        ("\n\n", ["(none)"]),
        ("name,label\na.png,x\n", ["name, label", "path,label[,split]", "--option path=NAME"]),
        ("file,image,label\na.png,a.png,x\n", ["file and image", "option path"]),
        ("path,label\na.png,oak, white\n", ["line 2", "3 cells under 2 columns", "quotes"]),
        ('path,label\na.png,x\nb.png,"y\nc d.png,x\na.png,y\n', ["line 3", "quote"]),
        ('path,label\n"a\n.png",x\n', ["line 2", "not there"]),
        ("path,label\nhttps://example.org/a.png,x\n", ["line 2", "the URL 'https://example.org/a.png'", "download"]),
        ("path,label\n~/nowhere.png,x\n", ["line 2", "'~/nowhere.png'", "not there"]),
        ("path,label\nx\0.png,x\n", ["line"]),
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
