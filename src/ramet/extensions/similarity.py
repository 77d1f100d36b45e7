"""A parent selection: a task that looks alike is a better place to start from than any other.

As mu2net it visits the population first and then the other tasks' best paths, each taken with 0.5 ** its children; but
the others come in the order of how alike their images are to the root, and not in turn.
"""

from math import inf

import numpy as np
import numpy.typing as npt
from pydantic import PositiveInt

from ramet.method.parts import Part, register
from ramet.method.protocols import Candidates
from ramet.method.selection import visited


@register("parents", "similarity")
class Similarity(Part):
    """The other tasks' paths are visited most alike first.

    nearest: how many of them are visited (null: all). Those whose images are not here come last.
    """

    nearest: PositiveInt | None = None

    def choose(self, among: Candidates) -> str:
        """Draw the parent."""
        return visited(alike(among)[: self.nearest], among)


def alike(among: Candidates) -> list[str]:
    """Return the ids of the other tasks' paths, from the task most alike to the least; of equals the first by name.

    How alike two tasks are is the cosine between their mean embeddings, less the mean over all tasks here: what all
    images have in common says nothing.
    """
    known = {path.id: found for path in among.others if (found := among.images.features(path.task or "")) is not None}
    own = among.images.features(among.task)
    if own is None or not known:
        return [path.id for path in among.others]
    centre = np.mean([own, *known.values()], axis=0)
    score = {path: _cosine(own - centre, found - centre) for path, found in known.items()}
    return sorted((path.id for path in among.others), key=lambda path: -score.get(path, -inf))


def _cosine(one: npt.NDArray[np.float32], other: npt.NDArray[np.float32]) -> float:
    length = float(np.linalg.norm(one) * np.linalg.norm(other))
    return float(one @ other) / length if length else 0.0
