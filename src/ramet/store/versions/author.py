"""Who makes commits."""

import getpass
import os
import socket

AUTHOR_VARIABLE = "RAMET_AUTHOR"


def author() -> str:
    """RAMET_AUTHOR, else `user@host`."""
    named = os.environ.get(AUTHOR_VARIABLE, "").strip()
    return named or f"{_user()}@{socket.gethostname()}"


def _user() -> str:
    try:
        return getpass.getuser()
    except (OSError, KeyError, ImportError):  # an account without a name, as in many containers
        return "somebody"
