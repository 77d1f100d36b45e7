import io
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from PIL import Image

from ramet.base.errors import DataError
from ramet.tasks.images import BadImage, bytes_of, decode, size_of

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
        pytest.param(encoded(Image.new("CMYK", (W, H), (255, 0, 255, 0)), "TIFF"), GREEN, id="CMYK"),
        pytest.param(RAMP, grey(RAMP), id="array HW"),
        pytest.param(RAMP[..., None], grey(RAMP), id="array HW1"),
        pytest.param(RGB, RGB, id="array HW3"),
        pytest.param(RGB[:, ::-1], RGB[:, ::-1], id="array view"),
    ],
)
def test_decoded_to_rgb(content: Any, expected: npt.NDArray[Any]) -> None:
    assert size_of(content) == (H, W)
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
    assert size_of(content) == turned.shape[:2]
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
        (b"", "^not an image$"),
        (b"no image", "^not an image$"),
        (encoded(Image.fromarray(RGB))[:50], "."),
        (encoded(Image.fromarray(RGB), "JPEG")[:-60], "Truncated"),
        (encoded(Image.fromarray(RAMP.astype(np.float32)), "TIFF"), "floats"),
        (Path("nowhere.png"), "^No such file or directory$"),
    ],
)
def test_bad_images(content: Any, reason: str) -> None:
    with pytest.raises(BadImage, match=reason) as raised:
        decode(content, (H, W))
    assert str(raised.value)
    assert "\n" not in str(raised.value)


def test_an_image_of_absurd_size_is_bad(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Image, "MAX_IMAGE_PIXELS", 10)
    with pytest.raises(BadImage, match="decompression bomb"):
        size_of(encoded(Image.fromarray(RGB)))


def test_bytes_of_a_file_that_is_gone() -> None:
    with pytest.raises(DataError, match=r"nowhere\.png cannot be read: No such file"):
        bytes_of(Path("nowhere.png"))
