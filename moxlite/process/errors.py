"""The exceptions for a failed start of the process."""

from typing import Final

REPLACED: Final = 6
"""Exit code of a machine whose accounts another one serves: the units don't restart it (ADMIN-18, ADMIN-40)."""


class StartFailed(Exception):
    """The server cannot start; the text is for people, one line for each fault."""


class PortTaken(StartFailed):
    """Another program listens at a port. `where`: the port and the program, without advice."""

    def __init__(self, where: str) -> None:
        super().__init__(f"{where}. Stop that program, or change the port in the configuration")
        self.where = where


class Replaced(StartFailed):
    """Another machine serves these accounts, for good."""


class AlreadyRunning(StartFailed):
    """Another process has the data directory."""
