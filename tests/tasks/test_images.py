import io
import warnings
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image, features

from ramet.base.errors import DataError
from ramet.base.records import Task
from ramet.tasks.images import BadImage, as_cached, bytes_of, decode, fitted, now_reading

H, W = 4, 6
RAMP = np.arange(H * W, dtype=np.uint8).reshape(H, W) * 10
RGB = np.stack([RAMP, RAMP // 2, 255 - RAMP], -1)


def encoded(image: Image.Image, kind: str = "PNG", **options: Any) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)
    return buffer.getvalue()


def grey(pixels: npt.NDArray[Any]) -> npt.NDArray[Any]:
    return np.stack([pixels] * 3, -1)


def translucent() -> Image.Image:
    alpha = np.zeros((H, W), np.uint8)
    alpha[:, :2] = 255
    return Image.fromarray(np.dstack([RGB, alpha]))


def palette(**options: Any) -> bytes:
    image = Image.new("P", (W, H), 1)
    image.putpalette([255, 0, 0, 0, 255, 0])
    return encoded(image, **options)


ON_WHITE = np.where((np.arange(W) < 2)[None, :, None], RGB, 255)
GREEN, WHITE = np.broadcast_to([0, 255, 0], (H, W, 3)), np.full((H, W, 3), 255)


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        pytest.param(encoded(Image.fromarray(RGB)), RGB, id="RGB"),
        pytest.param(encoded(Image.fromarray(RAMP)), grey(RAMP), id="grey"),
        pytest.param(encoded(Image.fromarray(RAMP > 50)), grey((RAMP > 50) * 255), id="one bit"),
        pytest.param(encoded(translucent()), ON_WHITE, id="alpha"),
        pytest.param(encoded(Image.fromarray(np.dstack([RAMP, np.zeros_like(RAMP)]))), WHITE, id="grey and alpha"),
        pytest.param(palette(), GREEN, id="palette"),
        pytest.param(palette(transparency=1), WHITE, id="palette with a transparent colour"),
        pytest.param(encoded(Image.fromarray(RAMP.astype(np.uint16) * 257)), grey(RAMP), id="16 bits"),
        pytest.param(encoded(Image.fromarray(RAMP.astype(np.int32) * 257), "TIFF"), grey(RAMP), id="16 bits in 32"),
        pytest.param(encoded(Image.fromarray(RAMP.astype(np.int32)), "TIFF"), grey(RAMP), id="8 bits in 32"),
        pytest.param(encoded(Image.fromarray(RAMP.astype(np.uint16)), "TIFF"), grey(RAMP), id="8 bits in 16"),
        pytest.param(np.asarray(translucent()), ON_WHITE, id="array HW4"),
        pytest.param(RAMP.astype(np.uint16) * 257, grey(RAMP), id="array of 16 bits"),
        pytest.param(RAMP > 50, grey((RAMP > 50) * 255), id="array of bits"),
        pytest.param(encoded(Image.new("CMYK", (W, H), (255, 0, 255, 0)), "TIFF"), GREEN, id="CMYK"),
        pytest.param(RAMP, grey(RAMP), id="array HW"),
        pytest.param(RAMP[..., None], grey(RAMP), id="array HW1"),
        pytest.param(RGB, RGB, id="array HW3"),
        pytest.param(RGB[:, ::-1], RGB[:, ::-1], id="array view"),
    ],
)
def test_decoded_to_rgb(content: Any, expected: npt.NDArray[Any]) -> None:
    assert fitted(content, 8).tobytes() == np.ascontiguousarray(expected, np.uint8).tobytes()
    pixels = decode(content, (H, W))
    assert pixels.dtype == np.uint8
    np.testing.assert_array_equal(pixels, expected)


@pytest.mark.parametrize(
    ("orientation", "turned"),
    [(1, RGB), (2, RGB[:, ::-1]), (3, RGB[::-1, ::-1]), (6, np.rot90(RGB, -1)), (8, np.rot90(RGB))],
)
def test_the_camera_s_orientation_is_applied(orientation: int, turned: npt.NDArray[Any]) -> None:
    exif = Image.Exif()
    exif[0x0112] = orientation
    content = encoded(Image.fromarray(RGB), exif=exif)
    assert fitted(content, 8).shape[:2] == turned.shape[:2]
    np.testing.assert_array_equal(decode(content, turned.shape[:2]), turned)


