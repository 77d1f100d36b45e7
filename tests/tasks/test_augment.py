import colorsys
import io

import numpy as np
import pytest
import torch
from PIL import Image

from ramet.base.errors import InvalidValue
from ramet.tasks.augment import Augmentation, augment, batch_images, contrasted, draw, saturated, turned

torch.set_num_threads(1)

KEY = (0, "task", "augment")
ALL = {
    "data.crop_area_min": 0.3, "data.crop_aspect_min": 0.75, "data.flip": True, "data.brightness": 0.2,
    "data.contrast": 0.2, "data.saturation": 0.2, "data.hue": 0.2, "data.jpeg": 0.2,
}  # fmt: skip
ONE_BYTE = 2 / 255
"""The step of one byte in images of [-1, 1]."""


def pictures(n: int, height: int = 20, width: int = 20, seed: int = 0) -> torch.Tensor:
    """Smooth coloured images with some noise, as photographs are."""
    rng = np.random.default_rng(seed)
    small = rng.integers(0, 256, (n, 4, 4, 3), dtype=np.uint8)
    smooth = np.stack([np.asarray(Image.fromarray(i).resize((width, height), Image.Resampling.BICUBIC)) for i in small])
    return torch.from_numpy((smooth + rng.integers(-9, 10, smooth.shape)).clip(0, 255).astype(np.uint8))


def as_input(images: np.ndarray) -> torch.Tensor:
    return torch.from_numpy(np.asarray(images, np.float64)).permute(0, 3, 1, 2).float() / 127.5 - 1


def resized_by_pillow(image: np.ndarray, size: int, box: tuple[float, ...] | None = None) -> np.ndarray:
    return np.asarray(Image.fromarray(image).resize((size, size), Image.Resampling.BILINEAR, box=box))


def augmented(images: torch.Tensor, size: int, **data: float | bool) -> torch.Tensor:
    return augment(images, {f"data.{k}": v for k, v in data.items()}, KEY, np.arange(len(images)), size)


def drawn(n: int, **data: float | bool):
    return draw(Augmentation(**data), KEY, np.arange(n))


class TestPlain:
    def test_bytes_become_minus_one_to_one(self):
        images = torch.arange(256, dtype=torch.uint8).view(1, 16, 16, 1).expand(1, 16, 16, 3)
        x = batch_images(images, image_size=16)
        assert (x.min(), x.max(), x.dtype, x.shape) == (-1, 1, torch.float32, (1, 3, 16, 16))
        torch.testing.assert_close(x, as_input(images.numpy()))

    @pytest.mark.parametrize("size", [7, 13, 20, 33])
    def test_another_size_is_that_of_pillow(self, size):
        images = pictures(4)
        expected = as_input(np.stack([resized_by_pillow(i, size) for i in images.numpy()]))
        torch.testing.assert_close(batch_images(images, image_size=size), expected, atol=1.5 * ONE_BYTE, rtol=0)

    def test_the_images_stay_as_they_were(self):
        images = pictures(3)
        before = images.clone()
        augmented(images, 16, flip=True, brightness=0.2)
        batch_images(images, image_size=20)
        assert torch.equal(images, before)

    @pytest.mark.parametrize("size", [12, 20])
    @pytest.mark.parametrize("off", [{}, Augmentation().model_dump()])
    def test_off_is_plain(self, size, off):
        images = pictures(4)
        assert torch.equal(augmented(images, size, **off), batch_images(images, image_size=size))


