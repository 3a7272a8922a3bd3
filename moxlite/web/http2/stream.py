"""One request and its response on an HTTP/2 connection (RFC 9113 §8.1): the `Channel` that handlers know."""

from __future__ import annotations

from typing import TYPE_CHECKING, Final, final

import h11
import trio

from moxlite.web.http.errors import BodyTimeout, ClientGone
from moxlite.web.http.limits import BODY_TIMEOUT
from moxlite.web.http2.fields import response_fields
from moxlite.web.http2.link import WINDOW, ErrorCodes

if TYPE_CHECKING:
    from hpack.struct import HeaderTuple

    from moxlite.web.http.exchange import FilePart
    from moxlite.web.http2.frames import Frames
    from moxlite.web.http2.link import Link
    from moxlite.web.http2.load import Load

REQUEST: Final = 24 << 10
"""Octets that a request takes whose answer waits, beside the answer: its task, its fields, what h2 knows of it.
Measured with the page of the webmail: 22 kB.
"""

WIDER: Final = 4 * WINDOW
"""Octets in flight of a body whose reader keeps pace."""


@final
class Upload:
    """The body of a request, as far as it has come and was not read.

    Args:
      length: its announced octets, or None.
      ended: the request has no body.

    Attributes:
      trailers: the fields after it.
    """

    def __init__(self, load: Load, *, length: int | None, ended: bool) -> None:
        self.ended = ended
        self.trailers: tuple[tuple[str, str], ...] = ()
        self._load = load
        self._missing = length
        self._octets = bytearray()
        self._unopened = 0  # octets that were read and whose room was not given back
        self._wide = False

    def __len__(self) -> int:
        return len(self._octets)

    def add(self, octets: bytes, size: int) -> bool:
        """Take octets; `size`: with their padding. False if too many wait on all connections."""
        if not self._load.hold(len(octets)):
            return False
        if self._missing is not None:
            self._missing -= len(octets)
        self._octets += octets
        self._unopened += size - len(octets)
        return True

    def end(self) -> bool:
        """Nothing more comes; False if it is not as long as it was announced (RFC 9113 §8.1.1)."""
        if self._missing and not self.ended:
            return False
        self.ended = True
        return True

    def take(self) -> bytes:
        """All octets that wait."""
        octets = bytes(self._octets)
        self._octets.clear()
        self._load.free(len(octets))
        self._unopened += len(octets)
        return octets

    def room(self) -> int:
        """Octets by which the stream's window is to be opened now. That of a reader that has read a whole one grows."""
        if self.ended or self._unopened < WINDOW // 2:
            return 0
        room, self._unopened = self._unopened, 0
        if not self._wide:
            self._wide = True
            room += WIDER - WINDOW
        return room


@final
class Stream:
    """One stream.

    Args:
      expects: the client sends the body after an answer 100.

    Attributes:
      upload: the body of the request.
      scope: all that is done for the request.
      safe: the request changes nothing, so that it can be cancelled when the client gives it up.
    """

    def __init__(
        self,
        number: int,
        link: Link,
        frames: Frames,
        upload: Upload,
        *,
        expects: bool,
        safe: bool,
    ) -> None:
        self.number = number
        self.upload = upload
        self.scope = trio.CancelScope()
        self.safe = safe
        self._link = link
        self._frames = frames
        self._expects = expects and not upload.ended
        self._gone = False
        self._news = trio.Event()

    def tell(self) -> None:
        """Wake the tasks that wait for something of the client."""
        self._news.set()
        self._news = trio.Event()

    def lose(self) -> None:
        """The client has given the request up, or has left."""
        self._gone = True
        self.tell()
        self._link.windows_opened()
        if self.safe:
            self.scope.cancel()

    def close(self, *, answered: bool) -> None:
        """The handler is done: the stream ends, if it has not; nothing is kept."""
        self.upload.take()
        if not self._gone and not (answered and self.upload.ended):
            # the rest of a body that is not wanted is stopped without blame (RFC 9113 §8.1)
            self._link.reset(self.number, ErrorCodes.NO_ERROR if answered else ErrorCodes.INTERNAL_ERROR)

    async def receive_body(self) -> bytes:
        """See `Channel`."""
        if self._expects:
            self._expects = False
            await self.send(h11.InformationalResponse(status_code=100, headers=[]))
        with trio.move_on_after(BODY_TIMEOUT):
            while not self._gone and not self.upload and not self.upload.ended:
                await self._news.wait()
        if self._gone:
            raise ClientGone
        octets = self.upload.take()
        if not octets and not self.upload.ended:
            raise BodyTimeout
        if room := self.upload.room():
            await self._link.open(self.number, room)
        else:
            await trio.lowlevel.checkpoint()
        return octets

    async def send(self, *parts: h11.Event, held: int = 0, events: bool = False) -> None:
        """See `Channel`."""
        if self._gone:
            raise ClientGone
        heads: list[list[HeaderTuple]] = []
        pieces: list[bytes | memoryview] = []
        end = None
        for part in parts:
            match part:
                case h11.InformationalResponse() | h11.Response():
                    heads.append(response_fields(part.status_code, part.headers))
                case h11.Data():
                    pieces.append(part.data)
                case h11.EndOfMessage():
                    end = part
        body = pieces[0] if len(pieces) == 1 else b"".join(pieces)
        fields = [] if end is None else response_fields(None, end.headers)
        ends = end is not None and not fields
        with self._link.waiting.sending(held + REQUEST, events=events) as scope:
            await self._link.respond(self.number, heads, body, ends=ends, bodyless=ends and bool(heads) and not body)
            if fields:
                await self._link.trailers(self.number, fields)
        if scope.cancelled_caught:
            self._link.reset(self.number, ErrorCodes.CANCEL)
            self._gone = True
        if self._gone:
            raise ClientGone
        self._frames.sent(len(body))

    def sends_files(self) -> bool:
        """See `Channel`: never below TLS."""
        return False

    async def send_file(self, part: FilePart) -> None:
        """Never asked for, see `sends_files`."""
        raise RuntimeError("HTTP/2 sends no files")

    def must_close(self) -> bool:
        """See `Channel`: a response says nothing about the connection."""
        return False

    def awaits_continue(self) -> bool:
        """See `Channel`."""
        return self._expects

    def trailers(self) -> tuple[tuple[str, str], ...]:
        """See `Channel`."""
        return self.upload.trailers

    async def wait_gone(self) -> None:
        """See `Channel`."""
        while not self._gone:
            await self._news.wait()

    def rest(self) -> trio.abc.Stream:
        """Never asked for: HTTP/2 has no other protocol to switch to (RFC 9113 §8.6)."""
        raise RuntimeError("HTTP/2 has no upgrade")

    def replay(self) -> trio.abc.Stream:
        """Never asked for, see `rest`."""
        raise RuntimeError("HTTP/2 has no upgrade")
