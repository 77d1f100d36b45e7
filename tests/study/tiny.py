"""A suite small enough to be run in a test: a second for all of it."""

from pathlib import Path
from tempfile import mkdtemp

import numpy as np

from ramet.base.yaml import Yaml
from ramet.study.design import Design
from ramet.study.reading import recipe_of
from ramet.study.suite import Suite, choose_variants

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


TEXT = f"""\
name: tiny
title: Tiny
paper: None.
expect: Nothing.
root: {ROOT}
judge: test_quality
tolerant: true
remeasure: true
set:
  batch: 16
  budget.cycles: 1
  budget.samples_per_cycle: 2
  budget.validations: 1
  budget.examples_per_validation: 32
  budget.validation_examples: 32
tasks:
  - {{name: squares, source: "{write_squares("squares", 0)}"}}
  - {{name: more/squares, source: "{write_squares("more", 1)}"}}
variants:
  mu2net-plus: {{method: mu2net-plus, alone: true}}
  linear_probe: linear_probe
"""


def suite_of(text: str = TEXT) -> Suite:
    read = Yaml(text, "tiny.yaml")
    return Suite(recipe_of(read), read, Path())


SUITE = suite_of()


def a_design(*variants: str, **given: object) -> Design:
    """Both variants on both tasks with one seed."""
    return SUITE.design(choose_variants(SUITE, variants), **{"command": "ramet benchmark run tiny", **given})  # type: ignore[arg-type]