class TestEachAlone:
    def test_jpeg_is_that_of_pillow_at_the_drawn_quality(self):
        images = pictures(6, 24, 16)
        expected = []
        for image, quality in zip(images.numpy(), drawn(6, jpeg=0.5)["jpeg"], strict=True):
            Image.fromarray(image).save(file := io.BytesIO(), "JPEG", quality=int(quality))
            expected.append(np.asarray(Image.open(file)))
        plain = batch_images(torch.from_numpy(np.stack(expected)), image_size=20)
        assert torch.equal(augmented(images, 20, jpeg=0.5), plain)
        assert not torch.equal(plain, batch_images(images, image_size=20))

    @pytest.mark.parametrize(("height", "width"), [(20, 20), (14, 31)])
    @pytest.mark.parametrize("size", [6, 20, 40])
    def test_crop_is_pillow_s_resize_of_the_drawn_box(self, height, width, size):
        images = pictures(8, height, width)
        boxes = drawn(8, crop_area_min=0.1, crop_aspect_min=0.5)["box"]
        corners = np.concatenate([boxes[:, :2], boxes[:, :2] + boxes[:, 2:]], axis=1) * [width, height, width, height]
        expected = [resized_by_pillow(i, size, tuple(c)) for i, c in zip(images.numpy(), corners, strict=True)]
        x = augmented(images, size, crop_area_min=0.1, crop_aspect_min=0.5)
        torch.testing.assert_close(x, as_input(np.stack(expected)), atol=1.5 * ONE_BYTE, rtol=0)

    def test_flip_mirrors_the_drawn_ones_and_no_others(self):
        images, flip = pictures(16), drawn(16, flip=True)["flip"]
        x, plain = augmented(images, 20, flip=True), batch_images(images, image_size=20)
        assert set(flip) == {True, False}
        assert torch.equal(x[flip], plain[flip].flip(-1))
        assert torch.equal(x[~flip], plain[~flip])

    def test_brightness_is_added(self):
        images, delta = pictures(8), drawn(8, brightness=0.2)["brightness"]
        expected = (images.double() / 255 + torch.from_numpy(delta).view(-1, 1, 1, 1)).clamp(0, 1) * 255
        torch.testing.assert_close(augmented(images, 20, brightness=0.2), as_input(expected.numpy()))

    def test_contrast_multiplies_around_the_mean_of_the_grey(self):
        images, factor = pictures(8), drawn(8, contrast=0.2)["contrast"]
        x = images.double().numpy()
        grey = (x @ [0.299, 0.587, 0.114]).mean(axis=(1, 2))
        mean, factor = grey[:, None, None, None], factor[:, None, None, None]
        expected = ((x - mean) * factor + mean).clip(0, 255)
        torch.testing.assert_close(augmented(images, 20, contrast=0.2), as_input(expected), atol=1e-5, rtol=0)

    @pytest.mark.parametrize("name", ["saturation", "hue"])
    def test_saturation_and_hue_are_those_of_the_colour_cone(self, name):
        images, values = pictures(4, 6, 6), drawn(4, **{name: 0.3})[name]

        def changed(pixel: np.ndarray, value: float) -> tuple[float, ...]:
            h, s, v = colorsys.rgb_to_hsv(*(pixel / 255))
            s, h = (min(1, s * value), h) if name == "saturation" else (s, (h + value) % 1)
            return colorsys.hsv_to_rgb(h, s, v)

        expected = [[[changed(p, v) for p in row] for row in i] for i, v in zip(images.numpy(), values, strict=True)]
        x = augmented(images, 6, **{name: 0.3})
        torch.testing.assert_close(x, as_input(np.array(expected) * 255), atol=1e-4, rtol=0)


