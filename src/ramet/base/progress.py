"""What long work tells whoever watches it."""


class Progress:
    """Watches long work; every method does nothing unless overridden.

    The command line draws bars and lines from it. Methods are called from the thread that does the work, and may raise
    to stop it.
    """

    def advanced(self, what: str, done: int, total: int) -> None:
        """Of the work that `what` names (a task, a branch, images, ...), `done` of `total` is done."""

    def measured(self, what: str, value: float) -> None:
        """Of the thing that `what` names (a child, ...), this was measured, from 0 to 1."""

    def noted(self, text: str) -> None:
        """Take note of something that the user should know and that does not stop the work."""


QUIET = Progress()
"""Tells nobody."""
