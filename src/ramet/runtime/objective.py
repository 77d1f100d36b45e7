"""What a child learns to do, and how well it does: the loss, the answer, and the quality."""

from typing import Protocol

import torch
import torch.nn.functional as F
from torch import Tensor


class Objective(Protocol):
    """The meaning of a path's logits. All methods work on logits (B, K) in float32 and the labels of their rows."""

    def loss(self, logits_BK: Tensor, labels: Tensor) -> Tensor:
        """Return the mean loss of the rows, a scalar: the mean over pieces of a batch is the batch's."""
        ...

    def answers(self, logits_BK: Tensor) -> Tensor:
        """Return the probability of every class (B, K)."""
        ...

    def tally(self, logits_BK: Tensor, labels: Tensor) -> Tensor:
        """Return whole numbers (int64) from which the quality follows; those of batches are added up."""
        ...

    def quality(self, tally: Tensor, count: int) -> float:
        """Return the quality, from 0 to 1, of the added tallies of so many rows."""
        ...


class OneClass:
    """Each image has one class: softmax cross-entropy, and top-1 accuracy (METHOD sections 5 and 6)."""

    def loss(self, logits_BK: Tensor, labels: Tensor) -> Tensor:
        """Return the mean cross-entropy."""
        return F.cross_entropy(logits_BK, labels)

    def answers(self, logits_BK: Tensor) -> Tensor:
        """Return the softmax."""
        return logits_BK.softmax(dim=1)

    def tally(self, logits_BK: Tensor, labels: Tensor) -> Tensor:
        """Return how many rows are right."""
        return (logits_BK.argmax(dim=1) == labels).sum(dtype=torch.int64)

    def quality(self, tally: Tensor, count: int) -> float:
        """Return the share that is right."""
        return int(tally) / count


ONE_CLASS = OneClass()
