"""S3-compatible servers for the tests, each a process of its own that is spoken to over HTTP."""

import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

import pytest

ENVIRONMENT = {
    "AWS_ACCESS_KEY_ID": "S3RVER",
    "AWS_SECRET_ACCESS_KEY": "S3RVER",
    "AWS_DEFAULT_REGION": "us-east-1",
    # s3rver is from before the checksums that clients append by default.
    "AWS_REQUEST_CHECKSUM_CALCULATION": "when_required",
    "AWS_RESPONSE_CHECKSUM_VALIDATION": "when_required",
}
BUCKET = "ramet-tests"
START_SECONDS = 60


@contextmanager
def served(kind: str, folder: Path) -> Iterator[str]:
    """A server with an empty bucket; its endpoint."""
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    endpoint = f"http://127.0.0.1:{port}"
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(
            _command(kind, port, folder), stdout=log, stderr=log, env={**os.environ, **ENVIRONMENT}
        )
    try:
        _wait(process, endpoint, folder / "log")
        yield endpoint
    finally:
        process.terminate()
        process.wait()


def use(endpoint: str, environment: pytest.MonkeyPatch) -> None:
    """Make `s3://` mean this server, with the tests' bucket on it."""
    s3fs = pytest.importorskip("s3fs", reason="s3:// needs s3fs")
    for name, value in {**ENVIRONMENT, "AWS_ENDPOINT_URL": endpoint}.items():
        environment.setenv(name, value)
    s3fs.S3FileSystem.clear_instance_cache()  # they know the endpoint of before
    s3fs.S3FileSystem(use_listings_cache=False).makedirs(BUCKET, exist_ok=True)


def _command(kind: str, port: int, folder: Path) -> list[str]:
    if kind == "moto":
        pytest.importorskip("moto.server", reason="the simulation of S3 needs moto[server]")
        return [sys.executable, "-m", "moto.server", "-p", str(port)]
    found = shutil.which("s3rver", path=os.pathsep.join([os.environ["PATH"], "node_modules/.bin"]))
    if found is None:
        pytest.skip("s3rver is not here: `npm install --no-save s3rver` brings it")
    return [found, "--directory", str(folder / "data"), "--port", str(port), "--address", "127.0.0.1"]


def _wait(process: "subprocess.Popen[bytes]", endpoint: str, log: Path) -> None:
    deadline = time.monotonic() + START_SECONDS
    while True:
        try:
            urlopen(endpoint, timeout=5)
            return
        except HTTPError:  # it answers, if only to refuse
            return
        except OSError:
            assert process.poll() is None, log.read_text()
            assert time.monotonic() < deadline, "the server does not answer"
            time.sleep(0.1)
