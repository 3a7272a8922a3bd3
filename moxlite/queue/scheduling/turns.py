"""Recipient domains with an attempt under way, and those that wait for a connection to their full host: one attempt per
domain and a bounded number at a time (QUEUE-13, QUEUE-14). In memory.
"""

from collections.abc import Callable, Hashable
from typing import Final

import msgspec
import trio

from moxlite.queue.attempt import Attempt
from moxlite.queue.context import Context

SILENT_SECONDS: Final = 5.0
"""Seconds after which an attempt whose host has not replied counts as silent, and no longer uses the normal limit of
attempts: working hosts send a greeting within one or two.
"""

ROOM_WITH_SILENT: Final = 3
"""Factor of `max_concurrent_deliveries` that limits all attempts, silent ones included; bounds file descriptors."""

REMEMBERED_SECONDS: Final = 60.0
"""Seconds for which a recipient domain counts as "its host is full". While the host is full, the domain waits without
an attempt, which would cost DNS look-ups and two commits.
"""

MAX_REMEMBERED: Final = 1000
"""Maximum number of such domains; beyond it the oldest are forgotten."""


class _Blocked(msgspec.Struct, frozen=True):
    """A recipient domain that waits for a connection to its full host, for a first attempt or a retry."""

    host: Hashable
    retry: bool


class _Turn(msgspec.Struct):
    """A running attempt of a domain. `since`: its start, seconds of trio's clock."""

    retry: bool
    since: float
    attempt: Attempt | None = None

    def silent(self, now: float) -> bool:
        """Whether the attempt has run for `SILENT_SECONDS` without a reply of its host."""
        return now - self.since >= SILENT_SECONDS and not self.answered

    @property
    def answered(self) -> bool:
        """Whether the host has replied to EHLO."""
        return self.attempt is not None and self.attempt.greeted


class Turns:
    """The recipient domains that take part in sending now. `freed` is called when one that waited may begin."""

    def __init__(self, ctx: Context, freed: Callable[[], None]) -> None:
        self._ctx = ctx
        self._freed = freed
        self._busy: dict[str, _Turn] = {}  # by recipient domain
        self._blocked: dict[str, _Blocked] = {}  # by recipient domain
        self._hosts: dict[str, tuple[Hashable, float]] = {}  # recipient domain: its host, known until
        ctx.load.on_free = self._host_free

    @property
    def busy(self) -> frozenset[str]:
        """Recipient domains with an attempt under way."""
        return frozenset(self._busy)

    @property
    def blocked(self) -> frozenset[str]:
        """Recipient domains that wait for a connection to their host to end."""
        return frozenset(self._blocked)

    def room(self, *, retry: bool) -> bool:
        """Whether another attempt may begin. Retries use at most half of `max_concurrent_deliveries`, and silent
        attempts only the larger limit of all attempts, so that neither delays the others (QUEUE-14).
        """
        limit = self._ctx.config.current.static.queue.max_concurrent_deliveries
        turns = list(self._busy.values())
        if retry:
            turns, limit = [turn for turn in turns if turn.retry], max(1, limit // 2)
        now = trio.current_time()
        return sum(not turn.silent(now) for turn in turns) < limit and len(turns) < limit * ROOM_WITH_SILENT

    def relief(self) -> float:
        """Seconds until the next running attempt counts as silent."""
        now = trio.current_time()
        return min(
            (
                turn.since + SILENT_SECONDS - now
                for turn in self._busy.values()
                if not turn.answered and not turn.silent(now)
            ),
            default=float("inf"),
        )

    def begin(self, domain: str, *, retry: bool) -> bool:
        """Begin the turn of a domain. False if it has one, if there is no room, or if it must wait for its host."""
        if domain in self._busy or domain in self._blocked or not self.room(retry=retry):
            return False
        host, until = self._hosts.get(domain, (None, 0.0))
        if host is not None and trio.current_time() < until and self._ctx.load.full(host):
            self._blocked[domain] = _Blocked(host, retry)
            return False
        self._busy[domain] = _Turn(retry, trio.current_time())
        return True

    def attempting(self, domain: str, attempt: Attempt) -> None:
        """Note the attempt of a turn."""
        self._busy[domain].attempt = attempt

    def end(self, domain: str) -> None:
        """End the turn of a domain."""
        del self._busy[domain]

    def wait_for(self, domain: str, host: Hashable, *, retry: bool) -> None:
        """Have a domain wait for its host, if that still has its maximum of connections."""
        if not self._ctx.load.full(host):
            return
        self._blocked[domain] = _Blocked(host, retry)
        self._hosts.pop(domain, None)  # to the end of the order
        self._hosts[domain] = host, trio.current_time() + REMEMBERED_SECONDS
        if len(self._hosts) > MAX_REMEMBERED:
            del self._hosts[next(iter(self._hosts))]

    def _host_free(self, key: Hashable) -> None:
        """Let one of the domains that wait for the host try: a connection to it has ended, or is free."""
        waiting = [domain for domain, blocked in self._blocked.items() if blocked.host == key]
        if waiting:
            del self._blocked[min(waiting, key=lambda domain: self._blocked[domain].retry)]  # among equals, the first
            self._freed()
