"""Runs trained paths: the quality on a split, class probabilities of images."""

from collections.abc import Callable, Sequence

import numpy as np
import numpy.typing as npt
import torch
from torch import Tensor

from ramet.base.progress import QUIET, Progress
from ramet.base.records import Path
from ramet.runtime.device import MicroBatch, is_out_of_memory, precision
from ramet.runtime.grouping import Program, R, begin, run_shared
from ramet.runtime.loader import Examples, examples
from ramet.runtime.objective import ONE_CLASS, Objective
from ramet.runtime.resident import Parts, Resident
from ramet.runtime.siblings import Siblings
from ramet.tasks.augment import batch_images
from ramet.tasks.data import Split

EVALUATION_BATCH = 256
"""Fixed, since the last bits of a logit depend on the batch: a quality measured again is then equal."""


class LoadedPath:
    """A published path, ready to run with what is resident on a device; all frozen."""

    def __init__(self, path: Path, components: Resident, objective: Objective = ONE_CLASS) -> None:
        self.architecture = path.architecture
        self.architecture = path.architecture
        self.image_size = int(path.hyperparameters["data.image_size"])
        self.device = components.device
        self.objective = objective
        self.parts: Parts = {c.name: components.component(c.name, c.digest) for c in path.components}
        self.program = Program.of(path.architecture, self.parts, {c.name: c.digest for c in path.components})
        self._micro = MicroBatch()

    def probabilities(self, images: npt.NDArray[np.uint8]) -> npt.NDArray[np.float32]:
        """Return class probabilities (B, K) of images (B, H, W, 3)."""
        table = self._run(images, lambda x: self.objective.answers(self.program.finish(self._begun(x))))
        found: npt.NDArray[np.float32] = table.cpu().numpy()
        return found

    def tokens(self, images: npt.NDArray[np.uint8]) -> Tensor:
        """Return the tokens x_BLD that the readout is given, in float32, of images (B, H, W, 3); for a root, too."""
        return self._run(images, lambda x: self._begun(x).float())

    def quality(self, split: Split, progress: Progress = QUIET) -> float:
        """Return the quality on a whole split: for one class an image, top-1 accuracy.

        Raises:
            RuntimeError, MemoryError: memory does not do for one image.
        """
        with Siblings(self.device, at_once=1) as siblings:
            data = examples(split, self.device)
            (found,) = qualities(
                [self],
                data,
                self.image_size,
                siblings,
                self.objective,
                lambda done: progress.advanced("testing", done, len(data)),
            )
        if found is None:
            raise MemoryError("memory does not do for one image")
        return found

    def _begun(self, x: Tensor) -> Tensor:
        for stage in self.program.stages[: len(self.program.keys)]:
            x = stage.run(x)
        return x

    def _run(self, images: npt.NDArray[np.uint8], work: Callable[[Tensor], Tensor]) -> Tensor:
        with torch.inference_mode(), precision(self.device):
            x = batch_images(torch.from_numpy(images).to(self.device), image_size=self.image_size)
            return torch.cat([made for _, made in self._micro.each(len(x), lambda piece: work(x[piece]))])


def qualities(
    paths: Sequence[R],
    data: Examples,
    image_size: int,
    siblings: Siblings,
    objective: Objective = ONE_CLASS,
    report: Callable[[int], None] | None = None,
) -> list[float | None]:
    """Return the quality of each path on the same examples, in the given order; shared stages run once a batch.

    A path for which memory does not do, not even for one image, has None.

    Args:
        paths: of one image size.
        data: the examples.
        image_size: pixels a side.
        siblings: who works on the paths.
        objective: says what quality is.
        report: told how many examples are done.
    """
    tallies = {path: torch.zeros((), dtype=torch.int64, device=data.device) for path in paths}
    lost: set[R] = set()
    together, apart = MicroBatch(), {path: MicroBatch() for path in paths}

    def prepare(batch: range) -> tuple[Tensor, Tensor, int]:
        images, labels = data.take(np.array(batch))
        with torch.inference_mode(), precision(data.device):
            alive = [path for path in paths if path not in lost]
            return labels, *begin(alive, batch_images(images, image_size=image_size), together)

    order = range(len(data))
    batches = [order[start : start + EVALUATION_BATCH] for start in order[::EVALUATION_BATCH]]
    for batch, (labels, x, depth) in zip(batches, siblings.ahead(batches, prepare), strict=True):

        def count(entered: tuple[R, slice, Tensor], labels: Tensor = labels) -> None:
            path, rows, y = entered
            own = labels[rows]
            if path in lost:
                return
            try:
                with torch.inference_mode(), precision(data.device):
                    for _, tally in apart[path].each(
                        len(y), lambda piece: objective.tally(path.program.finish(y[piece]), own[piece])
                    ):
                        tallies[path] = tallies[path] + tally
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error):
                    raise
                lost.add(path)

        alive = [path for path in paths if path not in lost]
        try:
            with torch.inference_mode(), precision(data.device):
                siblings.each(run_shared(alive, x, together, depth), count)
        except (RuntimeError, MemoryError) as error:
            if not is_out_of_memory(error):
                raise
            lost.update(alive)  # not even one image goes through what they share
        if report:
            report(batch.stop)
    return [None if path in lost else objective.quality(tallies[path], len(data)) for path in paths]