class TestTogether:
    def test_a_sample_does_not_depend_on_its_batch(self):
        images, examples = pictures(12, 24, 24), np.array([5, 900, 3, 77, 10**9, 0, 1, 2, 4, 6, 7, 8])
        x = augment(images, ALL, KEY, examples, 16)
        order = np.random.default_rng(0).permutation(12)
        torch.testing.assert_close(augment(images[order], ALL, KEY, examples[order], 16), x[order], atol=1e-6, rtol=0)
        for i in (0, 4, 11):
            alone = augment(images[i : i + 1], ALL, KEY, examples[i : i + 1], 16)
            torch.testing.assert_close(alone[0], x[i], atol=1e-6, rtol=0)

    def test_another_key_changes_every_sample(self):
        images, examples = pictures(6), np.arange(6)
        a, b = (augment(images, ALL, (*KEY, epoch), examples, 20) for epoch in (0, 1))
        assert ((a - b).abs().amax(dim=(1, 2, 3)) > 0.01).all()

    def test_grey_stays_grey_and_values_in_range(self):
        grey = pictures(12)[..., :1].expand(-1, -1, -1, 3).contiguous()
        x = augment(grey, ALL, KEY, np.arange(12), 24)
        torch.testing.assert_close(x, x.mean(1, keepdim=True).expand_as(x), atol=2 * ONE_BYTE, rtol=0)
        coloured = augment(pictures(12), ALL, KEY, np.arange(12), 24)
        assert coloured.min() >= -1
        assert coloured.max() <= 1
        assert coloured.isfinite().all()

    @pytest.mark.parametrize("value", [0, 255])
    def test_black_and_white_survive_every_crop(self, value):
        images = torch.full((16, 9, 9, 3), value, dtype=torch.uint8)
        x = augmented(images, 14, crop_area_min=0.05, crop_aspect_min=0.5)
        torch.testing.assert_close(x, torch.full_like(x, value / 127.5 - 1), atol=1e-6, rtol=0)


class TestColours:
    """Each formula on eight colours: those that kornia 0.9 gives for them in double precision."""

    COLOURS = (
        (0.9, 0.2, 0.4),
        (0.1, 0.6, 0.3),
        (0.2, 0.3, 0.8),
        (0.5, 0.5, 0.5),
        (0, 0, 0),
        (1, 1, 1),
        (0.7, 0.7, 0.1),
        (1, 0, 1),
    )

    @pytest.mark.parametrize(
        ("formula", "value", "expected"),
        [
            (
                contrasted,
                1.5,
                [
                    [1.0, 0.067494, 0.367494],
                    [0.0, 0.667494, 0.217494],
                    [0.067494, 0.217494, 0.967494],
                    [0.517494] * 3,
                    [0.0] * 3,
                    [1.0] * 3,
                    [0.817494, 0.817494, 0.0],
                    [1.0, 0.0, 1.0],
                ],
            ),
            (
                saturated,
                1.5,
                [
                    [0.9, 0.0, 0.257143],
                    [0.0, 0.6, 0.24],
                    [0.0, 0.133333, 0.8],
                    [0.5] * 3,
                    [0.0] * 3,
                    [1.0] * 3,
                    [0.7, 0.7, 0.0],
                    [1.0, 0.0, 1.0],
                ],
            ),
            (
                turned,
                0.2,
                [
                    [0.9, 0.84, 0.2],
                    [0.1, 0.3, 0.6],
                    [0.8, 0.2, 0.78],
                    [0.5] * 3,
                    [0.0] * 3,
                    [1.0] * 3,
                    [0.1, 0.7, 0.22],
                    [1.0, 0.2, 0.0],
                ],
            ),
        ],
    )
    def test_golden_numbers(self, formula, value, expected):
        x = torch.tensor(self.COLOURS).T.reshape(1, 3, 2, 4)
        y = formula(x, torch.full((1, 1, 1, 1), value))
        torch.testing.assert_close(y.reshape(3, 8).T, torch.tensor(expected), atol=1e-6, rtol=0)

    @pytest.mark.parametrize(
        ("formula", "nothing"), [(contrasted, 1.0), (saturated, 1.0), (turned, 0.0), (turned, 1.0), (turned, -2.0)]
    )
    def test_nothing_changes_nothing(self, formula, nothing):
        x = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
        torch.testing.assert_close(formula(x, torch.full((4, 1, 1, 1), nothing)), x, atol=2e-6, rtol=0)

    def test_a_third_of_a_turn_moves_the_channels_on(self):
        x = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
        torch.testing.assert_close(turned(x, torch.full((4, 1, 1, 1), 1 / 3)), x.roll(1, 1), atol=2e-6, rtol=0)

    def test_turned_there_and_back(self):
        x = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
        turns = torch.tensor([0.1, -0.4, 0.5, 0.31]).view(-1, 1, 1, 1)
        torch.testing.assert_close(turned(turned(x, turns), -turns), x, atol=4e-6, rtol=0)

    def test_no_saturation_is_grey_and_as_light(self):
        x = torch.rand(4, 3, 8, 8, generator=torch.Generator().manual_seed(0))
        torch.testing.assert_close(saturated(x, torch.zeros(4, 1, 1, 1)), x.amax(1, keepdim=True).expand_as(x))


