"""Files behind URLs: whole, swapped one at a time, and errors that can be acted on."""

import os
import re
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest

from ramet.base.errors import RametError, StoreError, UnknownName
from ramet.store.objects.fsspec import Place


def test_files_are_written_read_listed_and_deleted(url: str) -> None:
    place = Place(url)
    assert place.read("a/one") is None
    assert place.file("a/one") is None
    assert list(place.files()) == []
    place.write("a/one", b"1")
    place.write("b/c/two", b"22")
    place.write("a/one", b"111")
    assert place.read("a/one") == b"111"
    assert [(file.name, file.size) for file in place.files()] == [("a/one", 3), ("b/c/two", 2)]
    assert [file.name for file in place.files("b")] == ["b/c/two"]
    found = place.file("b/c/two")
    assert found is not None
    assert found == next(iter(place.files("b")))
    assert place.file("b/c") is None
    assert place.delete("a/one")
    assert not place.delete("a/one")
    assert [file.name for file in place.files()] == ["b/c/two"]


def test_a_file_is_swapped_only_if_it_is_what_it_was(url: str) -> None:
    place = Place(url)
    assert not place.swap("ref", b"", b"1")
    assert place.swap("ref", None, b"1")
    assert not place.swap("ref", None, b"2")
    assert place.swap("ref", b"1", b"2")
    assert not place.swap("ref", b"1", b"3")
    assert place.read("ref") == b"2"


@pytest.mark.parametrize("kind", ["file", "moto"])
def test_of_many_who_swap_at_once_one_has_its_way(kind: str, place_of: Callable[[str], str]) -> None:
    place = Place(place_of(kind))
    place.write("ref", b"old")
    with ThreadPoolExecutor(8) as pool:
        swapped = list(pool.map(lambda i: place.swap("ref", b"old", b"%d" % i), range(8)))
    assert swapped.count(True) == 1
    assert place.read("ref") == b"%d" % swapped.index(True)


def test_a_scheme_that_nobody_knows_is_refused() -> None:
    with pytest.raises(UnknownName, match="nosuch"):
        Place("nosuch://a/b")


def test_a_bucket_that_is_not_there_is_named(place_of: Callable[[str], str]) -> None:
    place_of("moto")
    with pytest.raises(StoreError, match=r"s3://no-such-bucket/x/a: The specified bucket .*make the bucket"):
        Place("s3://no-such-bucket/x").write("a", b"")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_folder_without_rights_is_named(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="denied"):
        Place(tmp_path.as_uri()).write("a", b"")


@pytest.mark.parametrize("name", ["a::b", "with space", "100%", "pl\xe4tze", "%20"])
def test_a_folder_may_have_any_name(tmp_path: Path, name: str) -> None:
    place = Place((tmp_path / name).as_uri())
    place.write("one", b"1")
    assert (tmp_path / name / "one").read_bytes() == b"1"
    assert place.read("one") == b"1"
    assert [file.name for file in place.files()] == ["one"]


@pytest.mark.parametrize("url", ["ftp://nowhere.invalid/x", "ftp://127.0.0.1:9/x", "nothing://x"])
def test_a_url_that_cannot_be_opened_says_so(url: str) -> None:
    with pytest.raises(RametError, match=re.escape(url)) as error:
        Place(url)
    assert error.value.remedy
