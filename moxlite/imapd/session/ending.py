"""The end of a session that another task asks for."""

import trio

from moxlite.imapd.session.errors import Disconnect

__all__ = ["Ending"]


class Ending:
    """Whether and why a session ends.

    Attributes:
      reason: the BYE, None while the session goes on.
      scope: the scope to cancel in order to end while waiting for the client.
    """

    __slots__ = ("reason", "scope")

    def __init__(self) -> None:
        self.reason: Disconnect | None = None
        self.scope: trio.CancelScope | None = None

    def end(self, text: str, code: str = "UNAVAILABLE") -> None:
        """End the session with BYE: at once while it waits, else after the running command. May be called from any
        task.
        """
        if self.reason is None:
            self.reason = Disconnect(text, code)
            if self.scope is not None:
                self.scope.cancel()
