"""Our connections to each host, free ones among them, and pauses of hosts, shared by all domains of a host (QUEUE-14,
QUEUE-165, QUEUE-168, QUEUE-169). In memory: after a restart all hosts are tried anew.

A connection is in use by one attempt, which frees it when it has nothing more to send. Then another attempt takes it,
or it is closed after a few seconds::

    begin ─> in use ─> keep: free ─> take: in use ─> ... ─> close, end
"""

import re
from collections.abc import Callable, Hashable, Sequence
from typing import Final

import msgspec
import trio

from moxlite.metrics import Gauge
from moxlite.net.limits import IPAddress
from moxlite.net.smtpclient import SMTPClient
from moxlite.proto.smtp.errors import SMTPError
from moxlite.queue.tls.hostpolicy import HostPolicy
from moxlite.store.options import SECOND

MAX_CONNECTIONS: Final = 2
"""Connections to one host at a time: receivers count by host, not by domain (QUEUE-14)."""

DEAD: Final = 5 * 60 * SECOND
"""µs of the pause of a host that did not accept a connection (QUEUE-169)."""

PAUSES: Final = tuple(minutes * 60 * SECOND for minutes in (1, 2, 5, 15, 30))
"""µs of the pauses after consecutive replies that ask to slow down; an accepted message starts over (QUEUE-168)."""

IDLE_SECONDS: Final = 5.0
"""Seconds for which a free connection stays open: to the receiver it looks like a pause between two messages
(QUEUE-165).
"""

MAX_FREE: Final = 50
"""Free connections to all hosts together; beyond that the oldest are closed. Each uses a file descriptor."""

MAX_HOSTS: Final = 10_000
"""Hosts whose pauses are remembered; beyond that the oldest are dropped."""

_RATE: Final = re.compile(
    r"\brate\b|throttl|too (many|much|fast)|too frequent|slow down|unusual(ly)? (rate|volume)", re.IGNORECASE
)
_ABOUT_ONE_MESSAGE: Final = ("4.2.2", "4.5.3")
"""Enhanced codes about one message: a full mailbox, too many recipients."""

paused: Final = Gauge(
    "moxlite_queue_hosts_paused", "Hosts that asked to slow down, or that couldn't be reached recently."
)


class HostUnavailable(SMTPError):
    """No connection to the host was made, because it is busy or paused. This does not count as an attempt.

    ``until``: when the host may be tried again, µs UTC; None: once one of our connections to it has ended. ``key``: of
    the host.
    """

    def __init__(self, text: str, key: Hashable, until: int | None) -> None:
        super().__init__(False, 0, "4.4.5", "connect", text)
        self.key = key
        self.until = until


class OpenConnection:
    """A connection after EHLO, over which messages have been sent.

    Attributes:
      key: of the host. client: its SMTP client.
      policy: the demands on TLS under which the connection was made.
      addresses: addresses of the host at that time.
      ip: of the host. tls: version and cipher, for people; tls_mode: for metrics.
      offers: whether the host offers STARTTLS and REQUIRETLS.
    """

    def __init__(
        self,
        key: Hashable,
        client: SMTPClient,
        policy: HostPolicy,
        *,
        addresses: Sequence[IPAddress],
        ip: str,
        tls: str,
        tls_mode: str,
        offers: tuple[bool, bool] | None,
    ) -> None:
        self.key = key
        self.client = client
        self.policy = policy
        self.addresses = addresses
        self.ip = ip
        self.tls = tls
        self.tls_mode = tls_mode
        self.offers = offers


class _Offer:
    """State of a free connection: `over` is set when it is taken or must be closed."""

    def __init__(self) -> None:
        self.over = trio.Event()
        self.taken = False


class _Pause(msgspec.Struct):
    until: int
    steps: int = 0
    text: str = ""


