"""Where training and inference run, and in which precision."""

from contextlib import AbstractContextManager

import torch

from ramet.base.errors import InvalidValue


def choose_device(name: str = "auto") -> torch.device:
    """The named device, or the best there is: a CUDA GPU, else the CPU.

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


def precision(device: torch.device) -> AbstractContextManager[None]:
    """Mixed precision (bfloat16) where the device computes in it; parameters and optimiser stay float32."""
    bf16 = device.type == "cuda" and torch.cuda.is_bf16_supported()
    context: AbstractContextManager[None] = torch.autocast(device.type, torch.bfloat16, enabled=bf16)
    return context


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the device's memory is spent (on the CPU torch raises a plain RuntimeError)."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or "can't allocate memory" in str(error)
