"""What all tests need."""

import signal


def pytest_configure() -> None:
    """Tests press Ctrl-C, which a shell that started them in the background has their processes ignore."""
    signal.signal(signal.SIGINT, signal.default_int_handler)
