"""The contract of Objects, and what is special about a folder of files."""

import errno
import hashlib
import io
import os
import re
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from tests.interrupts import stopped_at_each_point
from tests.store.examples import run_in_child
from torch import Tensor

from ramet.base.errors import ObjectError, StoreError
from ramet.store.objects import FolderObjects, FsspecObjects, Objects
from ramet.store.objects.fsspec import DELETING, Place

NO_SUCH = hashlib.sha256(b"nothing").hexdigest()

names = st.text("abc.01", min_size=1, max_size=6)
shapes = st.lists(st.integers(0, 4), max_size=3)
dtypes = st.sampled_from([torch.float32, torch.bfloat16, torch.int64])


@st.composite
def tensors(draw: st.DrawFn) -> Tensor:
    """A tensor of any bits, NaN and infinities included."""
    dtype, shape = draw(dtypes), draw(shapes)
    count = torch.Size(shape).numel()
    data = draw(st.binary(min_size=count * dtype.itemsize, max_size=count * dtype.itemsize))
    return torch.frombuffer(bytearray(data), dtype=dtype).reshape(shape) if data else torch.empty(shape, dtype=dtype)


def bits(tensor: Tensor) -> tuple[torch.dtype, torch.Size, bytes]:
    return tensor.dtype, tensor.shape, bytes(tensor.contiguous().reshape(-1).view(torch.uint8).numpy())


