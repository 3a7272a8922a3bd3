"""Context that all views and streams of one user share (WEBMAIL-34)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import TYPE_CHECKING, Final, Protocol

import msgspec
import trio

from moxlite.encoding import to_json
from moxlite.web.errors import UserError

if TYPE_CHECKING:
    from moxlite.store.types import ModSeq
    from moxlite.web.webmail.holders import Holder
    from moxlite.web.webmail.live.changes import EncodedChange, SharedChanges
    from moxlite.web.webmail.querytypes import Query, Request
    from moxlite.web.webmail.reading.parsed import OwnWith
    from moxlite.web.webmail.reading.views import Views
    from moxlite.web.webmail.types import StreamEvent


class StreamStart(msgspec.Struct, frozen=True):
    """Values of the stream's first event, besides the mailboxes."""

    login_address: str
    addresses: list[str]
    rejects_mailbox: str
    introbox: str
    storage_limit: int
    account_path: str
    version: str
    capabilities: list[str]


class Since(msgspec.Struct, frozen=True):
    """The state of the account that a browser knows: `modseq`, 0 for a new page, in the `epoch` of its `start`."""

    modseq: int = 0
    epoch: str = ""


class Context(msgspec.Struct, frozen=True, eq=False):
    """The account of a stream and what is shared with other streams.

    `shared` are the account's changes, encoded once. `searching` limits the account's searches that work at the same
    time. `views` is shared by all accounts. `own`: the user's addresses in the configuration of this moment.
    """

    account: str
    home: Holder
    facts: StreamStart
    shared: SharedChanges
    searching: trio.CapacityLimiter
    views: Views
    own: OwnWith


# Requests of a browser that wait for its stream (WEBMAIL-36).


class PendingRequest:
    """The request to answer next, the search to cancel, and the words to end with.

    Attributes:
      newest: id of the newest request.
      ending: the stream ends with this message to the user; None: it goes on.
      doubted: the session may have ended, and has to be looked at.
    """

    def __init__(self) -> None:
        self.newest = 0
        self.ending: str | None = None
        self.doubted = False
        self._request: Request | None = None
        self._cancelled: int | None = None
        self._sleep: trio.CancelScope | None = None

    def submit(self, request: Request) -> None:
        """Take a request for a view, or for more of it; or cancel a search. A request that arrives after a later one is
        dropped: the browser has sent both at once, over two connections.
        """
        if request.cancel:
            self._cancelled = request.view_id
        elif request.id >= self.newest:
            self.newest = request.id
            self._request = request
        self._wake()

    def end(self, message: str) -> None:
        """End the stream with this message to the user."""
        self.ending = self.ending or message
        self._wake()

    def doubt(self) -> None:
        """Have the stream look at its session."""
        self.doubted = True
        self._wake()

    def _wake(self) -> None:
        if self._sleep is not None:
            self._sleep.cancel()

    @contextmanager
    def waking(self, scope: trio.CancelScope) -> Iterator[None]:
        """Cancel `scope` when something is asked during the block."""
        self._sleep = scope
        try:
            yield
        finally:
            self._sleep = None

    @property
    def waits(self) -> bool:
        """Whether something is asked."""
        return self.interrupts or self.doubted or self._cancelled is not None

    @property
    def interrupts(self) -> bool:
        """Whether what is being sent is no longer wanted."""
        return self._request is not None or self.ending is not None

    def take_request(self) -> Request | None:
        """The request to answer, which is no longer kept."""
        request, self._request = self._request, None
        return request

    def take_cancelled(self) -> int | None:
        """Id of the view whose search the browser has cancelled, which is no longer kept."""
        view_id, self._cancelled = self._cancelled, None
        return view_id


def required_query(first: Request) -> Query:
    """The query of a stream's first request. Raises UserError if there is no query."""
    if first.query is None:
        raise UserError("request: a stream must start with a query")
    return first.query


# Events on their way to one browser (WEBMAIL-33, WEBMAIL-147).


EVENT_SIZE: Final = 128 * 1024
"""Octets of an event with changes, about: no event is large (WEBMAIL-147)."""


class Sink(Protocol):
    """Target of a stream's events. All methods raise ClientGone if the client does not read."""

    async def send(self, kind: str, data: bytes, modseq: int | None) -> None:
        """Send one event as JSON. `modseq` is the state that the browser has reached with it, or None."""


class EventWriter:
    """Encodes events for a sink. `sent` is the time of the last one."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.sent = 0.0

    async def send(self, event: StreamEvent, modseq: int | None = None) -> None:
        """Send an event. Raises ClientGone."""
        await self._sink.send(str(event.__struct_config__.tag), to_json(event), modseq)
        self.sent = trio.current_time()

    async def send_changes(
        self, view_id: int, changes: Sequence[EncodedChange], modseq: ModSeq, *, more: bool = False
    ) -> None:
        """Send changes in one or more `view_changes`. The JSON is joined from parts that all streams share. Raises
        ClientGone.
        """
        at = 0
        while True:
            size = 0
            start = at
            while at < len(changes) and size < EVENT_SIZE:
                size += len(changes[at].data)
                at += 1
            goes_on = more or at < len(changes)
            head = b'{"kind":"view_changes","view_id":%d,"modseq":%d,"more":%s,"changes":[' % (
                view_id,
                modseq,
                b"true" if goes_on else b"false",
            )
            data = head + b",".join(change.data for change in changes[start:at]) + b"]}"
            await self._sink.send("view_changes", data, None if goes_on else modseq)
            self.sent = trio.current_time()
            if at >= len(changes):
                return
