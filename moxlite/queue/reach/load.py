"""How many connections a host has of us, and whether it wants fewer: shared by all domains whose mail it takes
(QUEUE-14, QUEUE-168, QUEUE-169). In memory: after a restart all hosts are tried anew.
"""

import re
from collections.abc import Callable, Hashable, Iterator
from contextlib import contextmanager
from typing import Final

import msgspec

from moxlite.metrics import Gauge
from moxlite.proto.smtp.errors import SMTPError
from moxlite.store.options import SECOND

__all__ = ["HostLoad", "Untried"]

MAX_CONNECTIONS: Final = 2
"""To one host at a time: receivers count by host, whatever the domain (QUEUE-14)."""

DEAD: Final = 5 * 60 * SECOND
"""For which a host that did not take a connection is passed by (QUEUE-169)."""

PAUSES: Final = tuple(minutes * 60 * SECOND for minutes in (1, 2, 5, 15, 30))
"""After each answer in turn that asks for patience; one good answer begins anew (QUEUE-168)."""

MAX_HOSTS: Final = 10_000
"""Remembered; beyond that the oldest go."""

_RATE: Final = re.compile(
    r"\brate\b|throttl|too (many|much|fast)|too frequent|slow down|unusual(ly)? (rate|volume)", re.IGNORECASE
)
_ABOUT_ONE_MESSAGE: Final = ("4.2.2", "4.5.3")
"""A full mailbox, too many recipients."""

paused: Final = Gauge(
    "moxlite_queue_hosts_paused", "Hosts that asked for patience, or did not take a connection lately."
)


class Untried(SMTPError):
    """The host was not connected to, so that this does not count as an attempt.

    ``until``: when it may be tried, µs UTC; None: as soon as a connection to it has ended. ``key``: which host.
    """

    def __init__(self, text: str, key: Hashable, until: int | None) -> None:
        super().__init__(False, 0, "4.4.5", "connect", text)
        self.key = key
        self.until = until


class _Pause(msgspec.Struct):
    until: int
    steps: int = 0
    text: str = ""


class HostLoad:
    """What is known of hosts. `now` is always µs UTC; a host is known by a key, its name and the way to it.

    ``on_free`` is called with the key when a connection has ended.
    """

    def __init__(self) -> None:
        self._open: dict[Hashable, int] = {}
        self._pauses: dict[Hashable, _Pause] = {}
        self.on_free: Callable[[Hashable], None] = lambda _: None

    def full(self, key: Hashable) -> bool:
        """Whether it has all the connections that it gets."""
        return self._open.get(key, 0) >= MAX_CONNECTIONS

    @contextmanager
    def connection(self, key: Hashable, now: int) -> Iterator[None]:
        """Around each connection. Raises Untried instead of waiting: others have a way that is free."""
        if (pause := self._pauses.get(key)) is not None and pause.until > now:
            raise Untried(f"not tried before {(pause.until - now) // SECOND} s: {pause.text}", key, pause.until)
        if self.full(key):
            raise Untried(f"host has {MAX_CONNECTIONS} connections of ours", key, None)
        self._open[key] = self._open.get(key, 0) + 1
        try:
            yield
        finally:
            self._open[key] -= 1
            if not self._open[key]:
                del self._open[key]
            self.on_free(key)

    def dead(self, key: Hashable, now: int) -> None:
        """It did not take a connection."""
        self._pause(key, _Pause(now + DEAD, text="it did not take a connection"), now)

    def refused(self, key: Hashable, error: SMTPError, now: int) -> None:
        """It answered so; only what asks for patience counts."""
        if not _asks_for_patience(error):
            return
        known = self._pauses.get(key)
        if known is not None and known.until > now:
            return  # it said so to the other connection too
        steps = 0 if known is None else known.steps
        pause = PAUSES[min(steps, len(PAUSES) - 1)]
        self._pause(key, _Pause(now + pause, steps + 1, str(error)[:200]), now)

    def answered(self, key: Hashable, now: int) -> None:
        """It took a message: what it said before is past."""
        if self._pauses.pop(key, None) is not None:
            self._measure(now)

    def forget(self, now: int) -> None:
        """Try all hosts again, as the administrator says."""
        self._pauses.clear()
        self._measure(now)

    def _pause(self, key: Hashable, pause: _Pause, now: int) -> None:
        self._pauses.pop(key, None)  # to the end of the order
        self._pauses[key] = pause
        while len(self._pauses) > MAX_HOSTS:
            del self._pauses[next(iter(self._pauses))]
        self._measure(now)

    def _measure(self, now: int) -> None:
        paused.set(sum(pause.until > now for pause in self._pauses.values()))


def _asks_for_patience(error: SMTPError) -> bool:
    """421 at any time; 450 to 452 with words of a rate, or by policy before a recipient was named.

    A policy that answers to RCPT is most often greylisting: each recipient meets it once, and a pause of the host would
    make all the others wait for nothing.
    """
    if error.code == 421:
        return True
    if error.code not in (450, 451, 452) or error.ecode in _ABOUT_ONE_MESSAGE:
        return False
    if _RATE.search(" ".join((error.line, *error.more_lines))):
        return True
    return error.ecode.startswith("4.7.") and error.command not in ("rcpt", "data")