@given(st.dictionaries(names, tensors(), max_size=4))
@settings(deadline=None, max_examples=60, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_what_was_put_is_got_bit_by_bit(objects: Objects, parts: dict[str, Tensor]) -> None:
    got = objects.get(objects.put(parts))
    assert {name: bits(t) for name, t in got.items()} == {name: bits(t) for name, t in parts.items()}


@given(st.dictionaries(names, tensors(), min_size=1, max_size=4), st.randoms(use_true_random=False))
@settings(deadline=None, max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_equal_tensors_are_one_object(objects: Objects, parts: dict[str, Tensor], random: Any) -> None:
    order = list(parts)
    random.shuffle(order)
    strided = {name: parts[name].mT.contiguous().mT if parts[name].dim() > 1 else parts[name] for name in order}
    assert objects.put(strided) == objects.put(parts)


def test_the_digest_of_tensors_is_the_same_everywhere(objects: Objects) -> None:
    parts = {"weight": torch.arange(6, dtype=torch.float32).reshape(2, 3), "bias": torch.zeros(2)}
    assert objects.put(parts) == "2ba09b6c4ea7be312dfa189d543d03ef45fddf2acf57594babcaeb013f8c8081"


def test_views_of_one_storage_and_gradients_are_stored_as_values(objects: Objects) -> None:
    flat = torch.arange(4.0).requires_grad_()
    got = objects.get(objects.put({"a": flat[:2], "b": flat[1:3], "again": flat[:2]}))
    assert {name: t.tolist() for name, t in got.items()} == {"a": [0, 1], "b": [1, 2], "again": [0, 1]}


def test_an_object_is_there_from_put_to_delete(objects: Objects) -> None:
    assert NO_SUCH not in objects
    assert list(objects.digests()) == []
    put = sorted(objects.put({"w": torch.full((3,), float(i))}) for i in range(3))
    assert list(objects.digests()) == put
    assert put[0] in objects
    objects.read(put[0])
    assert next(objects.entries()).size > 12
    assert objects.delete(put[0])
    assert put[0] not in objects
    assert not objects.delete(put[0])
    assert list(objects.digests()) == put[1:]


@pytest.mark.parametrize("method", ["get", "read"])
def test_an_absent_object_is_an_error_that_names_it(objects: Objects, method: str) -> None:
    with pytest.raises(ObjectError, match=NO_SUCH):
        getattr(objects, method)(NO_SUCH)


@pytest.mark.parametrize("digest", ["", "ab", "../../etc/passwd", NO_SUCH.upper(), NO_SUCH + "0"])
def test_what_is_no_digest_reaches_no_file(objects: Objects, digest: str) -> None:
    with pytest.raises(ObjectError, match="no digest"):
        objects.delete(digest)
    with pytest.raises(ObjectError, match="no digest"):
        objects.read(digest)


def modified(objects: Objects) -> float:
    """When the only object was last put."""
    [entry] = objects.entries()
    return entry.modified


def test_only_what_is_older_is_deleted_and_putting_again_makes_new(objects: Objects) -> None:
    parts = {"w": torch.ones(2)}
    digest = objects.put(parts)
    first = modified(objects)
    assert not objects.delete(digest, before=first)
    objects.read(digest)
    time.sleep(0.02)
    assert objects.put(parts) == digest
    assert not objects.delete(digest, before=first + 0.005)
    assert objects.delete(digest, before=modified(objects) + 1)


def test_all_who_get_an_object_share_its_tensors(objects: Objects) -> None:
    digest = objects.put({"w": torch.ones(2)})
    with ThreadPoolExecutor(4) as pool:
        first, *others = pool.map(objects.get, [digest] * 16)
    assert {other["w"].data_ptr() for other in others} == {first["w"].data_ptr()}


def test_bytes_are_copied_from_one_store_to_another(objects: Objects, tmp_path: Path) -> None:
    other = FolderObjects(tmp_path / "other")
    digest = other.put({"w": torch.arange(3.0)})
    assert objects.write(other.read(digest)) == digest
    assert objects.read(digest) == other.read(digest)
    assert objects.get(digest)["w"].tolist() == [0, 1, 2]
    [entry] = objects.entries()
    assert (entry.name, entry.size) == (digest, len(other.read(digest)))
    assert abs(entry.modified - time.time()) < 60


def test_renewing_makes_new_what_is_there_and_whole(objects: Objects) -> None:
    assert not objects.renew(NO_SUCH)
    digest = objects.put({"w": torch.ones(2)})
    before = modified(objects)
    time.sleep(0.02)
    assert objects.renew(digest)
    assert not objects.delete(digest, before=before + 0.005)


def test_what_is_written_while_it_is_judged_stays(objects: Objects, monkeypatch: pytest.MonkeyPatch) -> None:
    """Right when a deletion has been decided, somebody puts the object again."""
    digest = objects.put({"w": torch.ones(2)})
    if isinstance(objects, FsspecObjects):  # s3rver dies where a folder is emptied while something is written into it
        objects.place.write(f"{digest[:2]}/beside", b"")
    writers = ThreadPoolExecutor(1)
    written = []
    for owner, name in ((Place, "delete"), (Path, "unlink")):
        real = getattr(owner, name)

        def late(self: Any, *args: Any, real: Callable[..., Any] = real) -> Any:
            if not written:
                written.append(writers.submit(objects.put, {"w": torch.ones(2)}))
                time.sleep(0.1)
            return real(self, *args)

        monkeypatch.setattr(owner, name, late)
    objects.delete(digest)
    assert written[0].result() == digest
    objects.read(digest)


def truncated(data: bytes) -> bytes:
    return data[:-1]


def flipped(data: bytes) -> bytes:
    return data[:-1] + bytes([data[-1] ^ 1])


def emptied(_: bytes) -> bytes:
    return b""


damages = pytest.mark.parametrize("damage", [truncated, flipped, emptied])


def overwrite(objects: Objects, digest: str, data: bytes) -> str:
    """Put other bytes in an object's place, and tell where that is."""
    if isinstance(objects, FsspecObjects):
        name = f"{digest[:2]}/{digest}.safetensors"
        objects.place.write(name, data)
        return objects.place.at(name)
    assert isinstance(objects, FolderObjects)
    objects.file(digest).parent.mkdir(parents=True, exist_ok=True)
    objects.file(digest).write_bytes(data)
    return str(objects.file(digest))


@damages
def test_a_damaged_object_is_refused_by_name_and_put_right_by_putting(
    objects: Objects, tmp_path: Path, damage: Callable[[bytes], bytes]
) -> None:
    parts = {"w": torch.arange(5.0)}
    digest = FolderObjects(tmp_path / "elsewhere").put(parts)
    where = overwrite(objects, digest, damage(FolderObjects(tmp_path / "elsewhere").read(digest)))
    for method in (objects.get, objects.read):
        with pytest.raises(ObjectError, match=rf"{digest} is damaged: {re.escape(where)}"):
            method(digest)
    assert not objects.renew(digest)
    assert objects.put(parts) == digest
    objects.read(digest)
    assert objects.get(digest)["w"].tolist() == parts["w"].tolist()


@damages
def test_a_damaged_copy_of_an_object_behind_a_url_is_got_anew(tmp_path: Path, damage: Callable[[bytes], bytes]) -> None:
    place, copies = Place((tmp_path / "place").as_uri()), tmp_path / "copies"
    digest = FsspecObjects(place, copies).put({"w": torch.arange(5.0)})
    file = FolderObjects(copies).file(digest)
    file.write_bytes(damage(file.read_bytes()))
    assert FsspecObjects(place, copies).get(digest)["w"].tolist() == [0, 1, 2, 3, 4]
    FolderObjects(copies).read(digest)
    file.unlink()
    assert FsspecObjects(place, copies).get(digest)["w"].tolist() == [0, 1, 2, 3, 4]


def test_the_mark_of_who_died_while_deleting_holds_nobody_up_for_ever(tmp_path: Path) -> None:
    objects = FsspecObjects(Place((tmp_path / "place").as_uri()), tmp_path / "copies")
    digest = objects.put({"w": torch.ones(2)})
    mark = tmp_path / "place" / digest[:2] / f"{digest}.safetensors{DELETING}"
    mark.touch()
    os.utime(mark, (0, time.time() - 3600))
    assert objects.put({"w": torch.ones(2)}) == digest
    assert not mark.exists()
    mark.touch()
    assert list(objects.digests()) == [digest]
    objects.sweep()
    assert not mark.exists()
    objects.read(digest)


def test_bytes_that_hash_right_but_are_no_tensors_are_refused(tmp_path: Path) -> None:
    digest = hashlib.sha256(b"pickle").hexdigest()
    objects = FolderObjects(tmp_path)
    overwrite(objects, digest, b"pickle")
    with pytest.raises(ObjectError, match="damaged"):
        objects.get(digest)


def test_the_first_load_alone_reads_all_bytes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    objects = FolderObjects(tmp_path)
    digest = objects.put({"w": torch.ones(2)})
    hashed: list[str] = []
    monkeypatch.setattr(objects, "read", hashed.append)
    for _ in range(3):
        objects.get(digest)
    assert hashed == [digest]


def rss(kind: str) -> int:
    """Resident memory of this process in bytes: RssAnon is its own, RssFile is mapped from files."""
    found = re.search(rf"{kind}:\s+(\d+) kB", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) * 1024


@pytest.mark.skipif(not Path("/proc/self/status").exists(), reason="reads Linux's account of memory")
def test_loaded_tensors_are_mapped_and_cannot_change_the_file(tmp_path: Path) -> None:
    size = 32 * 2**20
    objects = FolderObjects(tmp_path)
    digest = objects.put({"w": torch.arange(size // 4, dtype=torch.float32)})
    torch.empty(1).sum()
    own, mapped = rss("RssAnon"), rss("RssFile")
    loaded = objects.get(digest)["w"]
    assert rss("RssFile") - mapped < size / 2, "nothing is read before it is used"
    loaded.sum()
    assert rss("RssFile") - mapped > size / 2
    assert rss("RssAnon") - own < size / 2
    del loaded
    spoilt = objects.get(digest)["w"].fill_(1.0)
    objects.read(digest)
    del spoilt
    assert rss("RssFile") - mapped < size / 2, "a mapping nobody holds is given up"
    assert objects.get(digest)["w"][2].item() == 2.0


def disk_errors() -> list[tuple[int, str]]:
    return [
        (errno.ENOSPC, "free some space"),
        (errno.EROFS, "read-only"),
        (errno.EACCES, "writable"),
        (errno.EIO, "disk"),
    ]


@pytest.mark.parametrize(("number", "remedy"), disk_errors())
@pytest.mark.parametrize("call", ["fsync", "replace"])
def test_a_refused_write_is_explained_and_leaves_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, number: int, remedy: str
) -> None:
    def refuse(*_: Any) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patched:
        patched.setattr(os, call, refuse)
        with pytest.raises(StoreError, match=os.strerror(number)) as error:
            FolderObjects(tmp_path).put({"w": torch.ones(2)})
    assert remedy in error.value.remedy
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_a_disk_that_fills_up_in_the_middle_of_a_put(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = io.open

    class Full(io.FileIO):
        def write(self, data: Any) -> int:
            super().write(bytes(data)[:16])
            raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))

    monkeypatch.setattr(
        io, "open", lambda file, mode="r", *a, **k: Full(file, "x") if "x" in mode else real(file, mode)
    )
    with pytest.raises(StoreError, match="No space left"):
        FolderObjects(tmp_path).put({"w": torch.ones(200)})
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


@pytest.mark.skipif(not hasattr(os, "fork"), reason="sets a limit in a child process")
def test_a_write_that_the_kernel_cuts_short_leaves_nothing(tmp_path: Path) -> None:
    import resource
    import signal

    def put_over_the_limit() -> None:
        signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
        resource.setrlimit(resource.RLIMIT_FSIZE, (1000, 1000))
        with pytest.raises(StoreError, match="File too large"):
            FolderObjects(tmp_path).put({"w": torch.ones(2000)})

    assert run_in_child(put_over_the_limit) == 0
    assert [file for file in tmp_path.rglob("*") if file.is_file()] == []


def test_what_dead_writers_left_is_no_object_and_is_swept_when_old(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path)
    digest = objects.put({"w": torch.ones(2)})
    half = objects.file(digest).with_name(f".{digest}.safetensors.0123abcd.tmp")
    half.write_bytes(b"half")
    assert list(objects.digests()) == [digest]
    assert objects.sweep(before=half.stat().st_mtime) == 0
    assert objects.sweep() == 4
    assert not half.exists()
    objects.read(digest)


def test_listing_hashing_and_deleting_need_no_torch(tmp_path: Path) -> None:
    import subprocess
    import sys

    digest = FolderObjects(tmp_path).put({"w": torch.ones(2)})
    script = f"""
import pathlib, sys
from ramet.store.objects import FolderObjects
objects = FolderObjects(pathlib.Path({str(tmp_path)!r}))
[digest] = objects.digests()
objects.read(digest), list(objects.entries()), objects.delete(digest), objects.sweep()
import ramet.store.care, ramet.store.folder
assert digest == {digest!r}
assert not {{"torch", "safetensors", "numpy"}} & sys.modules.keys()
"""
    subprocess.run([sys.executable, "-c", script], check=True)


def test_ctrl_c_while_an_object_is_read_costs_only_that(tmp_path: Path) -> None:
    objects = FolderObjects(tmp_path)
    digest = objects.put({"weight": torch.zeros(3, 4), "bias": torch.zeros(3)})
    points = 0
    for error in stopped_at_each_point(lambda: FolderObjects(tmp_path).get(digest)):
        assert isinstance(error, (KeyboardInterrupt, ValueError, ObjectError)), "safetensors makes another error of it"
        assert objects.get(digest)["bias"].tolist() == [0.0] * 3
        points += 1
    assert points > 20
