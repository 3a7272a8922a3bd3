"""The exception for a failed start of the process."""

__all__ = ["StartFailed"]


class StartFailed(Exception):
    """The server cannot start; the text is for people, one line for each fault."""
