"""Silence of a client between two commands, watched by a task of its own (IMAP-19).

A new scope for each wait, with a deadline set and removed, would cost a quarter of a small command. So the waiting task
only notes the time until which it waits, and the scope's deadline is moved when it comes.
"""

import math

import trio


class Silence:
    """The time until which a client may be silent.

    `_until` is infinite while the session does not wait for the client. The deadline of `_watching` belongs to this
    wait, or to an earlier one.
    """

    __slots__ = ("_until", "_watching")

    def __init__(self) -> None:
        self._until = math.inf
        self._watching = trio.CancelScope()

    def begin(self, seconds: float) -> None:
        """The session begins to wait for the client, which may be silent for so many seconds."""
        self._until = until = trio.current_time() + seconds
        if until < self._watching.deadline:
            self._watching.deadline = until

    def end(self) -> None:
        """The session no longer waits."""
        self._until = math.inf

    async def too_long(self, shutdown: trio.Event) -> bool:
        """Sleep until the client has been silent for too long, or until `shutdown`; returns False for that."""
        while True:
            with trio.CancelScope(deadline=self._until) as self._watching:
                await shutdown.wait()
                return False
            await trio.lowlevel.checkpoint()  # input received by now is read first
            if trio.current_time() >= self._until:  # else the client has sent something since
                return True
