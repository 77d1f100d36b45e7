"""What a measurement was made on: the machine, without its name, and the versions of what ran there."""

import os
import platform
import re
from importlib.metadata import version
from pathlib import Path


def versions() -> dict[str, str]:
    """Return what the figures depend on."""
    return {"ramet": version("ramet"), "torch": version("torch"), "Python": platform.python_version()}


def machine() -> dict[str, str | int | float]:
    """Return the processor, the cores and the memory (GB) that this process may use, the load, and the system."""
    return {
        "cpu": _processor(),
        "cores": len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1,
        "memory, GB": round(os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 1e9, 1),
        "load": round(os.getloadavg()[0], 1),
        "system": f"{platform.system()} {platform.machine()}",
    }


def _processor() -> str:
    cpuinfo = Path("/proc/cpuinfo")
    text = cpuinfo.read_text() if cpuinfo.exists() else ""
    found = re.search(r"^model name\s*: (.+)$", text, re.MULTILINE)
    return found[1] if found else platform.processor() or "unknown processor"
