"""Where training and inference run, in which precision, and how many rows at once fit there."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from typing import TypeVar

import torch

from ramet.base.errors import InvalidValue

T = TypeVar("T")


def choose_device(name: str = "auto") -> torch.device:
    """Return the named device, or the best there is: a CUDA GPU, else the CPU.

    Raises:
        InvalidValue: the name is no device, or the device is not there.
    """
    if name == "auto":
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        device = torch.device(name)
        torch.empty(1, device=device)
    except (RuntimeError, AssertionError) as error:
        raise InvalidValue(f"no device {name!r} here", "use auto, cpu, cuda or cuda:N") from error
    return device


def computes_in_bf16(device: torch.device) -> bool:
    """Return whether matrix products on the device are in bfloat16."""
    return device.type == "cuda" and torch.cuda.is_bf16_supported()


def precision(device: torch.device) -> AbstractContextManager[None]:
    """Return a block of mixed precision, where the device computes in it; parameters and optimiser stay float32."""
    context: AbstractContextManager[None] = torch.autocast(
        device.type, torch.bfloat16, enabled=computes_in_bf16(device)
    )
    return context


def is_out_of_memory(error: BaseException) -> bool:
    """Return whether an error says that the device's memory is spent (on the CPU torch raises a plain RuntimeError)."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)


class MicroBatch:
    """The number of rows worked on at once: the whole batch, until memory does not do; then half, and so on.

    Rows that are worked on in pieces come out as in one piece but for rounding: a matrix product of fewer rows adds up
    in another order.
    """

    def __init__(self, rows: int | None = None) -> None:
        self.rows = rows

    def each(self, total: int, work: Callable[[slice], T]) -> Iterator[tuple[slice, T]]:
        """Give every piece of so many rows, in order, with what the work made of it.

        Work that runs out of memory is done again on half as many rows, so it must leave nothing behind when it fails.

        Raises:
            RuntimeError, MemoryError: memory does not do for one row.
        """
        start = 0
        while start < total:
            piece = slice(start, min(start + (self.rows or total), total))
            try:
                made = work(piece)
            except (RuntimeError, MemoryError) as error:
                if not is_out_of_memory(error) or piece.stop - start == 1:
                    raise
                self.rows = (piece.stop - start + 1) // 2
                continue
            yield piece, made
            start = piece.stop
