"""What can go wrong while the process starts."""

__all__ = ["StartFailed"]


class StartFailed(Exception):
    """The server cannot start; one line for people."""
