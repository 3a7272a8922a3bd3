"""Delay of unknown senders before their first delivery (SMTP-97)."""

from typing import Final

from moxlite.smtpd import metrics
from moxlite.smtpd.wire import Wire


class _Waiting:
    """Number of clients that wait before their first delivery, over all listeners."""

    def __init__(self, limit: int) -> None:
        self._limit = limit
        self._number = 0

    def enter(self) -> bool:
        """Count one more client; False, and not counted, if the limit is reached."""
        if self._number >= self._limit:
            return False
        self._number += 1
        return True

    def leave(self) -> None:
        """Count one client less."""
        self._number -= 1


MAX_LINGERING: Final = 200
"""Maximum number of clients delayed at a time (SMTP-97): each uses a connection and a message."""

_waiting: Final = _Waiting(MAX_LINGERING)


async def linger(wire: Wire, seconds: float) -> None:
    """Delay an unknown sender; not if `MAX_LINGERING` clients wait already (SMTP-97).

    Raises Goodbye when the client disconnects, or the server stops.
    """
    if not _waiting.enter():
        metrics.delayed_total.labels(result="crowded").inc()
        return
    result = "gone"
    try:
        await wire.linger(seconds)
        result = "waited"
    finally:
        _waiting.leave()
        metrics.delayed_total.labels(result=result).inc()
