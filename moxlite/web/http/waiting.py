"""Octets of answers that wait for clients to read them, counted over all connections and versions of HTTP (WEB-4a).

A client that does not read costs what we hold for it. One request has bounds of its own, `WRITE_TIMEOUT` and the size
of a slice; a hundred connections with a hundred requests each have none. So each send is counted while it lasts. When
too many octets wait, the sends that have lasted longest end. A client that reads is not among them, since each slice is
a send of its own. Events have an account of their own: a frozen tab waits for longer than any page, and must neither
cost a page its answer nor end because a crowd fetches pages.
"""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final, final

import trio

from moxlite.web import metrics
from moxlite.web.http.errors import WRITE_TIMEOUT

MAX_ANSWERS: Final = 32 << 20
"""Octets of answers that wait: some 500 pages of our apps, an eighth of the memory of a small machine."""

MAX_EVENTS: Final = 16 << 20
"""Octets of events that wait, of streams and websockets: an event has at most about 128 KiB (WEBMAIL-147)."""


@final
class Waiting:
    """The sends of all connections. `answers` and `events` are the octets of each that may wait."""

    def __init__(self, answers: int = MAX_ANSWERS, events: int = MAX_EVENTS) -> None:
        self._answers = _Account(answers, "answers")
        self._events = _Account(events, "events")

    @property
    def octets(self) -> int:
        """Octets that wait."""
        return self._answers.octets + self._events.octets

    @contextmanager
    def sending(self, octets: int, *, events: bool = False, shield: bool = False) -> Iterator[trio.CancelScope]:
        """A scope for a send. It is cancelled after `WRITE_TIMEOUT`, or when it has lasted longest and too many octets
        wait; then the answer, or the connection, must end.

        Args:
          octets: held until the send ends.
          events: they are of a stream of events.
          shield: nothing else ends the send.
        """
        account = self._events if events else self._answers
        with trio.CancelScope(deadline=trio.current_time() + WRITE_TIMEOUT, shield=shield) as scope:
            account.add(scope, octets)
            try:
                yield scope
            finally:
                account.remove(scope)


class _Account:
    """Sends in the order in which they began, with their octets."""

    __slots__ = ("_ended", "_most", "_sends", "octets")

    def __init__(self, most: int, kind: str) -> None:
        self.octets = 0
        self._most = most
        self._sends: dict[trio.CancelScope, int] = {}
        self._ended = metrics.ended_sends.labels(kind=kind)

    def add(self, scope: trio.CancelScope, octets: int) -> None:
        self._sends[scope] = octets
        self.octets += octets
        while self.octets > self._most and len(self._sends) > 1:
            oldest = next(iter(self._sends))
            self.remove(oldest)
            oldest.cancel()
            self._ended.inc()

    def remove(self, scope: trio.CancelScope) -> None:
        self.octets -= self._sends.pop(scope, 0)