def test_a_file_is_read_as_its_bytes(tmp_path: Path) -> None:
    content = encoded(Image.fromarray(RGB))
    (tmp_path / "a.png").write_bytes(content)
    assert bytes_of(tmp_path / "a.png") == bytes_of(content) == content
    np.testing.assert_array_equal(decode(tmp_path / "a.png", (H, W)), RGB)


def test_arrays_of_equal_bytes_and_other_shapes_differ() -> None:
    assert bytes_of(RAMP) != bytes_of(RAMP.reshape(W, H))


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
def test_made_smaller_without_aliasing(kind: str) -> None:
    checkers = (np.indices((512, 512)).sum(0) % 2 * 255).astype(np.uint8)
    small = decode(encoded(Image.fromarray(checkers), kind), (16, 16)).astype(int)
    assert np.abs(small - 127).max() <= 12


def test_resized_to_another_shape() -> None:
    assert decode(RGB, (7, 3)).shape == (7, 3, 3)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (b"", "^empty$"),
        (b"no image", "^not an image$"),
        (encoded(Image.fromarray(RGB))[:50], "."),
        (encoded(Image.fromarray(RGB), "JPEG")[:-60], "Truncated"),
        (encoded(Image.fromarray(RAMP.astype(np.float32)), "TIFF"), "floats"),
        (encoded(Image.fromarray(RAMP.astype(np.int32) - 1), "TIFF"), "pixels from -1 to"),
        (encoded(Image.fromarray(RAMP.astype(np.int32) * 10**6), "TIFF"), "no defined range"),
        (RGB / 255, "."),
        (np.zeros((2, 2, 2, 2), np.uint8), "."),
    ],
)
def test_bad_images(content: Any, reason: str) -> None:
    with pytest.raises(BadImage, match=reason) as raised:
        decode(content, (H, W))
    assert str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_image_of_absurd_size_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(BadImage, match=r"^more than 0 million pixels; make it smaller$"):
        decode(encoded(Image.fromarray(RGB)), (H, W))


def test_an_image_of_a_gigapixel_is_bad() -> None:
    header = b"P6 40000 30000 255\n"
    with pytest.raises(BadImage, match=r"^more than 179 million pixels; make it smaller$"):
        decode(header, (H, W))


def test_bytes_of_a_file_that_is_gone() -> None:
    with pytest.raises(DataError, match=r"nowhere\.png cannot be read: No such file"):
        bytes_of(Path("nowhere.png"))


