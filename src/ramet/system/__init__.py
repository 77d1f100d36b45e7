"""A system as a library sees it: `init` or `open` one, then `system.tasks`, `.versions`, `.experiments` and `.store`.

The command line mirrors this room: each command is the method of the same name. What reads images or handles tensors
is imported where it is used, so that looking at a system is quick.
"""

from ramet.system.begin import init, open
from ramet.system.facade import System

__all__ = ["System", "init", "open"]
