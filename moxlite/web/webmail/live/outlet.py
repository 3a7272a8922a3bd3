"""Events on their way to one browser (WEBMAIL-33, WEBMAIL-147)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Final, Protocol

import msgspec
import trio

if TYPE_CHECKING:
    from moxlite.store.types import ModSeq
    from moxlite.web.webmail.live.changes import EncodedChange
    from moxlite.web.webmail.types import StreamEvent

EVENT_SIZE: Final = 128 * 1024
"""Octets of an event with changes, about: no event is large (WEBMAIL-147)."""

encoder = msgspec.json.Encoder()


class Sink(Protocol):
    """Target of a stream's events. All methods raise ClientGone if the client does not read."""

    async def send(self, kind: str, data: bytes, modseq: int | None) -> None:
        """Send one event as JSON. `modseq` is the state that the browser has reached with it, or None."""


class Outlet:
    """Encodes events for a sink. `sent` is the time of the last one."""

    def __init__(self, sink: Sink) -> None:
        self._sink = sink
        self.sent = 0.0

    async def send(self, event: StreamEvent, modseq: int | None = None) -> None:
        """Send an event. Raises ClientGone."""
        await self._sink.send(str(event.__struct_config__.tag), encoder.encode(event), modseq)
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