def bent(kind: str) -> list[bytes]:
    """A picture with some of its bytes changed, again and again."""
    rng = np.random.default_rng(0)
    whole = np.frombuffer(encoded(Image.fromarray(np.tile(RGB, (8, 8, 1))), kind), np.uint8)
    some = []
    for _ in range(60):
        changed = whole.copy()
        places = rng.integers(0, len(whole), 6)
        changed[places] = rng.integers(0, 256, 6)
        some.append(changed[: rng.integers(len(whole) // 2, len(whole) + 1)].tobytes())
    return some


def reason_of(content: bytes) -> str:
    try:
        decode(content, (H, W))
    except BadImage as error:
        return str(error) or "(none)"
    return ""


@pytest.mark.filterwarnings("ignore")
@pytest.mark.parametrize("kind", ["PNG", "JPEG", "GIF", "BMP", "TIFF", "PPM", "WEBP", "AVIF"])
def test_whatever_a_decoder_raises_is_a_bad_image(kind: str) -> None:
    if kind in ("WEBP", "AVIF") and not features.check(kind.lower()):
        pytest.skip(f"this Pillow has no {kind}")
    reasons = {reason_of(content) for content in bent(kind)}
    assert reasons - {""}
    assert "(none)" not in reasons


def chunk(name: bytes, data: bytes) -> bytes:
    return len(data).to_bytes(4, "big") + name + data + zlib.crc32(name + data).to_bytes(4, "big")


@pytest.mark.parametrize(
    "garbage", [b"", b"no exif", b"Exif\0\0", b"II*\0\xff\xff\xff\xff", b"MM\0*\0\0\0\x08\xff\xff"]
)
@pytest.mark.filterwarnings("ignore:Corrupt EXIF")
def test_garbage_that_a_camera_noted_leaves_the_pixels_whole(garbage: bytes) -> None:
    whole = encoded(Image.fromarray(RGB))
    content = whole[:33] + chunk(b"eXIf", garbage) + whole[33:]
    np.testing.assert_array_equal(decode(content, (H, W)), RGB)


def oriented(orientation: int, kind: str = "PNG") -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    return encoded(Image.fromarray(np.tile(RGB, (40, 40, 1))), kind, exif=exif)


FORMS = {
    "RGB": encoded(Image.fromarray(RGB)),
    "large JPEG": encoded(Image.fromarray(np.tile(RGB, (100, 80, 1))), "JPEG"),
    **{f"orientation {i}": oriented(i) for i in range(1, 9)},
    "JPEG on its side": oriented(6, "JPEG"),
    "alpha": encoded(translucent()),
    "grey and alpha": encoded(Image.fromarray(np.dstack([RAMP, RAMP]))),
    "palette": palette(),
    "palette with a transparent colour": palette(transparency=1),
    "palette with transparencies": palette(transparency=b"\x00\x80"),
    "grey": encoded(Image.fromarray(RAMP)),
    "one bit": encoded(Image.fromarray(RAMP > 50)),
    "16 bits": encoded(Image.fromarray(RAMP.astype(np.uint16) * 257)),
    "32 bits": encoded(Image.fromarray(RAMP.astype(np.int32)), "TIFF"),
    "CMYK": encoded(Image.new("CMYK", (W, H), (255, 0, 255, 0)), "TIFF"),
    "CMYK JPEG": encoded(Image.new("CMYK", (W, H), (25, 0, 255, 90)), "JPEG"),
    "YCbCr": encoded(Image.fromarray(RGB).convert("YCbCr"), "JPEG"),
    "GIF": encoded(Image.fromarray(RGB), "GIF"),
}


@pytest.mark.parametrize("form", FORMS)
def test_one_picture_given_in_any_way_is_read_the_same(tmp_path: Path, form: str) -> None:
    content, task = FORMS[form], Task("t", "s", ("a", "b"), {}, "", {"size": [16, 16]})
    file = tmp_path / "picture"
    file.write_bytes(content)
    expected = decode(content, (16, 16))
    opened = Image.open(file)
    for given in (file, str(file), content, opened, opened, Image.open(io.BytesIO(content))):
        np.testing.assert_array_equal(as_cached(task, given), expected)
    loaded = Image.open(file)
    loaded.load()
    # Decoded already, it is not shrunk while it is decoded, as a large JPEG is.
    difference = np.abs(as_cached(task, loaded).astype(int) - expected).mean()
    assert difference < 3 if "JPEG" in form else difference == 0


def test_the_picture_that_is_given_stays_as_it_is() -> None:
    opened = Image.open(io.BytesIO(FORMS["large JPEG"]))
    before = opened.size
    as_cached(Task("t", "s", ("a", "b"), {}, "", {"size": [16, 16]}), opened)
    assert opened.size == before
    assert np.asarray(opened).shape[:2] == before[::-1]


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ("nowhere.png", "nowhere.png"),
        (Path("nowhere.png"), "nowhere.png"),
        (b"no image", "a picture of 8 bytes"),
        (RGB / 255, r"an array float64 \(4, 6, 3\)"),
        (Image.new("F", (2, 3)), r"a picture of Pillow \(F, 2x3\)"),
    ],
)
def test_what_cannot_be_read_is_named(given: Any, name: str) -> None:
    with pytest.raises(DataError, match=f"^{name} cannot be read"):
        as_cached(Task("t", "s", ("a", "b"), {}, "", {"size": [16, 16]}), given)


def test_whoever_shows_a_warning_can_name_the_picture(monkeypatch: pytest.MonkeyPatch) -> None:
    named: list[str] = []
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 20)
    monkeypatch.setattr(warnings, "warn", lambda *_: named.append(now_reading.get()))
    monkeypatch.setattr(Path, "read_bytes", lambda _: FORMS["RGB"])
    as_cached(Task("t", "s", ("a", "b"), {}, "", {"size": [4, 4]}), "photo.png")
    assert named == ["photo.png"]
    assert now_reading.get() == ""