class HostLoad:
    """Connections and pauses of hosts. `now` is always µs UTC. The key of a host is its name and the way to it.

    ``on_free`` is called with the key when a connection has ended or becomes free.
    """

    def __init__(self) -> None:
        self._open: dict[Hashable, int] = {}
        self._free: dict[OpenConnection, _Offer] = {}  # free connections, the oldest first
        self._keeps = True
        self._pauses: dict[Hashable, _Pause] = {}
        self.on_free: Callable[[Hashable], None] = lambda _: None

    def full(self, key: Hashable) -> bool:
        """Whether the host has `MAX_CONNECTIONS` of ours, and no free one among them."""
        return self._open.get(key, 0) >= MAX_CONNECTIONS and not self._free_of(key)

    def connected(self, key: Hashable) -> bool:
        """Whether the host has a connection of ours, whose end `on_free` will tell."""
        return key in self._open

    def begin(self, key: Hashable, now: int) -> None:
        """Count a new connection before it is made; `end` must follow.

        Raises HostUnavailable if the host is paused or has `MAX_CONNECTIONS`.
        """
        self._ask(key, now)
        if self._open.get(key, 0) >= MAX_CONNECTIONS:
            # Idle connections give way: with another TLS policy, or a certificate for other names, they would keep this
            # domain out until they time out.
            for open_connection in self._free_of(key):  # the caller could not use it
                self._withdraw(open_connection)
            raise HostUnavailable(f"too many connections to this host (limit {MAX_CONNECTIONS})", key, None)
        self._open[key] = self._open.get(key, 0) + 1

    def end(self, key: Hashable) -> None:
        """Count a connection as closed."""
        self._open[key] -= 1
        if not self._open[key]:
            del self._open[key]
        self.on_free(key)

    def take(self, key: Hashable, now: int, fits: Callable[[OpenConnection], bool]) -> OpenConnection | None:
        """Take a free connection to a host, or return None. `fits`: whether the caller can use the connection. Raises
        HostUnavailable if the host is paused.
        """
        self._ask(key, now)
        for open_connection in self._free_of(key):
            if fits(open_connection):
                self._withdraw(open_connection, taken=True)
                return open_connection
        return None

    async def keep(self, connection: OpenConnection) -> None:
        """Offer a connection to the next attempt; it is closed if it is not taken in time.

        Cancellation: closes without QUIT.
        """
        offer = _Offer()
        try:
            if self._keeps:
                self._free[connection] = offer
                if len(self._free) > MAX_FREE:
                    self._withdraw(next(iter(self._free)))
                self.on_free(connection.key)
                with trio.move_on_after(IDLE_SECONDS):
                    await offer.over.wait()
        finally:
            if not offer.taken:
                self._withdraw(connection)
                await self.hang_up(connection)

    async def hang_up(self, connection: OpenConnection) -> None:
        """Close a connection in use, with QUIT."""
        try:
            await connection.client.quit()
        finally:
            self.end(connection.key)

    def set_keeping(self, *, keeps: bool) -> None:
        """Set whether connections stay open after their attempt; if not, free ones are closed now."""
        self._keeps = keeps
        if not keeps:
            for open_connection in list(self._free):
                self._withdraw(open_connection)

    def _free_of(self, key: Hashable) -> list[OpenConnection]:
        return [open_connection for open_connection in self._free if open_connection.key == key]

    def _withdraw(self, connection: OpenConnection, *, taken: bool = False) -> None:
        offer = self._free.pop(connection, None)
        if offer is not None:
            offer.taken = taken
            offer.over.set()

    def _ask(self, key: Hashable, now: int) -> None:
        if (pause := self._pauses.get(key)) is not None and pause.until > now:
            raise HostUnavailable(f"retrying in {(pause.until - now) // SECOND} s: {pause.text}", key, pause.until)

    def dead(self, key: Hashable, now: int) -> None:
        """Pause a host that did not accept a connection."""
        self._pause(key, _Pause(now + DEAD, text="connection failed"), now)

    def refused(self, key: Hashable, error: SMTPError, now: int) -> None:
        """Pause a host whose error reply asks to slow down; other replies are ignored."""
        if not _asks_for_patience(error):
            return
        known = self._pauses.get(key)
        if known is not None and known.until > now:
            return  # its other connection has got the same reply
        steps = 0 if known is None else known.steps
        pause = PAUSES[min(steps, len(PAUSES) - 1)]
        self._pause(key, _Pause(now + pause, steps + 1, str(error)[:200]), now)

    def answered(self, key: Hashable, now: int) -> None:
        """Forget the pauses of a host that accepted a message."""
        if self._pauses.pop(key, None) is not None:
            self._measure(now)

    def pause_of(self, key: Hashable, now: int) -> str:
        """Why a host is paused, for people; "" if it is not."""
        try:
            self._ask(key, now)
        except HostUnavailable as exc:
            return exc.line
        return ""

    def forget(self, now: int) -> None:
        """End all pauses, by order of the administrator."""
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
    """Whether a reply asks to slow down: 421 at any time; 450 to 452 with words about a rate, or by policy before RCPT.

    A policy reply to RCPT is mostly greylisting, which delays each recipient once; a pause of the host would delay all
    other recipients for nothing.
    """
    if error.code == 421:
        return True
    if error.code not in (450, 451, 452) or error.ecode in _ABOUT_ONE_MESSAGE:
        return False
    if _RATE.search(" ".join((error.line, *error.more_lines))):
        return True
    return error.ecode.startswith("4.7.") and error.command not in ("rcpt", "data")
