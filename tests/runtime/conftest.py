"""The tiny task and root of the training's tests."""

from tests.training.conftest import lab

__all__ = ["lab"]
