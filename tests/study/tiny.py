"""A suite small enough to be run in a test: a second for all of it."""

from pathlib import Path
from tempfile import mkdtemp

import numpy as np
from ramet.study.run import Request
from ramet.study.suite import Suite, choose_methods

DATA = Path(mkdtemp(prefix="ramet-test-"))
ROOT = "random:vit_tiny_patch8@16x1"


def write_squares(name: str, seed: int) -> str:
    """A task of 4 classes, each a bright quarter of a noisy image; its source."""
    rng = np.random.default_rng(seed)
    labels = np.arange(96) % 4
    images = rng.integers(0, 100, (96, 16, 16), dtype=np.uint8)
    for image, label in zip(images, labels, strict=True):
        image[8 * (label // 2) :, 8 * (label % 2) :][:8, :8] += 100
    np.savez(DATA / name, x_train=images[:64], y_train=labels[:64], x_test=images[64:], y_test=labels[64:])
    return f"npz:{DATA / name}.npz"


SUITE = Suite.model_validate(
    {
        "name": "tiny",
        "title": "Tiny",
        "paper": "None.",
        "command": "none",
        "expect": "Nothing.",
        "root": ROOT,
        "configuration": "minutes",
        "settings": {
            "batch": 16,
            "budget.cycles": 1,
            "budget.samples_per_cycle": 2,
            "budget.validations": 1,
            "budget.examples_per_validation": 32,
            "budget.validation_examples": 32,
        },
        "tasks": [
            {"name": "squares", "source": write_squares("squares", 0)},
            {"name": "more/squares", "source": write_squares("more", 1)},
        ],
        "methods": [{"method": "mu2net-plus", "transfer": True}, {"method": "linear_probe"}],
    }
)


def request(output: Path, **changes: object) -> Request:
    """Both methods on both tasks with one seed."""
    given = {
        "suite": SUITE,
        "methods": choose_methods(SUITE, ()),
        "tasks": SUITE.tasks,
        "seeds": 1,
        "scale": 1.0,
        "root": ROOT,
        "output": output,
        "command": "ramet benchmark run tiny",
    }
    return Request(**{**given, **changes})  # type: ignore[arg-type]
