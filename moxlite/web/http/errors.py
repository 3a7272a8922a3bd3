"""Errors between a client and a handler, each with its HTTP status; limits of requests."""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Final

import trio

from moxlite.ledger import NoRoom

RETRY_AFTER: Final = "10"
"""Seconds after which a request without room may come again: most that hold memory have ended by then."""


class HTTPError(Exception):
    """A request that ends with an error page.

    ``status`` is the code of RFC 9110 §15. ``text`` is one plain sentence for the user or program. ``headers`` are
    fields of the answer. ``words`` is the text by which translations are found, if it is not ``text`` (WEBMAIL-143).
    """

    def __init__(
        self, status: int, text: str, headers: tuple[tuple[str, str], ...] = (), *, words: str | None = None
    ) -> None:
        super().__init__(f"{status} {text}")
        self.status = status
        self.text = text
        self.words = text if words is None else words
        self.headers = headers


class BadRequest(HTTPError):
    """The octets are not a valid request; the connection must close (RFC 9112 §2.2, §6.3)."""

    def __init__(self, text: str, status: int = 400) -> None:
        super().__init__(status, text)


class BodyTooLarge(HTTPError):
    """The body is larger than the limit of the endpoint."""

    def __init__(self, limit: int) -> None:
        super().__init__(413, f"The request body is larger than {limit} bytes.")
        self.limit = limit


class BodyTimeout(HTTPError):
    """The client stopped sending in the middle of its body."""

    def __init__(self) -> None:
        super().__init__(408, "The request body didn't arrive in time.")


class NoRoomForRequest(HTTPError):
    """There is no memory for the request, or its answer: too much of its user, or of all, is in progress."""

    def __init__(self, error: NoRoom) -> None:
        text = "You have too many requests in progress. Try again in a moment."
        if not error.own:
            text = "The server is busy. Try again in a moment."
        super().__init__(429 if error.own else 503, text, (("retry-after", RETRY_AFTER),))


class ClientGone(Exception):
    """The client closed the connection, or read nothing for too long. It gets no answer."""


# Limits of connections, for all versions of HTTP: deadlines and sizes (WEB-3, WEB-4), and the shutdown, which lets
# requests in progress finish (WEB-17).

HEAD_TIMEOUT: Final = 30.0
"""Seconds for a request's head from its first octet; slow-loris clients end here."""

IDLE_TIMEOUT: Final = 65.0
"""Seconds between requests. Browsers drop a connection after 60 s, so the client closes first."""

BODY_TIMEOUT: Final = 60.0
"""Seconds for the next piece of a body."""

WRITE_TIMEOUT: Final = 60.0
"""Seconds for `RECORD` octets of a response: the slowest client that is served reads some 300 octets a second."""

RECORD: Final = 16 * 1024
"""Octets of a response, for which the time begins anew: one TLS record."""

LINGER_TIMEOUT: Final = 1.0
"""Seconds in which the client can read an error before our FIN becomes a RST."""

LINGER_OCTETS: Final = 4 << 20
"""Octets that a client may have in flight on a fast line; after more of them, it does not read."""

MAX_HEAD: Final = 64 * 1024
"""Octets of a request's head: cookies and tokens take some kilobytes of it at most."""

MAX_TARGET: Final = 8 * 1024
"""Octets of a request's target: RFC 9110 §4.1 asks for 8,000 at least."""

MAX_FIELDS: Final = 200
"""Header fields of a request: they are looked up one after the other, so that many short ones cost most."""

READ_SIZE: Final = 16 * 1024
"""Octets read at once: request heads are below 2 KiB, bodies pass through; small buffers keep idle connections
small.
"""


# Shutdown of connections: idle waits are cancelled, requests in progress finish (WEB-17).


class Drain:
    """Notifies all connections that the server stops.

    No task waits for it. Each wait that may be cut short runs inside `waiting()`, whose scope is cancelled when the
    drain begins.
    """

    def __init__(self) -> None:
        self.begun = False
        self._scopes: set[trio.CancelScope] = set()

    def begin(self) -> None:
        """Cancel all idle waits; responses in progress go on."""
        self.begun = True
        for scope in self._scopes:
            scope.cancel()

    @contextmanager
    def waiting(self, seconds: float = math.inf) -> Iterator[trio.CancelScope]:
        """A scope for an idle wait of at most `seconds`. `begin` cancels it; if the drain has begun, it is cancelled
        from the start.
        """
        with trio.move_on_after(seconds) as scope:
            self._scopes.add(scope)
            if self.begun:
                scope.cancel()
            try:
                yield scope
            finally:
                self._scopes.discard(scope)