class TestDraws:
    N = 20_000

    @pytest.mark.parametrize("column", ["brightness", "contrast", "saturation", "hue"])
    def test_colours_are_even_within_their_delta(self, column):
        values = drawn(self.N, **{column: 0.2})[column]
        middle = float(column in ("contrast", "saturation"))
        quantiles = np.quantile((values - middle) / 0.2, [0, 0.25, 0.5, 0.75, 1])
        np.testing.assert_allclose(quantiles, [-1, -0.5, 0, 0.5, 1], atol=0.03)

    def test_half_are_flipped(self):
        assert drawn(self.N, flip=True)["flip"].mean() == pytest.approx(0.5, abs=0.015)

    def test_jpeg_quality_is_even_down_to_its_minimum(self):
        quality = drawn(self.N, jpeg=0.2)["jpeg"]
        assert (quality.min(), quality.max()) == (80, 100)
        assert np.median(quality) == pytest.approx(90, abs=0.5)

    def test_area_is_even_and_the_log_of_aspect_too(self):
        width, height = drawn(self.N, crop_area_min=0.2)["box"][:, 2:].T
        np.testing.assert_allclose(np.quantile(width * height, [0, 0.5, 1]), [0.2, 0.6, 1], atol=0.02)
        np.testing.assert_allclose(width, height)
        width, height = drawn(self.N, crop_area_min=0.2, crop_aspect_min=0.5)["box"][:, 2:].T
        fits = width * height < 0.5  # no aspect of up to 2 is cut to the image at such areas
        quantiles = np.quantile(np.log(width / height)[fits], [0, 0.25, 0.5, 0.75, 1])
        np.testing.assert_allclose(quantiles, np.log(2) * np.array([-1, -0.5, 0, 0.5, 1]), atol=0.04)

    @pytest.mark.parametrize("minima", [(0.05, 1.0), (0.05, 0.5), (1.0, 0.5), (1.0, 1.0)])
    def test_boxes_lie_in_the_image_and_reach_its_borders(self, minima):
        left, top, width, height = drawn(self.N, crop_area_min=minima[0], crop_aspect_min=minima[1])["box"].T
        for start, extent in ((left, width), (top, height)):
            assert start.min() >= 0
            assert (start + extent).max() <= 1 + 1e-12
            assert start.min() < 0.01
            assert (start + extent).max() > 0.99

    def test_one_operation_leaves_the_draws_of_others(self):
        alone, together = drawn(50, hue=0.1), drawn(50, hue=0.1, flip=True, jpeg=0.1, crop_area_min=0.5)
        assert (alone["hue"] == together["hue"]).all()


class TestSettings:
    def test_other_hyperparameters_are_passed_over(self):
        read = Augmentation.of({"opt.lr": 0.1, "layers": 3, "data.image_size": 32, "data.flip": True})
        assert read == Augmentation(flip=True)

    @pytest.mark.parametrize(
        ("name", "value"),
        [
            ("flop", True),
            ("hue", 0.6),
            ("brightness", -0.1),
            ("crop_area_min", 0.0),
            ("crop_aspect_min", 1.5),
            ("jpeg", 1.0),
        ],
    )
    def test_wrong_names_and_values_are_refused(self, name, value):
        with pytest.raises(InvalidValue, match=rf"data\.{name} is {value}"):
            Augmentation.of({f"data.{name}": value})
