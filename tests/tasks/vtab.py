"""Records of VTAB's data sets in the form that tfds gives them: as many features as matter, and some that do not."""

import io
from collections.abc import Sequence
from typing import Any

import numpy as np

from tests.tasks.examples import png


def image(shade: int) -> io.BytesIO:
    return io.BytesIO(png(np.full((4, 4, 3), shade, np.uint8)))


def clevr(features: Any) -> dict[str, Any]:
    thing = {
        "color": features.ClassLabel(names=["gray", "blue"]),
        "shape": features.ClassLabel(names=["cube", "sphere", "cylinder"]),
        "size": features.ClassLabel(names=["small", "large"]),
        "rotation": features.Tensor(shape=(), dtype=np.float32),
        "pixel_coords": features.Tensor(shape=(3,), dtype=np.float32),
    }
    text = {"question": features.Text(), "answer": features.Text()}
    return {
        "image": features.Image(), "file_name": features.Text(), "objects": features.Sequence(thing),
        "question_answer": features.Sequence(text),
    }  # fmt: skip


def scene(number: int, depths: Sequence[float], shapes: Sequence[str]) -> dict[str, Any]:
    things = [
        {"color": "blue", "shape": shape, "size": "small", "rotation": 0.5, "pixel_coords": [3, 4, depth]}
        for depth, shape in zip(depths, shapes, strict=True)
    ]
    asked = [{"question": "What?", "answer": "that"}] * number
    return {"image": image(number), "file_name": "a.png", "objects": things, "question_answer": asked}


def kitti(features: Any) -> dict[str, Any]:
    kinds = ["Car", "Van", "Truck", "Pedestrian"]
    thing = {
        "type": features.ClassLabel(names=kinds),
        "truncated": features.Tensor(shape=(), dtype=np.float32),
        "bbox": features.BBoxFeature(),
        "location": features.Tensor(shape=(3,), dtype=np.float32),
    }
    return {"image": features.Image(), "image/file_name": features.Text(), "objects": features.Sequence(thing)}


def street(number: int, *things: tuple[str, float]) -> dict[str, Any]:
    import tensorflow_datasets as tfds

    box = tfds.features.BBox(0.1, 0.1, 0.5, 0.5)
    objects = [{"type": kind, "truncated": 0.0, "bbox": box, "location": [-9, 1, z]} for kind, z in things]
    return {"image": image(number), "image/file_name": "a.png", "objects": objects}


def sprites(features: Any) -> dict[str, Any]:
    return {
        "image": features.Image(shape=(64, 64, 1)),
        "label_orientation": features.ClassLabel(num_classes=40),
        "label_x_position": features.ClassLabel(num_classes=32),
        "value_scale": features.Tensor(shape=[], dtype=np.float32),
    }


def sprite(number: int) -> dict[str, Any]:
    pixels = np.zeros((64, 64), np.uint8)
    pixels[number, 5] = 1
    return {
        "image": io.BytesIO(png(pixels)),
        "label_orientation": number,
        "label_x_position": number % 2,
        "value_scale": 1.0,
    }


def norb(features: Any) -> dict[str, Any]:
    labels = {"category": 5, "elevation": 9, "azimuth": 18, "lighting": 6}
    return {
        "image": features.Image(shape=(4, 4, 3)), "image2": features.Image(shape=(4, 4, 3)),
        **{f"label_{name}": features.ClassLabel(num_classes=count) for name, count in labels.items()},
    }  # fmt: skip


def pair(number: int) -> dict[str, Any]:
    labels = {"category": number % 5, "elevation": number % 9, "azimuth": number % 18, "lighting": number % 6}
    return {"image": image(number), "image2": image(200), **{f"label_{name}": y for name, y in labels.items()}}
